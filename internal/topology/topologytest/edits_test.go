// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package topologytest

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/utils/ptr"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
)

// edit is one way to change a class or a cluster, by chance.
type edit struct {
	name   string
	change func(w *world, r *rand.Rand)
}

func pick[T any](r *rand.Rand, values ...T) T { return values[r.IntN(len(values))] }

// number is one of few, so that edits are taken back now and then.
func number(r *rand.Rand) string { return fmt.Sprint(r.IntN(3)) }

func set(obj *unstructured.Unstructured, value any, path ...string) {
	if err := unstructured.SetNestedField(obj.Object, value, path...); err != nil {
		panic(err)
	}
}

func (w *world) anyMD(r *rand.Rand) *clusterv1.MachineDeploymentTopology {
	mds := w.cluster.Spec.Topology.Workers.MachineDeployments
	return &mds[r.IntN(len(mds))]
}

func (w *world) anyMDClass(r *rand.Rand) *clusterv1.MachineDeploymentClass {
	classes := w.blueprint.Class.Spec.Workers.MachineDeployments
	return &classes[r.IntN(len(classes))]
}

func (w *world) setVariable(name, value string) {
	w.cluster.Spec.Topology.Variables = with(w.cluster.Spec.Topology.Variables, name, value)
}

func with(variables []clusterv1.ClusterVariable, name, value string) []clusterv1.ClusterVariable {
	variables = slices.DeleteFunc(variables, func(v clusterv1.ClusterVariable) bool { return v.Name == name })
	return append(variables, clusterv1.ClusterVariable{Name: name, Value: apiextensionsv1.JSON{Raw: []byte(value)}})
}

func (w *world) kcpTemplate() *unstructured.Unstructured {
	return w.template(w.blueprint.Class.Spec.ControlPlane.TemplateRef)
}

func file(r *rand.Rand) any {
	return []any{map[string]any{"path": "/etc/x", "content": number(r)}}
}

