// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package topology

import (
	"fmt"
	"slices"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/utils/ptr"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
)

// compared renders the quick-start class and its cluster before and after a
// change.
func compared(t *testing.T, change func(Blueprint, *clusterv1.Cluster)) (before, after *Rendering) {
	t.Helper()
	blueprint, cluster := quickStart(t), quickStartCluster()
	before, problems := Render(t.Context(), blueprint, cluster, nil)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	change(blueprint, cluster)
	after, problems = Render(t.Context(), blueprint, cluster, before)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	return before, after
}

// rollsOf is what Compare says if it is known.
func rollsOf(tb testing.TB, before, after *Rendering) []Roll {
	tb.Helper()
	rolls, problems := Compare(before, after)
	if len(problems) > 0 {
		tb.Fatal(problems)
	}
	return rolls
}

func setField(t *testing.T, obj *unstructured.Unstructured, value any, path ...string) {
	t.Helper()
	if err := unstructured.SetNestedField(obj.Object, value, path...); err != nil {
		t.Fatal(err)
	}
}

func firstMD(c *clusterv1.Cluster) *clusterv1.MachineDeploymentTopology {
	return &c.Spec.Topology.Workers.MachineDeployments[0]
}

func TestCompare(t *testing.T) {
	const (
		cp, workers, bootstrap = "quick-start-control-plane", "worker-machinetemplate", "worker-bootstraptemplate"
		poolTemplate           = "worker-machinepooltemplate"
	)
	kubeadm := func(b Blueprint) *unstructured.Unstructured {
		i := slices.IndexFunc(b.Templates, func(u *unstructured.Unstructured) bool { return u.GetKind() == "KubeadmControlPlaneTemplate" })
		return b.Templates[i]
	}
	machines := func(b Blueprint) *unstructured.Unstructured {
		i := slices.IndexFunc(b.Templates, func(u *unstructured.Unstructured) bool {
			return u.GetKind() == "DevMachineTemplate" && u.GetName() == cp
		})
		return b.Templates[i]
	}
	later := metav1.NewTime(time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC))
	for name, tc := range map[string]struct {
		change func(Blueprint, *clusterv1.Cluster)
		want   []string
	}{
		"nothing": {func(Blueprint, *clusterv1.Cluster) {}, nil},
		"version": {func(_ Blueprint, c *clusterv1.Cluster) { c.Spec.Topology.Version = "v1.35.0" }, []string{
			`control plane (3 machines): version v1.34.3 -> v1.35.0, DevMachineTemplate spec.template.spec.backend.docker.customImage changed`,
			`machine deployment md-0 (2 machines): version v1.34.3 -> v1.35.0, DevMachineTemplate spec.template.spec.backend.docker.customImage changed`,
			`machine deployment md-1 (1 machine): version v1.34.3 -> v1.35.0, DevMachineTemplate spec.template.spec.backend.docker.customImage changed`,
			`machine pool mp-0 (1 machine): version v1.34.3 -> v1.35.0, DevMachinePool spec.backend.docker.customImage changed`,
		}},
		"version, one deferred": {func(_ Blueprint, c *clusterv1.Cluster) {
			c.Spec.Topology.Version = "v1.35.0"
			c.Spec.Topology.Workers.MachinePools = nil
			firstMD(c).Metadata.Annotations = map[string]string{clusterv1.ClusterTopologyHoldUpgradeSequenceAnnotation: ""}
		}, []string{`control plane (3 machines): version v1.34.3 -> v1.35.0, DevMachineTemplate spec.template.spec.backend.docker.customImage changed`}},
		"control plane's machine template": {func(b Blueprint, _ *clusterv1.Cluster) {
			setField(t, machines(b), []any{}, "spec", "template", "spec", "backend", "docker", "extraMounts")
		}, []string{`control plane (3 machines): DevMachineTemplate spec.template.spec.backend.docker.extraMounts changed`}},
		"workers' machine template": {func(b Blueprint, _ *clusterv1.Cluster) {
			setField(t, b.template(t, workers), []any{}, "spec", "template", "spec", "backend", "docker", "extraMounts")
		}, []string{
			`machine deployment md-0 (2 machines): DevMachineTemplate spec.template.spec.backend.docker.extraMounts changed`,
			`machine deployment md-1 (1 machine): DevMachineTemplate spec.template.spec.backend.docker.extraMounts changed`,
		}},
		"bootstrap template": {func(b Blueprint, _ *clusterv1.Cluster) {
			setField(t, b.template(t, bootstrap), []any{"secret"}, "spec", "template", "spec", "preKubeadmCommands")
		}, []string{
			`machine deployment md-0 (2 machines): KubeadmConfigTemplate spec.template.spec.preKubeadmCommands changed`,
			`machine deployment md-1 (1 machine): KubeadmConfigTemplate spec.template.spec.preKubeadmCommands changed`,
			`machine pool mp-0 (1 machine): KubeadmConfig spec.preKubeadmCommands changed`,
		}},
		"pool's template": {func(b Blueprint, _ *clusterv1.Cluster) {
			setField(t, b.template(t, poolTemplate), map[string]any{"extraMounts": []any{}}, "spec", "template", "spec", "backend", "docker")
		}, []string{`machine pool mp-0 (1 machine): DevMachinePool spec.backend.docker.extraMounts changed`}},
		"names of templates": {func(b Blueprint, _ *clusterv1.Cluster) {
			b.template(t, workers).SetName("other")
			b.Class.Spec.Workers.MachineDeployments[0].Infrastructure.TemplateRef.Name = "other"
		}, nil},
		"metadata of a template": {func(b Blueprint, _ *clusterv1.Cluster) {
			b.template(t, workers).SetLabels(map[string]string{"a": "b"})
		}, nil},
		"values that are defaults": {func(b Blueprint, _ *clusterv1.Cluster) {
			setField(t, b.template(t, bootstrap), "cloud-config", "spec", "template", "spec", "format")
			setField(t, kubeadm(b), "cloud-config", "spec", "template", "spec", "kubeadmConfigSpec", "format")
			setField(t, kubeadm(b), "IfNotPresent", "spec", "template", "spec", "kubeadmConfigSpec", "joinConfiguration", "nodeRegistration", "imagePullPolicy")
			b.Class.Spec.Workers.MachineDeployments[0].Rollout.Strategy.Type = clusterv1.RollingUpdateMachineDeploymentStrategyType
		}, []string{`machine pool mp-0 (1 machine): KubeadmConfig spec.format changed`}},
		"kubeadm's configuration": {func(b Blueprint, _ *clusterv1.Cluster) {
			setField(t, kubeadm(b), []any{"localhost"}, "spec", "template", "spec", "kubeadmConfigSpec", "clusterConfiguration", "apiServer", "certSANs")
		}, []string{`control plane (3 machines): kubeadmConfigSpec.clusterConfiguration.apiServer.certSANs changed`}},
		"more than is told": {func(b Blueprint, _ *clusterv1.Cluster) {
			for _, field := range []string{"preKubeadmCommands", "postKubeadmCommands", "bootCommands"} {
				setField(t, kubeadm(b), []any{"true"}, "spec", "template", "spec", "kubeadmConfigSpec", field)
			}
			setField(t, kubeadm(b), int64(2), "spec", "template", "spec", "kubeadmConfigSpec", "verbosity")
		}, []string{`control plane (3 machines): kubeadmConfigSpec.bootCommands changed, kubeadmConfigSpec.postKubeadmCommands changed, kubeadmConfigSpec.preKubeadmCommands changed, 1 more changed`}},
		"kubeadm init, as join": {func(b Blueprint, _ *clusterv1.Cluster) {
			// Machines that joined are as they were, and the one that was initialised is like these.
			setField(t, kubeadm(b), []any{"addon/coredns"}, "spec", "template", "spec", "kubeadmConfigSpec", "initConfiguration", "skipPhases")
		}, nil},
		"what is changed in running control planes": {func(b Blueprint, _ *clusterv1.Cluster) {
			setField(t, kubeadm(b), "v1.11.1", "spec", "template", "spec", "kubeadmConfigSpec", "clusterConfiguration", "dns", "imageTag")
			setField(t, kubeadm(b), int64(0), "spec", "template", "spec", "rollout", "strategy", "rollingUpdate", "maxSurge")
		}, nil},
		"variable of the control plane": {func(_ Blueprint, c *clusterv1.Cluster) { setVariable("imageRepository", `"secret.example"`)(c) },
			[]string{`control plane (3 machines): kubeadmConfigSpec.clusterConfiguration.imageRepository changed`}},
		"variable with the value of its default": {func(_ Blueprint, c *clusterv1.Cluster) { setVariable("imageRepository", `""`)(c) }, nil},
		"new patch": {func(b Blueprint, _ *clusterv1.Cluster) {
			jsonPatch(b, "more", "", clusterv1.JSONPatch{Op: "add", Path: "/spec/template/spec/kubeadmConfigSpec/postKubeadmCommands", Value: raw(`["true"]`)})
		}, []string{`control plane (3 machines): kubeadmConfigSpec.postKubeadmCommands changed`}},
		"failure domain": {func(_ Blueprint, c *clusterv1.Cluster) { firstMD(c).FailureDomain = "fd7" },
			[]string{`machine deployment md-0 (2 machines): failure domain none -> fd7`}},
		"failure domain of the class": {func(b Blueprint, _ *clusterv1.Cluster) {
			b.Class.Spec.Workers.MachineDeployments[0].FailureDomain = "fd6"
		}, []string{
			`machine deployment md-0 (2 machines): failure domain none -> fd6`, `machine deployment md-1 (1 machine): failure domain none -> fd6`}},
		"failure domains of a pool": {func(_ Blueprint, c *clusterv1.Cluster) {
			c.Spec.Topology.Workers.MachinePools[0].FailureDomains = []string{"fd6", "fd7"}
		}, []string{`machine pool mp-0 (1 machine): failure domains none -> fd6,fd7`}},
		"rollout after": {func(_ Blueprint, c *clusterv1.Cluster) {
			c.Spec.Topology.ControlPlane.Rollout.After, firstMD(c).Rollout.After = later, later
		}, []string{
			`control plane (3 machines): rollout.after is now 2030-01-02T03:04:05Z`, `machine deployment md-0 (2 machines): rollout.after is now 2030-01-02T03:04:05Z`}},
		"what Cluster API changes in place": {func(b Blueprint, c *clusterv1.Cluster) {
			taints := []clusterv1.MachineTaint{{Key: "a", Effect: corev1.TaintEffectNoSchedule, Propagation: clusterv1.MachineTaintPropagationAlways}}
			gates := []clusterv1.MachineReadinessGate{{ConditionType: "Ready"}}
			labels := clusterv1.ObjectMeta{Labels: map[string]string{"a": "b"}, Annotations: map[string]string{"c": "d"}}
			controlPlane, md, mp := &c.Spec.Topology.ControlPlane, firstMD(c), &c.Spec.Topology.Workers.MachinePools[0]
			c.Labels = labels.Labels
			controlPlane.Metadata, md.Metadata, mp.Metadata = labels, labels, labels
			controlPlane.Replicas, md.Replicas, mp.Replicas = ptr.To[int32](1), ptr.To[int32](7), ptr.To[int32](7)
			controlPlane.Taints, md.Taints, mp.Taints = taints, taints, taints
			controlPlane.ReadinessGates, md.ReadinessGates = gates, gates
			for _, seconds := range []**int32{&controlPlane.Deletion.NodeDrainTimeoutSeconds, &md.Deletion.NodeDrainTimeoutSeconds,
				&mp.Deletion.NodeDeletionTimeoutSeconds, &md.Deletion.NodeVolumeDetachTimeoutSeconds, &md.MinReadySeconds, &mp.MinReadySeconds} {
				*seconds = ptr.To[int32](9)
			}
			controlPlane.HealthCheck.Enabled, md.HealthCheck.Enabled = ptr.To(false), ptr.To(false)
			md.Deletion.Order = clusterv1.OldestMachineSetDeletionOrder
			md.Rollout.Strategy.Type = clusterv1.OnDeleteMachineDeploymentStrategyType
			c.Spec.ClusterNetwork.ServiceDomain = "example.org"
			b.Class.Spec.Workers.MachineDeployments[0].Naming.Template = "{{ .cluster.name }}-{{ .random }}"
			setField(t, b.template(t, "quick-start-cluster"), "v3", "spec", "template", "spec", "backend", "docker", "loadBalancer", "imageTag")
		}, nil},
		"order of machine deployments": {func(_ Blueprint, c *clusterv1.Cluster) {
			slices.Reverse(c.Spec.Topology.Workers.MachineDeployments)
		}, nil},
		"other class of workers": {func(b Blueprint, c *clusterv1.Cluster) {
			other := *b.Class.Spec.Workers.MachineDeployments[0].DeepCopy()
			other.Class, other.FailureDomain = "other", "fd6"
			b.Class.Spec.Workers.MachineDeployments = append(b.Class.Spec.Workers.MachineDeployments, other)
			firstMD(c).Class = "other"
		}, []string{`machine deployment md-0 (2 machines): DevMachineTemplate spec.template.spec.backend.docker.customImage changed, failure domain none -> fd6`}},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			before, after := compared(t, tc.change)
			rolls := rollsOf(t, before, after)
			var got []string
			for _, roll := range rolls {
				got = append(got, roll.String())
			}
			g.Expect(got).To(Equal(tc.want))
			g.Expect(fmt.Sprint(got)).NotTo(ContainSubstring("secret"))
		})
	}
}

