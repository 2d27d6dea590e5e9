// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/utils/ptr"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"

	"github.com/terraform-capi/terraform-provider-capi/internal/acctest"
)

const version = "v1.35.0"

// finished is a cluster of one control plane machine and two workers of which
// nothing is missing.
func finished() *facts {
	cluster := &clusterv1.Cluster{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "web", Generation: 3}}
	cluster.Spec.Topology = clusterv1.Topology{
		Version:      version,
		ControlPlane: clusterv1.ControlPlaneTopology{Replicas: ptr.To[int32](1)},
		Workers: clusterv1.WorkersTopology{MachineDeployments: []clusterv1.MachineDeploymentTopology{
			{Name: "md-0", Class: "w", Replicas: ptr.To[int32](2)},
		}},
	}
	cluster.Status.ObservedGeneration = 3
	for _, c := range clusterConditions {
		setCondition(&cluster.Status.Conditions, c.conditionType, c.want, "AsExpected", "", 3)
	}
	// Cluster API sets it once, and does not look at it again when the Cluster changes.
	setCondition(&cluster.Status.Conditions, clusterv1.ClusterControlPlaneInitializedCondition, metav1.ConditionTrue, "Initialized", "", 1)
	md := clusterv1.MachineDeployment{ObjectMeta: metav1.ObjectMeta{
		Name: "web-md-0", Generation: 2, Labels: map[string]string{clusterv1.ClusterTopologyMachineDeploymentNameLabel: "md-0"},
	}}
	md.Spec.Replicas, md.Spec.Template.Spec.Version = ptr.To[int32](2), version
	md.Status.ObservedGeneration = 2
	md.Status.Replicas, md.Status.UpToDateReplicas = ptr.To[int32](2), ptr.To[int32](2)
	md.Status.ReadyReplicas, md.Status.AvailableReplicas = ptr.To[int32](2), ptr.To[int32](2)
	return &facts{
		cluster: cluster,
		object:  &unstructured.Unstructured{Object: map[string]any{"kind": "Cluster", "metadata": map[string]any{"name": "web"}}},
		controlPlane: &unstructured.Unstructured{Object: map[string]any{
			"kind":     "KubeadmControlPlane",
			"metadata": map[string]any{"name": "web-x7k2p", "generation": int64(4)},
			"spec":     map[string]any{"version": version, "replicas": int64(1)},
			"status": map[string]any{"observedGeneration": int64(4), "replicas": int64(1), "upToDateReplicas": int64(1),
				"readyReplicas": int64(1), "availableReplicas": int64(1)},
		}},
		machineDeployments: []clusterv1.MachineDeployment{md},
		machines: []clusterv1.Machine{
			machine("web-x7k2p-1", clusterv1.MachineControlPlaneLabel, ""),
			machine("web-md-0-a", clusterv1.ClusterTopologyMachineDeploymentNameLabel, "md-0"),
			machine("web-md-0-b", clusterv1.ClusterTopologyMachineDeploymentNameLabel, "md-0"),
		},
	}
}

func machine(name, label, value string) clusterv1.Machine {
	m := clusterv1.Machine{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name, Generation: 1, Labels: map[string]string{label: value}}}
	m.Spec.InfrastructureRef.Kind = "DockerMachine"
	m.Status.NodeRef.Name = name
	m.Spec.Version = version
	for _, conditionType := range []string{
		clusterv1.MachineBootstrapConfigReadyCondition, clusterv1.MachineInfrastructureReadyCondition, clusterv1.MachineNodeReadyCondition,
		clusterv1.MachineUpToDateCondition, clusterv1.MachineReadyCondition, clusterv1.MachineAvailableCondition,
	} {
		setCondition(&m.Status.Conditions, conditionType, metav1.ConditionTrue, "AsExpected", "", 1)
	}
	return m
}

func setCondition(list *[]metav1.Condition, conditionType string, status metav1.ConditionStatus, reason, message string, generation int64) {
	meta.SetStatusCondition(list, metav1.Condition{
		Type: conditionType, Status: status, Reason: reason, Message: message, ObservedGeneration: generation,
	})
}

func nested(obj *unstructured.Unstructured, value any, path ...string) {
	if err := unstructured.SetNestedField(obj.Object, value, path...); err != nil {
		panic(err)
	}
}

