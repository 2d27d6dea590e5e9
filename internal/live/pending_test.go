// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package live

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
	"github.com/terraform-capi/terraform-provider-capi/internal/live/livetest"
)

const version = livetest.Version

// finished is livetest's cluster of which nothing is missing.
func finished() *Facts {
	c := livetest.Finished()
	return &Facts{
		Cluster: c.Cluster, ControlPlane: c.ControlPlane, MachineDeployments: c.MachineDeployments, Machines: c.Machines,
		Object: &unstructured.Unstructured{Object: map[string]any{"kind": "Cluster", "metadata": map[string]any{"name": "web"}}},
	}
}

func nested(obj *unstructured.Unstructured, value any, path ...string) {
	if err := unstructured.SetNestedField(obj.Object, value, path...); err != nil {
		panic(err)
	}
}

// stages are what a cluster goes through, as changes of a finished one.
var stages = []struct {
	name   string
	change func(*Facts)
}{
	{"nothing is missing", func(*Facts) {}},
	{"just created", func(f *Facts) {
		f.Cluster.Status = clusterv1.ClusterStatus{}
		f.ControlPlane, f.MachineDeployments, f.Machines = nil, nil, nil
	}},
	{"the control plane comes up", func(f *Facts) {
		c := &f.Cluster.Status.Conditions
		livetest.SetCondition(c, clusterv1.ClusterControlPlaneInitializedCondition, metav1.ConditionFalse, "NotInitialized", "Control plane not yet initialized", 3)
		livetest.SetCondition(c, clusterv1.ClusterControlPlaneAvailableCondition, metav1.ConditionFalse, "NotAvailable", "* Control plane not yet initialized", 3)
		livetest.SetCondition(c, clusterv1.ClusterAvailableCondition, metav1.ConditionFalse, "NotAvailable", "* ControlPlaneAvailable: no", 3)
		nested(f.ControlPlane, int64(0), "status", "readyReplicas")
		f.Machines = f.Machines[:1]
		livetest.SetCondition(&f.Machines[0].Status.Conditions, clusterv1.MachineInfrastructureReadyCondition, metav1.ConditionFalse,
			"BootstrapFailed", "kubeadm init failed:\n* port 6443 is in use", 1)
		f.MachineDeployments[0].Status.ReadyReplicas = ptr.To[int32](0)
	}},
	{"a version that was changed just now", func(f *Facts) {
		// All conditions still speak of the version before.
		f.Cluster.Spec.Topology.Version, f.Cluster.Generation = "v1.36.0", 4
	}},
	{"a version that the control plane has got", func(f *Facts) {
		f.Cluster.Spec.Topology.Version = "v1.36.0"
		livetest.SetCondition(&f.Cluster.Status.Conditions, clusterv1.ClusterTopologyReconciledCondition, metav1.ConditionFalse,
			"ClusterUpgrading", "Cluster is upgrading to v1.36.0\n  * MachineDeployment web-md-0 pending upgrade to version v1.36.0", 3)
		nested(f.ControlPlane, "v1.36.0", "spec", "version")
		f.Machines[0].Spec.Version = "v1.36.0"
	}},
	{"a condition of before the last change", func(f *Facts) {
		livetest.SetCondition(&f.Cluster.Status.Conditions, clusterv1.ClusterRollingOutCondition, metav1.ConditionFalse, "NotRollingOut", "", 2)
	}},
	{"an old machine that is going", func(f *Facts) {
		now := metav1.Now()
		f.Machines[2].DeletionTimestamp = &now
		livetest.SetCondition(&f.Machines[2].Status.Conditions, clusterv1.MachineDeletingCondition, metav1.ConditionTrue, "DrainingNode", "Drain not completed:\n* Pod default/db: cannot evict", 1)
		f.MachineDeployments[0].Status.Replicas = ptr.To[int32](3)
	}},
	{"more replicas", func(f *Facts) {
		f.Cluster.Spec.Topology.Workers.MachineDeployments[0].Replicas = ptr.To[int32](5)
		f.Cluster.Spec.Topology.ControlPlane.Replicas = ptr.To[int32](3)
	}},
	{"a machine deployment that was taken out", func(f *Facts) { f.Cluster.Spec.Topology.Workers = clusterv1.WorkersTopology{} }},
	{"replicas that an autoscaler wants", func(f *Facts) {
		f.Cluster.Spec.Topology.Workers.MachineDeployments[0].Replicas = nil
		f.MachineDeployments[0].Spec.Replicas = ptr.To[int32](4)
	}},
	{"a control plane without machines that says nothing of up to date", func(f *Facts) {
		unstructured.RemoveNestedField(f.ControlPlane.Object, "spec", "replicas")
		unstructured.RemoveNestedField(f.ControlPlane.Object, "status")
		f.Cluster.Spec.Topology.ControlPlane.Replicas = nil
		f.Machines = f.Machines[1:]
		f.Machines[0].Status.Conditions = removed(f.Machines[0].Status.Conditions, clusterv1.MachineUpToDateCondition)
	}},
}