var templateEdits = []edit{
	{"mounts of the control plane's machines", func(w *world, r *rand.Rand) {
		set(w.template(w.blueprint.Class.Spec.ControlPlane.MachineInfrastructure.TemplateRef), []any{map[string]any{"hostPath": "/" + number(r), "containerPath": "/x"}},
			"spec", "template", "spec", "backend", "docker", "extraMounts")
	}},
	{"custom image of workers", func(w *world, r *rand.Rand) {
		set(w.template(w.anyMDClass(r).Infrastructure.TemplateRef), "image:"+number(r), "spec", "template", "spec", "backend", "docker", "customImage")
	}},
	{"mounts of workers", func(w *world, r *rand.Rand) {
		set(w.template(w.anyMDClass(r).Infrastructure.TemplateRef), []any{map[string]any{"hostPath": "/" + number(r), "containerPath": "/x", "readOnly": pick(r, true, false)}},
			"spec", "template", "spec", "backend", "docker", "extraMounts")
	}},
	{"custom image of pools", func(w *world, r *rand.Rand) {
		set(w.template(w.blueprint.Class.Spec.Workers.MachinePools[0].Infrastructure.TemplateRef), "image:"+number(r), "spec", "template", "spec", "backend", "docker", "customImage")
	}},
	{"metadata of a template", func(w *world, r *rand.Rand) {
		w.template(w.anyMDClass(r).Infrastructure.TemplateRef).SetLabels(map[string]string{"a": number(r)})
	}},
	{"metadata in a template", func(w *world, r *rand.Rand) {
		set(w.template(w.anyMDClass(r).Bootstrap.TemplateRef), number(r), "spec", "template", "metadata", "labels", "a")
	}},
	{"files of workers", func(w *world, r *rand.Rand) {
		set(w.template(w.anyMDClass(r).Bootstrap.TemplateRef), file(r), "spec", "template", "spec", "files")
	}},
	{"no files of workers", func(w *world, r *rand.Rand) {
		unstructured.RemoveNestedField(w.template(w.anyMDClass(r).Bootstrap.TemplateRef).Object, "spec", "template", "spec", "files")
	}},
	{"commands of workers", func(w *world, r *rand.Rand) {
		set(w.template(w.anyMDClass(r).Bootstrap.TemplateRef), []any{pick(r, "true", "false")}, "spec", "template", "spec", "preKubeadmCommands")
	}},
	{"defaults of workers", func(w *world, r *rand.Rand) {
		spec := w.template(w.anyMDClass(r).Bootstrap.TemplateRef)
		set(spec, "cloud-config", "spec", "template", "spec", "format")
		set(spec, "IfNotPresent", "spec", "template", "spec", "joinConfiguration", "nodeRegistration", "imagePullPolicy")
	}},
	{"init configuration of workers, which is a default", func(w *world, r *rand.Rand) {
		set(w.template(w.anyMDClass(r).Bootstrap.TemplateRef), "IfNotPresent", "spec", "template", "spec", "initConfiguration", "nodeRegistration", "imagePullPolicy")
	}},
	{"kubelet arguments of workers, in some order", func(w *world, r *rand.Rand) {
		args := []any{map[string]any{"name": "v", "value": "1"}, map[string]any{"name": "eviction-hard", "value": "x"}}
		if r.IntN(2) == 0 {
			slices.Reverse(args)
		}
		set(w.template(w.anyMDClass(r).Bootstrap.TemplateRef), args, "spec", "template", "spec", "joinConfiguration", "nodeRegistration", "kubeletExtraArgs")
	}},
	{"files of the control plane", func(w *world, r *rand.Rand) {
		set(w.kcpTemplate(), file(r), "spec", "template", "spec", "kubeadmConfigSpec", "files")
	}},
	{"commands of the control plane", func(w *world, r *rand.Rand) {
		set(w.kcpTemplate(), []any{pick(r, "true", "false")}, "spec", "template", "spec", "kubeadmConfigSpec", "postKubeadmCommands")
	}},
	{"defaults of the control plane", func(w *world, _ *rand.Rand) {
		set(w.kcpTemplate(), "cloud-config", "spec", "template", "spec", "kubeadmConfigSpec", "format")
	}},
	{"kubeadm init alone", func(w *world, r *rand.Rand) {
		set(w.kcpTemplate(), []any{"addon/" + pick(r, "kube-proxy", "coredns")}, "spec", "template", "spec", "kubeadmConfigSpec", "initConfiguration", "skipPhases")
	}},
	{"kubeadm join alone", func(w *world, r *rand.Rand) {
		set(w.kcpTemplate(), pick(r, "/etc/a", "/etc/b"), "spec", "template", "spec", "kubeadmConfigSpec", "joinConfiguration", "patches", "directory")
	}},
	{"arguments of the API server", func(w *world, r *rand.Rand) {
		set(w.kcpTemplate(), []any{map[string]any{"name": "v", "value": number(r)}}, "spec", "template", "spec", "kubeadmConfigSpec", "clusterConfiguration", "apiServer", "extraArgs")
	}},
	{"DNS of the control plane", func(w *world, r *rand.Rand) {
		set(w.kcpTemplate(), "v1.1"+number(r)+".0", "spec", "template", "spec", "kubeadmConfigSpec", "clusterConfiguration", "dns", "imageTag")
	}},
	{"join timeouts of the control plane", func(w *world, r *rand.Rand) {
		set(w.kcpTemplate(), int64(r.IntN(3)+60), "spec", "template", "spec", "kubeadmConfigSpec", "joinConfiguration", "timeouts", "tlsBootstrapSeconds")
	}},
	{"timeouts of the control plane's machines, which init and join share", func(w *world, r *rand.Rand) {
		seconds := int64(r.IntN(3) + 60)
		for _, configuration := range []string{"initConfiguration", "joinConfiguration"} {
			set(w.kcpTemplate(), seconds, "spec", "template", "spec", "kubeadmConfigSpec", configuration, "timeouts", "controlPlaneComponentHealthCheckSeconds")
		}
	}},
	{"rollout strategy of the control plane", func(w *world, r *rand.Rand) {
		set(w.kcpTemplate(), map[string]any{"type": "RollingUpdate", "rollingUpdate": map[string]any{"maxSurge": int64(r.IntN(2))}}, "spec", "template", "spec", "rollout", "strategy")
	}},
	{"infrastructure of the cluster", func(w *world, r *rand.Rand) {
		set(w.template(w.blueprint.Class.Spec.Infrastructure.TemplateRef), "img"+number(r), "spec", "template", "spec", "backend", "docker", "loadBalancer", "imageTag")
	}},
}