// stages are what a cluster goes through, as changes of a finished one.
var stages = []struct {
	name   string
	change func(*facts)
}{
	{"nothing is missing", func(*facts) {}},
	{"just created", func(f *facts) {
		f.cluster.Status = clusterv1.ClusterStatus{}
		f.controlPlane, f.machineDeployments, f.machines = nil, nil, nil
	}},
	{"the control plane comes up", func(f *facts) {
		c := &f.cluster.Status.Conditions
		setCondition(c, clusterv1.ClusterControlPlaneInitializedCondition, metav1.ConditionFalse, "NotInitialized", "Control plane not yet initialized", 3)
		setCondition(c, clusterv1.ClusterControlPlaneAvailableCondition, metav1.ConditionFalse, "NotAvailable", "* Control plane not yet initialized", 3)
		setCondition(c, clusterv1.ClusterAvailableCondition, metav1.ConditionFalse, "NotAvailable", "* ControlPlaneAvailable: no", 3)
		nested(f.controlPlane, int64(0), "status", "readyReplicas")
		f.machines = f.machines[:1]
		setCondition(&f.machines[0].Status.Conditions, clusterv1.MachineInfrastructureReadyCondition, metav1.ConditionFalse,
			"BootstrapFailed", "kubeadm init failed:\n* port 6443 is in use", 1)
		f.machineDeployments[0].Status.ReadyReplicas = ptr.To[int32](0)
	}},
	{"a version that was changed just now", func(f *facts) {
		// All conditions still speak of the version before.
		f.cluster.Spec.Topology.Version, f.cluster.Generation = "v1.36.0", 4
	}},
	{"a version that the control plane has got", func(f *facts) {
		f.cluster.Spec.Topology.Version = "v1.36.0"
		setCondition(&f.cluster.Status.Conditions, clusterv1.ClusterTopologyReconciledCondition, metav1.ConditionFalse,
			"ClusterUpgrading", "Cluster is upgrading to v1.36.0\n  * MachineDeployment web-md-0 pending upgrade to version v1.36.0", 3)
		nested(f.controlPlane, "v1.36.0", "spec", "version")
		f.machines[0].Spec.Version = "v1.36.0"
	}},
	{"a condition of before the last change", func(f *facts) {
		setCondition(&f.cluster.Status.Conditions, clusterv1.ClusterRollingOutCondition, metav1.ConditionFalse, "NotRollingOut", "", 2)
	}},
	{"an old machine that is going", func(f *facts) {
		now := metav1.Now()
		f.machines[2].DeletionTimestamp = &now
		setCondition(&f.machines[2].Status.Conditions, clusterv1.MachineDeletingCondition, metav1.ConditionTrue, "DrainingNode", "Drain not completed:\n* Pod default/db: cannot evict", 1)
		f.machineDeployments[0].Status.Replicas = ptr.To[int32](3)
	}},
	{"more replicas", func(f *facts) {
		f.cluster.Spec.Topology.Workers.MachineDeployments[0].Replicas = ptr.To[int32](5)
		f.cluster.Spec.Topology.ControlPlane.Replicas = ptr.To[int32](3)
	}},
	{"a machine deployment that was taken out", func(f *facts) { f.cluster.Spec.Topology.Workers = clusterv1.WorkersTopology{} }},
	{"replicas that an autoscaler wants", func(f *facts) {
		f.cluster.Spec.Topology.Workers.MachineDeployments[0].Replicas = nil
		f.machineDeployments[0].Spec.Replicas = ptr.To[int32](4)
	}},
	{"a control plane without machines that says nothing of up to date", func(f *facts) {
		unstructured.RemoveNestedField(f.controlPlane.Object, "spec", "replicas")
		unstructured.RemoveNestedField(f.controlPlane.Object, "status")
		f.cluster.Spec.Topology.ControlPlane.Replicas = nil
		f.machines = f.machines[1:]
		f.machines[0].Status.Conditions = removed(f.machines[0].Status.Conditions, clusterv1.MachineUpToDateCondition)
	}},
}

// What a wait says at each stage of a cluster's life, as a person reads it.
func TestPending(t *testing.T) {
	var transcript strings.Builder
	for _, stage := range stages {
		f := finished()
		stage.change(f)
		fmt.Fprintf(&transcript, "# %s\n%s\n\n", stage.name, f.pending())
	}
	acctest.Golden(t, "pending", transcript.String())
}

func removed(conditions []metav1.Condition, conditionType string) []metav1.Condition {
	meta.RemoveStatusCondition(&conditions, conditionType)
	return conditions
}

