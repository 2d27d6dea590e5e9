// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package topology

import (
	"fmt"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	bootstrapv1 "sigs.k8s.io/cluster-api/api/bootstrap/kubeadm/v1beta2"
	controlplanev1 "sigs.k8s.io/cluster-api/api/controlplane/kubeadm/v1beta2"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
	kcp "sigs.k8s.io/cluster-api/controlplane/kubeadm/pkg"
	"sigs.k8s.io/cluster-api/controlplane/kubeadm/pkg/desiredstate"
)

// controlPlaneReasons returns why the machines of the control plane are replaced.
func controlPlaneReasons(before, after *Rendering) []string {
	old, updated := before.state.ControlPlane, after.state.ControlPlane
	var reasons []string
	if from, to := before.Cluster.Spec.Topology.Version, after.Cluster.Spec.Topology.Version; from != to {
		reasons = append(reasons, "version "+changeOf(from, to))
	}
	if old.InfrastructureMachineTemplate != nil && updated.InfrastructureMachineTemplate != nil {
		reasons = append(reasons, templateReasons(old.InfrastructureMachineTemplate, updated.InfrastructureMachineTemplate)...)
	}
	reasons = append(reasons, configurationReasons(before, after)...)
	return append(reasons, rolloutAfter(
		before.Cluster.Spec.Topology.ControlPlane.Rollout.After, after.Cluster.Spec.Topology.ControlPlane.Rollout.After)...)
}

// rolloutAfter: all machines that are there when it is set are older than it,
// unless it lies in the past. Taking it back replaces none.
func rolloutAfter(before, after metav1.Time) []string {
	if after.IsZero() || after.Equal(&before) {
		return nil
	}
	return []string{"rollout.after is now " + after.UTC().Format(time.RFC3339)}
}

func configurationReasons(before, after *Rendering) []string {
	old, isKubeadm := kubeadmControlPlane(before.state.ControlPlane.Object)
	updated, staysKubeadm := kubeadmControlPlane(after.state.ControlPlane.Object)
	if !isKubeadm || !staysKubeadm {
		return foreignReasons(before.state.ControlPlane.Object, after.state.ControlPlane.Object)
	}
	// Version and feature gates that follow from it are no change of their own.
	old.Spec.Version = updated.Spec.Version
	reasons := kubeadmReasons(after.Cluster, old, updated, true)
	if len(reasons) == 0 {
		// Only the machine that kubeadm init made can differ in this; it may be long gone.
		reasons = kubeadmReasons(after.Cluster, old, updated, false)
	}
	return reasons
}

// kubeadmReasons compares as the kubeadm control plane controller does: the
// configuration that a machine was made with, which kubeadm joined to the
// cluster or initialised it with, and the one that it would be made with now.
func kubeadmReasons(cluster *clusterv1.Cluster, old, updated *controlplanev1.KubeadmControlPlane, joined bool) []string {
	current, err := desiredstate.ComputeDesiredKubeadmConfig(old, cluster, joined, "", nil)
	if err != nil {
		return nil
	}
	for _, join := range []bool{true, false} {
		desired, err := desiredstate.ComputeDesiredKubeadmConfig(updated, cluster, join, "", current)
		if err != nil {
			return nil
		}
		desired, compared := kcp.PrepareKubeadmConfigsForDiff(desired, current, join)
		reasons := specReasons(&compared.Spec, &desired.Spec)
		if len(reasons) == 0 || joined || !join {
			return reasons
		}
	}
	return nil
}

func specReasons(before, after *bootstrapv1.KubeadmConfigSpec) []string {
	if cmp.Equal(before, after) {
		return nil
	}
	// Types of the API always convert.
	old, _ := runtime.DefaultUnstructuredConverter.ToUnstructured(before)
	updated, _ := runtime.DefaultUnstructuredConverter.ToUnstructured(after)
	var reasons []string
	for _, path := range changedPaths("kubeadmConfigSpec", old, updated) {
		reasons = append(reasons, path+" changed")
	}
	if len(reasons) == 0 {
		return []string{"kubeadmConfigSpec changed"}
	}
	return reasons
}

// inPlace are the fields by which Cluster API's contract has every control plane
// take changes without replacing machines, and those that are compared apart.
var inPlace = [][]string{
	{"spec", "version"},
	{"spec", "replicas"},
	{"spec", "rollout"},
	{"spec", "rolloutAfter"},
	{"spec", "machineTemplate"},
}

// foreignReasons are those of a control plane of another provider, which alone
// knows what it replaces machines for.
func foreignReasons(before, after *unstructured.Unstructured) []string {
	if before.GroupVersionKind().GroupKind() != after.GroupVersionKind().GroupKind() {
		return []string{fmt.Sprintf("%s instead of %s", kindOf(after), kindOf(before))}
	}
	if before.GroupVersionKind() != after.GroupVersionKind() {
		// They say the same (conversions).
		return nil
	}
	before, after = defaulted(before), defaulted(after)
	for _, obj := range []*unstructured.Unstructured{before, after} {
		for _, field := range inPlace {
			unstructured.RemoveNestedField(obj.Object, field...)
		}
	}
	var reasons []string
	for _, path := range changedPaths("spec", before.Object["spec"], after.Object["spec"]) {
		reasons = append(reasons, fmt.Sprintf("%s %s changed", after.GetKind(), path))
	}
	return reasons
}

func kubeadmControlPlane(obj *unstructured.Unstructured) (*controlplanev1.KubeadmControlPlane, bool) {
	if obj = inHub(obj); obj.GroupVersionKind() != kubeadmControlPlaneKind {
		return nil, false
	}
	typed := &controlplanev1.KubeadmControlPlane{}
	// What cannot be read is compared as any other provider's control plane is.
	err := runtime.DefaultUnstructuredConverter.FromUnstructured(defaulted(obj).Object, typed)
	return typed, err == nil
}

func controlPlaneStrategy(obj *unstructured.Unstructured) (name, surge, unavailable string) {
	typed, ok := kubeadmControlPlane(obj)
	if !ok {
		return "", "", ""
	}
	surge, unavailable = orDefault(typed.Spec.Rollout.Strategy.RollingUpdate.MaxSurge, "1"), "0"
	if surge == "0" {
		unavailable = "1"
	}
	return string(controlplanev1.RollingUpdateStrategyType), surge, unavailable
}