var classEdits = []edit{
	{"metadata of workers", func(w *world, r *rand.Rand) {
		w.anyMDClass(r).Metadata.Labels = map[string]string{"class": number(r)}
	}},
	{"failure domain of workers", func(w *world, r *rand.Rand) { w.anyMDClass(r).FailureDomain = pick(r, "fd6", "fd7", "") }},
	{"timeouts of workers", func(w *world, r *rand.Rand) {
		w.anyMDClass(r).Deletion.NodeDrainTimeoutSeconds = ptr.To(r.Int32N(3))
	}},
	{"readiness gates of workers", func(w *world, r *rand.Rand) {
		w.anyMDClass(r).ReadinessGates = []clusterv1.MachineReadinessGate{{ConditionType: "Gate" + number(r)}}
	}},
	{"health check of workers", func(w *world, r *rand.Rand) {
		w.anyMDClass(r).HealthCheck.Checks.NodeStartupTimeoutSeconds = ptr.To(r.Int32N(3) + 60)
	}},
	{"naming of workers", func(w *world, r *rand.Rand) {
		w.anyMDClass(r).Naming.Template = "{{ .cluster.name }}-" + number(r) + "-{{ .machineDeployment.topologyName }}-{{ .random }}"
	}},
	{"metadata of the control plane", func(w *world, r *rand.Rand) {
		w.blueprint.Class.Spec.ControlPlane.Metadata.Annotations = map[string]string{"class": number(r)}
	}},
	{"taints of the control plane", func(w *world, r *rand.Rand) {
		w.blueprint.Class.Spec.ControlPlane.Taints = []clusterv1.MachineTaint{{Key: "k" + number(r), Effect: corev1.TaintEffectNoSchedule, Propagation: clusterv1.MachineTaintPropagationAlways}}
	}},
	{"default of a variable", func(w *world, r *rand.Rand) {
		w.blueprint.Class.Spec.Variables[0].Schema.OpenAPIV3Schema.Default = &apiextensionsv1.JSON{Raw: []byte(pick(r, `""`, `"registry.example"`))}
	}},
	{"patch of workers by number of machines", func(w *world, r *rand.Rand) {
		w.patch("replicas", w.anyMDClass(r), "{{ .builtin.machineDeployment.replicas }}")
	}},
	{"patch of workers by name", func(w *world, r *rand.Rand) {
		w.patch("names", w.anyMDClass(r), "{{ .builtin.machineDeployment.name }}")
	}},
	{"no patches of ours", func(w *world, _ *rand.Rand) { w.dropPatches("replicas", "names") }},
}

func (w *world) dropPatches(names ...string) {
	spec := &w.blueprint.Class.Spec
	spec.Patches = slices.DeleteFunc(spec.Patches, func(p clusterv1.ClusterClassPatch) bool { return slices.Contains(names, p.Name) })
}

// patch has the bootstrap configuration of a class of workers tell something.
func (w *world) patch(name string, class *clusterv1.MachineDeploymentClass, template string) {
	w.dropPatches(name)
	ref := class.Bootstrap.TemplateRef
	w.blueprint.Class.Spec.Patches = append(w.blueprint.Class.Spec.Patches, clusterv1.ClusterClassPatch{
		Name: name, Definitions: []clusterv1.PatchDefinition{{
			Selector: clusterv1.PatchSelector{APIVersion: ref.APIVersion, Kind: ref.Kind, MatchResources: clusterv1.PatchSelectorMatch{
				MachineDeploymentClass: &clusterv1.PatchSelectorMatchMachineDeploymentClass{Names: []string{class.Class}}}},
			JSONPatches: []clusterv1.JSONPatch{{Op: "add", Path: "/spec/template/spec/postKubeadmCommands",
				ValueFrom: &clusterv1.JSONPatchValue{Template: `["echo ` + template + `"]`}}},
		}},
	})
}