func TestCompareStrategy(t *testing.T) {
	g := NewWithT(t)
	before, after := compared(t, func(_ Blueprint, c *clusterv1.Cluster) {
		c.Spec.Topology.Version = "v1.35.0"
		c.Spec.Topology.ControlPlane.Replicas = nil
		md := c.Spec.Topology.Workers.MachineDeployments
		md[0].Rollout.Strategy.RollingUpdate.MaxSurge = ptr.To(intstr.FromString("25%"))
		md[0].Rollout.Strategy.RollingUpdate.MaxUnavailable = ptr.To(intstr.FromInt32(1))
		md[1].Rollout.Strategy.Type = clusterv1.OnDeleteMachineDeploymentStrategyType
	})
	rolls := rollsOf(t, before, after)
	g.Expect(rolls).To(HaveLen(4))
	type strategy struct{ label, strategy, surge, unavailable string }
	var got []strategy
	for _, r := range rolls {
		got = append(got, strategy{r.Label(), r.Strategy, r.MaxSurge, r.MaxUnavailable})
	}
	g.Expect(got).To(Equal([]strategy{
		{"control plane", "RollingUpdate", "1", "0"},
		{`machine deployment md-0`, "RollingUpdate", "25%", "1"},
		{`machine deployment md-1`, "OnDelete", "", ""},
		{`machine pool mp-0`, "", "", ""},
	}))
	g.Expect(rolls[0].Replicas).To(BeNil())
	g.Expect(rolls[1].Replicas).To(HaveValue(Equal(int32(2))))
}

func TestCreatedDeletedUntouched(t *testing.T) {
	g := NewWithT(t)
	before, after := compared(t, func(_ Blueprint, c *clusterv1.Cluster) {
		workers := &c.Spec.Topology.Workers
		firstMD(c).FailureDomain = "fd7"
		workers.MachineDeployments[1].Name = "md-2"
		workers.MachinePools[0].Replicas = ptr.To[int32](5)
	})
	label := func(sets []Set) (labels []string) {
		for _, set := range sets {
			labels = append(labels, set.String())
		}
		return labels
	}
	g.Expect(label(Created(before, after))).To(Equal([]string{`machine deployment md-2 (1 machine)`}))
	g.Expect(label(Deleted(before, after))).To(Equal([]string{`machine deployment md-1 (1 machine)`}))
	g.Expect(label(Untouched(before, after, rollsOf(t, before, after)))).To(Equal([]string{"control plane (3 machines)", `machine pool mp-0 (5 machines)`}))
}