// What a wait says at each stage of a cluster's life, as a person reads it.
func TestPending(t *testing.T) {
	var transcript strings.Builder
	for _, stage := range stages {
		f := finished()
		stage.change(f)
		fmt.Fprintf(&transcript, "# %s\n%s\n\n", stage.name, f.Pending())
	}
	acctest.Golden(t, "pending", transcript.String())
}

func removed(conditions []metav1.Condition, conditionType string) []metav1.Condition {
	meta.RemoveStatusCondition(&conditions, conditionType)
	return conditions
}

// Any one thing that is missing keeps the wait waiting.
func TestPendingMissesNothing(t *testing.T) {
	if pending := finished().Pending(); pending != "" {
		t.Fatalf("a finished cluster lacks %s", pending)
	}
	spoil := map[string]func(*Facts){
		"observed generation":    func(f *Facts) { f.Cluster.Status.ObservedGeneration-- },
		"deletion":               func(f *Facts) { f.Cluster.DeletionTimestamp = ptr.To(metav1.Now()) },
		"control plane":          func(f *Facts) { f.ControlPlane = nil },
		"control plane version":  func(f *Facts) { nested(f.ControlPlane, "v1.34.3", "spec", "version") },
		"control plane observed": func(f *Facts) { nested(f.ControlPlane, int64(3), "status", "observedGeneration") },
		"control plane surge":    func(f *Facts) { nested(f.ControlPlane, int64(2), "status", "replicas") },
		"deployment":             func(f *Facts) { f.MachineDeployments = nil },
		"deployment version":     func(f *Facts) { f.MachineDeployments[0].Spec.Template.Spec.Version = "v1.34.3" },
		"deployment observed":    func(f *Facts) { f.MachineDeployments[0].Status.ObservedGeneration = 1 },
		"deployment up to date":  func(f *Facts) { f.MachineDeployments[0].Status.UpToDateReplicas = ptr.To[int32](1) },
		"deployment without status": func(f *Facts) {
			f.MachineDeployments[0].Status = clusterv1.MachineDeploymentStatus{ObservedGeneration: 2}
		},
		"machine version":        func(f *Facts) { f.Machines[1].Spec.Version = "v1.34.3" },
		"machine without status": func(f *Facts) { f.Machines[1].Status = clusterv1.MachineStatus{} },
	}
	for _, c := range clusterConditions {
		spoil["no "+c.conditionType] = func(f *Facts) { f.Cluster.Status.Conditions = removed(f.Cluster.Status.Conditions, c.conditionType) }
	}
	for _, c := range livetest.Machine("", "", "").Status.Conditions {
		spoil["machine not "+c.Type] = func(f *Facts) {
			livetest.SetCondition(&f.Machines[2].Status.Conditions, c.Type, metav1.ConditionUnknown, "Unknown", "", 1)
		}
	}
	for name, change := range spoil {
		f := finished()
		change(f)
		if f.Pending() == "" {
			t.Errorf("%s: nothing is pending", name)
		}
	}
}

// What a destroy says when it takes too long.
func TestRemaining(t *testing.T) {
	f := finished()
	now := metav1.Now().Rfc3339Copy()
	f.Object.SetDeletionTimestamp(&now)
	f.Object.SetFinalizers([]string{clusterv1.ClusterFinalizer})
	f.infrastructure = &unstructured.Unstructured{Object: map[string]any{"kind": "DockerCluster", "metadata": map[string]any{"name": "web-abcde"}}}
	f.MachineDeployments[0].DeletionTimestamp = &now
	f.MachineDeployments[0].Finalizers = []string{"cluster.x-k8s.io/machinedeployment"}
	f.Machines = f.Machines[2:]
	f.Machines[0].DeletionTimestamp = &now
	f.Machines[0].Finalizers = []string{clusterv1.MachineFinalizer}
	livetest.SetCondition(&f.Machines[0].Status.Conditions, clusterv1.DeletingCondition, metav1.ConditionTrue, "WaitingForInfrastructureDeletion",
		"* DockerMachine web-md-0-b: Docker does not answer", 1)
	acctest.Golden(t, "remaining", f.Remaining()+"\n")
}

func TestVersions(t *testing.T) {
	f := finished()
	f.Machines[0].Spec.Version, f.Machines[1].Spec.Version = "v1.10.0", "v1.9.0"
	if diff := cmp.Diff([]string{"v1.9.0", "v1.10.0", version}, f.Versions()); diff != "" {
		t.Error(diff)
	}
	for _, status := range []map[string]any{
		{"version": "v1.31.0"},
		{"version": "v1.30.0", "versions": []any{map[string]any{"version": "v1.31.0", "replicas": int64(1)}}},
	} {
		managed := &Facts{Cluster: f.Cluster, ControlPlane: &unstructured.Unstructured{Object: map[string]any{"status": status}}}
		if diff := cmp.Diff([]string{"v1.31.0"}, managed.Versions()); diff != "" {
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
