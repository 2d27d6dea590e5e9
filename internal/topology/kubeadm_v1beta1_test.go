// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package topology

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/utils/ptr"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
	"sigs.k8s.io/yaml"
)

// kubeadmBlueprint is a class whose control plane and workers are of kubeadm's
// kinds in the given version, and whose machines of kinds that are not bundled.
func kubeadmBlueprint(tb testing.TB, controlPlane, bootstrap string) Blueprint {
	tb.Helper()
	templates := map[string]*unstructured.Unstructured{}
	for name, text := range map[string]string{
		"net":     "{apiVersion: infrastructure.example.com/v1, kind: NetTemplate, spec: {template: {spec: {}}}}",
		"machine": "{apiVersion: infrastructure.example.com/v1, kind: BoxTemplate, spec: {template: {spec: {size: 1}}}}",
		"cp":      controlPlane,
		"join":    bootstrap,
	} {
		template := &unstructured.Unstructured{}
		if err := yaml.Unmarshal([]byte(text), &template.Object); err != nil {
			tb.Fatal(err)
		}
		template.SetName(name)
		template.SetNamespace("default")
		templates[name] = template
	}
	ref := func(name string) clusterv1.ClusterClassTemplateReference {
		return clusterv1.ClusterClassTemplateReference{APIVersion: templates[name].GetAPIVersion(), Kind: templates[name].GetKind(), Name: name}
	}
	class := &clusterv1.ClusterClass{}
	class.Namespace, class.Name = "default", "quick-start"
	class.Spec.Infrastructure.TemplateRef = ref("net")
	class.Spec.ControlPlane.TemplateRef = ref("cp")
	class.Spec.ControlPlane.MachineInfrastructure.TemplateRef = ref("machine")
	worker := clusterv1.MachineDeploymentClass{Class: "default-worker"}
	worker.Bootstrap.TemplateRef, worker.Infrastructure.TemplateRef = ref("join"), ref("machine")
	class.Spec.Workers.MachineDeployments = []clusterv1.MachineDeploymentClass{worker}
	blueprint := Blueprint{Class: class}
	for _, name := range slices.Sorted(maps.Keys(templates)) {
		blueprint.Templates = append(blueprint.Templates, templates[name])
	}
	return blueprint
}

const (
	oldControlPlane = "{apiVersion: controlplane.cluster.x-k8s.io/v1beta1, kind: KubeadmControlPlaneTemplate, spec: {template: {spec: {" +
		"rolloutStrategy: {type: RollingUpdate, rollingUpdate: {maxSurge: 1}}, kubeadmConfigSpec: {preKubeadmCommands: ['true'], " +
		"clusterConfiguration: {apiServer: {extraArgs: {v: '1'}}}}}}}}"
	newControlPlane = "{apiVersion: controlplane.cluster.x-k8s.io/v1beta2, kind: KubeadmControlPlaneTemplate, spec: {template: {spec: {" +
		"rollout: {strategy: {type: RollingUpdate, rollingUpdate: {maxSurge: 1}}}, kubeadmConfigSpec: {preKubeadmCommands: ['true'], " +
		"clusterConfiguration: {apiServer: {extraArgs: [{name: v, value: '1'}]}}}}}}}"
	oldBootstrap = "{apiVersion: bootstrap.cluster.x-k8s.io/v1beta1, kind: KubeadmConfigTemplate, spec: {template: {spec: {" +
		"joinConfiguration: {nodeRegistration: {kubeletExtraArgs: {v: '1'}}}}}}}"
	newBootstrap = "{apiVersion: bootstrap.cluster.x-k8s.io/v1beta2, kind: KubeadmConfigTemplate, spec: {template: {spec: {" +
		"joinConfiguration: {nodeRegistration: {kubeletExtraArgs: [{name: v, value: '1'}]}}}}}}"
)

// The contract v1beta1 is the one under which upstream's generator looks at the
// control plane that there is, even if there is none.
func TestRenderOldControlPlanes(t *testing.T) {
	for name, controlPlane := range map[string]string{
		"kubeadm":                        oldControlPlane,
		"another provider":               "{apiVersion: controlplane.example.com/v1beta1, kind: OtherControlPlaneTemplate, spec: {template: {spec: {}}}}",
		"another provider, older":        "{apiVersion: controlplane.example.com/v1alpha1, kind: OtherControlPlaneTemplate, spec: {template: {spec: {}}}}",
		"another provider, other number": "{apiVersion: controlplane.example.com/v3alpha7, kind: OtherControlPlaneTemplate, spec: {template: {spec: {}}}}",
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			blueprint := kubeadmBlueprint(t, controlPlane, newBootstrap)
			g.Expect(ValidateBlueprint(t.Context(), nil, blueprint, nil)).To(BeEmpty())
			cluster := testCluster(func(c *clusterv1.Cluster) { c.Spec.Topology.ControlPlane.Replicas = ptr.To[int32](3) })
			before, problems := Render(t.Context(), blueprint, cluster, nil)
			g.Expect(problems).To(BeEmpty())
			cluster.Spec.Topology.Version = "v1.35.0"
			after, problems := Render(t.Context(), blueprint, cluster, before)
			g.Expect(problems).To(BeEmpty())
			g.Expect(after.state.ControlPlane.InfrastructureMachineTemplate.GetName()).To(
				Equal(before.state.ControlPlane.InfrastructureMachineTemplate.GetName()))
			g.Expect(rollsOf(t, before, after)[0].Reasons).To(Equal([]string{"version v1.34.3 -> v1.35.0"}))
		})
	}
}