// Any one thing that is missing keeps the wait waiting.
func TestPendingMissesNothing(t *testing.T) {
	if pending := finished().pending(); pending != "" {
		t.Fatalf("a finished cluster lacks %s", pending)
	}
	spoil := map[string]func(*facts){
		"observed generation":    func(f *facts) { f.cluster.Status.ObservedGeneration-- },
		"deletion":               func(f *facts) { f.cluster.DeletionTimestamp = ptr.To(metav1.Now()) },
		"control plane":          func(f *facts) { f.controlPlane = nil },
		"control plane version":  func(f *facts) { nested(f.controlPlane, "v1.34.3", "spec", "version") },
		"control plane observed": func(f *facts) { nested(f.controlPlane, int64(3), "status", "observedGeneration") },
		"control plane surge":    func(f *facts) { nested(f.controlPlane, int64(2), "status", "replicas") },
		"deployment":             func(f *facts) { f.machineDeployments = nil },
		"deployment version":     func(f *facts) { f.machineDeployments[0].Spec.Template.Spec.Version = "v1.34.3" },
		"deployment observed":    func(f *facts) { f.machineDeployments[0].Status.ObservedGeneration = 1 },
		"deployment up to date":  func(f *facts) { f.machineDeployments[0].Status.UpToDateReplicas = ptr.To[int32](1) },
		"deployment without status": func(f *facts) {
			f.machineDeployments[0].Status = clusterv1.MachineDeploymentStatus{ObservedGeneration: 2}
		},
		"machine version":        func(f *facts) { f.machines[1].Spec.Version = "v1.34.3" },
		"machine without status": func(f *facts) { f.machines[1].Status = clusterv1.MachineStatus{} },
	}
	for _, c := range clusterConditions {
		spoil["no "+c.conditionType] = func(f *facts) { f.cluster.Status.Conditions = removed(f.cluster.Status.Conditions, c.conditionType) }
	}
	for _, c := range machine("", "", "").Status.Conditions {
		spoil["machine not "+c.Type] = func(f *facts) {
			setCondition(&f.machines[2].Status.Conditions, c.Type, metav1.ConditionUnknown, "Unknown", "", 1)
		}
	}
	for name, change := range spoil {
		f := finished()
		change(f)
		if f.pending() == "" {
			t.Errorf("%s: nothing is pending", name)
		}
	}
}

// What a destroy says when it takes too long.
func TestRemaining(t *testing.T) {
	f := finished()
	now := metav1.Now().Rfc3339Copy()
	f.object.SetDeletionTimestamp(&now)
	f.object.SetFinalizers([]string{clusterv1.ClusterFinalizer})
	f.infrastructure = &unstructured.Unstructured{Object: map[string]any{"kind": "DockerCluster", "metadata": map[string]any{"name": "web-abcde"}}}
	f.machineDeployments[0].DeletionTimestamp = &now
	f.machineDeployments[0].Finalizers = []string{"cluster.x-k8s.io/machinedeployment"}
	f.machines = f.machines[2:]
	f.machines[0].DeletionTimestamp = &now
	f.machines[0].Finalizers = []string{clusterv1.MachineFinalizer}
	setCondition(&f.machines[0].Status.Conditions, clusterv1.DeletingCondition, metav1.ConditionTrue, "WaitingForInfrastructureDeletion",
		"* DockerMachine web-md-0-b: Docker does not answer", 1)
	acctest.Golden(t, "remaining", f.remaining()+"\n")
}

func TestVersions(t *testing.T) {
	f := finished()
	f.machines[0].Spec.Version, f.machines[1].Spec.Version = "v1.10.0", "v1.9.0"
	if diff := cmp.Diff([]string{"v1.9.0", "v1.10.0", version}, f.versions()); diff != "" {
		t.Error(diff)
	}
	for _, status := range []map[string]any{
		{"version": "v1.31.0"},
		{"version": "v1.30.0", "versions": []any{map[string]any{"version": "v1.31.0", "replicas": int64(1)}}},
	} {
		managed := &facts{cluster: f.cluster, controlPlane: &unstructured.Unstructured{Object: map[string]any{"status": status}}}
		if diff := cmp.Diff([]string{"v1.31.0"}, managed.versions()); diff != "" {
			t.Error(diff)
		}
	}
}

// A condition of a kind that is not known is read all the same.
func TestConditionOf(t *testing.T) {
	condition := metav1.Condition{Type: "Deleting", Status: metav1.ConditionTrue, Reason: "R", Message: "M"}
	content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(&condition)
	if err != nil {
		t.Fatal(err)
	}
	obj := &unstructured.Unstructured{Object: map[string]any{"status": map[string]any{"conditions": []any{content}}}}
	if got := conditionOf(obj, "Deleting"); got.Message != "M" || got.Status != metav1.ConditionTrue {
		t.Errorf("got %+v", got)
	}
}

func TestOneLine(t *testing.T) {
	got := oneLine("* InfrastructureReady: Bootstrap command failed:\n* \t[preflight] port 6443 is in use\n")
	if want := "InfrastructureReady: Bootstrap command failed: [preflight] port 6443 is in use"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