var clusterEdits = []edit{
	{"image repository", func(w *world, r *rand.Rand) {
		w.setVariable("imageRepository", pick(r, `""`, `"registry.example"`, `"other.example"`))
	}},
	{"tag of CoreDNS", func(w *world, r *rand.Rand) { w.setVariable("coreDNSImageTag", pick(r, `""`, `"v1.11.1"`)) }},
	{"pod security", func(w *world, r *rand.Rand) {
		w.setVariable("podSecurityStandard", pick(r, `{"enabled":true}`, `{"enabled":false}`, `{"audit":"baseline"}`))
	}},
	{"variables of a machine deployment", func(w *world, r *rand.Rand) {
		md := w.anyMD(r)
		md.Variables.Overrides = with(md.Variables.Overrides, "imageRepository", pick(r, `"a"`, `"b"`))
	}},
	{"size of the control plane", func(w *world, r *rand.Rand) {
		w.cluster.Spec.Topology.ControlPlane.Replicas = pick(r, ptr.To[int32](1), ptr.To[int32](3))
	}},
	{"size of workers", func(w *world, r *rand.Rand) { w.anyMD(r).Replicas = ptr.To(r.Int32N(4)) }},
	{"labels of workers", func(w *world, r *rand.Rand) { w.anyMD(r).Metadata.Labels = map[string]string{"x": number(r)} }},
	{"annotations of the control plane", func(w *world, r *rand.Rand) {
		w.cluster.Spec.Topology.ControlPlane.Metadata.Annotations = map[string]string{"x": number(r)}
	}},
	{"labels of the cluster", func(w *world, r *rand.Rand) { w.cluster.Labels = map[string]string{"x": number(r)} }},
	{"timeouts of the control plane", func(w *world, r *rand.Rand) {
		w.cluster.Spec.Topology.ControlPlane.Deletion.NodeDrainTimeoutSeconds = ptr.To(r.Int32N(3))
	}},
	{"gates of the control plane", func(w *world, r *rand.Rand) {
		w.cluster.Spec.Topology.ControlPlane.ReadinessGates = []clusterv1.MachineReadinessGate{{ConditionType: "Gate" + number(r)}}
	}},
	{"min ready seconds", func(w *world, r *rand.Rand) { w.anyMD(r).MinReadySeconds = ptr.To(r.Int32N(3)) }},
	{"taints of a machine deployment", func(w *world, r *rand.Rand) {
		w.anyMD(r).Taints = []clusterv1.MachineTaint{{Key: "k" + number(r), Effect: corev1.TaintEffectNoSchedule, Propagation: clusterv1.MachineTaintPropagationAlways}}
	}},
	{"failure domain", func(w *world, r *rand.Rand) { w.anyMD(r).FailureDomain = pick(r, "fd6", "fd7", "fd8", "") }},
	{"failure domains of a pool", func(w *world, r *rand.Rand) {
		w.cluster.Spec.Topology.Workers.MachinePools[0].FailureDomains = []string{pick(r, "fd6", "fd7")}
	}},
	{"class of workers", func(w *world, r *rand.Rand) { w.anyMD(r).Class = pick(r, "default-worker", "other-worker") }},
	{"rollout strategy", func(w *world, r *rand.Rand) {
		w.anyMD(r).Rollout.Strategy = clusterv1.MachineDeploymentTopologyRolloutStrategy{Type: pick(r, clusterv1.RollingUpdateMachineDeploymentStrategyType, clusterv1.OnDeleteMachineDeploymentStrategyType)}
		if md := w.anyMD(r); md.Rollout.Strategy.Type == clusterv1.RollingUpdateMachineDeploymentStrategyType {
			md.Rollout.Strategy.RollingUpdate.MaxSurge = ptr.To(intstr.FromInt32(2))
		}
	}},
	{"deletion order", func(w *world, r *rand.Rand) {
		w.anyMD(r).Deletion.Order = pick(r, clusterv1.NewestMachineSetDeletionOrder, clusterv1.OldestMachineSetDeletionOrder)
	}},
	{"health check", func(w *world, r *rand.Rand) { w.anyMD(r).HealthCheck.Enabled = ptr.To(pick(r, true, false)) }},
	{"rollout of workers after now", func(w *world, r *rand.Rand) { w.anyMD(r).Rollout.After = now() }},
	{"rollout of the control plane after now", func(w *world, _ *rand.Rand) { w.cluster.Spec.Topology.ControlPlane.Rollout.After = now() }},
	{"no rollout of workers", func(w *world, r *rand.Rand) { w.anyMD(r).Rollout.After = metav1.Time{} }},
	{"patch release", func(w *world, _ *rand.Rand) { w.upgrade(0, 1) }},
	{"minor release", func(w *world, _ *rand.Rand) { w.upgrade(1, 0) }},
	{"machine deployment more", func(w *world, r *rand.Rand) {
		workers := &w.cluster.Spec.Topology.Workers
		name := fmt.Sprintf("md-%d", 2+len(workers.MachineDeployments)+r.IntN(100))
		workers.MachineDeployments = append(workers.MachineDeployments, clusterv1.MachineDeploymentTopology{Name: name, Class: "default-worker", Replicas: ptr.To[int32](1)})
	}},
	{"machine deployment less", func(w *world, r *rand.Rand) {
		workers := &w.cluster.Spec.Topology.Workers
		if len(workers.MachineDeployments) > 1 {
			i := r.IntN(len(workers.MachineDeployments))
			workers.MachineDeployments = slices.Delete(workers.MachineDeployments, i, i+1)
		}
	}},
	{"order of machine deployments", func(w *world, _ *rand.Rand) { slices.Reverse(w.cluster.Spec.Topology.Workers.MachineDeployments) }},
	{"another class of the same content", func(w *world, r *rand.Rand) {
		w.blueprint.Class.Name = "quick-start-" + number(r)
		w.cluster.Spec.Topology.ClassRef.Name = w.blueprint.Class.Name
	}},
	{"network", func(w *world, r *rand.Rand) { w.cluster.Spec.ClusterNetwork.ServiceDomain = "d" + number(r) }},
}

// now is later than everything was created, in whole seconds as the API has it.
func now() metav1.Time {
	<-time.After(1100 * time.Millisecond)
	return metav1.NewTime(time.Now().Truncate(time.Second))
}

func (w *world) upgrade(minor, patch int) {
	var m, p int
	if _, err := fmt.Sscanf(w.cluster.Spec.Topology.Version, "v1.%d.%d", &m, &p); err != nil {
		panic(err)
	}
	w.cluster.Spec.Topology.Version = fmt.Sprintf("v1.%d.%d", m+minor, p+patch)
}