func TestCompareOldKinds(t *testing.T) {
	old := kubeadmBlueprint(t, oldControlPlane, oldBootstrap)
	for name, tc := range map[string]struct {
		after Blueprint
		edit  func(Blueprint)
		want  []string
	}{
		"nothing":       {after: old},
		"newer version": {after: kubeadmBlueprint(t, newControlPlane, newBootstrap)},
		"surge": {after: old, edit: func(b Blueprint) {
			setField(t, b.template(t, "cp"), int64(0), "spec", "template", "spec", "rolloutStrategy", "rollingUpdate", "maxSurge")
		}},
		"rollout before": {after: old, edit: func(b Blueprint) {
			setField(t, b.template(t, "cp"), int64(9), "spec", "template", "spec", "rolloutBefore", "certificatesExpiryDays")
		}},
		"remediation": {after: old, edit: func(b Blueprint) {
			setField(t, b.template(t, "cp"), int64(9), "spec", "template", "spec", "remediationStrategy", "maxRetry")
		}},
		"default of join": {after: old, edit: func(b Blueprint) {
			setField(t, b.template(t, "join"), "cloud-config", "spec", "template", "spec", "format")
		}},
		"commands": {after: old, edit: func(b Blueprint) {
			setField(t, b.template(t, "cp"), []any{"false"}, "spec", "template", "spec", "kubeadmConfigSpec", "preKubeadmCommands")
		}, want: []string{"control plane (3 machines): kubeadmConfigSpec.preKubeadmCommands changed"}},
		"commands of workers, and newer version": {after: kubeadmBlueprint(t, newControlPlane, newBootstrap), edit: func(b Blueprint) {
			setField(t, b.template(t, "join"), []any{"false"}, "spec", "template", "spec", "preKubeadmCommands")
		}, want: []string{"machine deployment md-0: KubeadmConfigTemplate spec.template.spec.preKubeadmCommands changed"}},
	} {
		t.Run(name, func(t *testing.T) {
			after := tc.after.deepCopy()
			if tc.edit != nil {
				tc.edit(after)
			}
			cluster := testCluster(func(c *clusterv1.Cluster) { c.Spec.Topology.ControlPlane.Replicas = ptr.To[int32](3) })
			for _, direction := range []struct{ from, to Blueprint }{{old, after}, {after, old}} {
				g := NewWithT(t)
				before, problems := Render(t.Context(), direction.from, cluster, nil)
				g.Expect(problems).To(BeEmpty())
				rendered, problems := Render(t.Context(), direction.to, before.Cluster, before)
				g.Expect(problems).To(BeEmpty())
				var got []string
				for _, roll := range rollsOf(t, before, rendered) {
					got = append(got, roll.String())
				}
				g.Expect(got).To(Equal(tc.want))
				name, surge, _ := controlPlaneStrategy(before.state.ControlPlane.Object)
				g.Expect(name + surge).To(HavePrefix("RollingUpdate"))
				g.Expect(surge).NotTo(BeEmpty())
			}
		})
	}
}

// What becomes of an object of another provider in another version of its API only that
// provider knows. If it says the same, nothing changes.
func TestCompareOtherVersions(t *testing.T) {
	const other = "{apiVersion: controlplane.example.com/%s, kind: OtherControlPlaneTemplate, spec: {template: {spec: {size: 1}}}}"
	before := kubeadmBlueprint(t, fmt.Sprintf(other, "v1beta1"), newBootstrap)
	machine := func(b Blueprint) {
		b.template(t, "machine").SetAPIVersion("infrastructure.example.com/v2")
		b.Class.Spec.ControlPlane.MachineInfrastructure.TemplateRef.APIVersion = "infrastructure.example.com/v2"
		b.Class.Spec.Workers.MachineDeployments[0].Infrastructure.TemplateRef.APIVersion = "infrastructure.example.com/v2"
	}
	for name, tc := range map[string]struct {
		version string
		edit    func(Blueprint)
		want    []string
	}{
		"control plane": {version: "v1beta2"},
		"control plane that says something else": {"v1beta2", func(b Blueprint) {
			setField(t, b.template(t, "cp"), int64(2), "spec", "template", "spec", "size")
		}, []string{"the OtherControlPlane of the control plane goes from controlplane.example.com/v1beta1 to controlplane.example.com/v1beta2, " +
			"and only its provider, which converts it, knows whether that replaces machines"}},
		"machines": {"v1beta1", machine, nil},
		"machines that are told something else": {"v1beta1", func(b Blueprint) {
			machine(b)
			setField(t, b.template(t, "machine"), int64(2), "spec", "template", "spec", "size")
		}, []string{"the BoxTemplate of the control plane goes", "the BoxTemplate of the machine deployment md-0 goes"}},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			after := kubeadmBlueprint(t, fmt.Sprintf(other, tc.version), newBootstrap)
			if tc.edit != nil {
				tc.edit(after)
			}
			old, problems := Render(t.Context(), before, testCluster(nil), nil)
			g.Expect(problems).To(BeEmpty())
			updated, problems := Render(t.Context(), after, testCluster(nil), old)
			g.Expect(problems).To(BeEmpty())
			rolls, problems := Compare(old, updated)
			g.Expect(rolls).To(BeEmpty())
			g.Expect(problems).To(HaveLen(len(tc.want)))
			for i, want := range tc.want {
				g.Expect(problems[i].Unknown).To(BeTrue())
				g.Expect(problems[i].Message).To(HavePrefix(want))
			}
		})
	}
}
