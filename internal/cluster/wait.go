// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/utils/ptr"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/terraform-capi/terraform-provider-capi/internal/management"
	"github.com/terraform-capi/terraform-provider-capi/internal/tfkit"
)

// waitReady returns when the cluster is as its Cluster object declares.
func waitReady(ctx context.Context, mgmt *management.Cluster, key client.ObjectKey) error {
	return tfkit.Wait(ctx, func(ctx context.Context) (bool, string, error) {
		f, err := observe(ctx, mgmt, key)
		if err != nil {
			return false, "", err
		}
		pending := f.pending()
		return pending == "", pending, nil
	})
}

// waitGone returns when the Cluster object no longer exists, which Cluster API
// lets happen last.
func waitGone(ctx context.Context, mgmt *management.Cluster, key client.ObjectKey) error {
	return tfkit.Wait(ctx, func(ctx context.Context) (bool, string, error) {
		f, err := observe(ctx, mgmt, key)
		if management.IsAbsent(err) {
			return true, "", nil
		}
		if err != nil {
			return false, "", err
		}
		return false, f.remaining(), nil
	})
}

// pending says what is missing until the cluster is as declared: a line of
// numbers, then one line for each object and what it waits for. It is empty when
// nothing is missing.
//
// Conditions alone do not tell: right after a change they still speak of the
// state before. So every object has to have been observed in its present
// generation, and to have the version and the number of machines that the
// topology asks for.
func (f *facts) pending() string {
	lines := append(f.pendingCluster(), f.pendingControlPlane()...)
	for i := range f.cluster.Spec.Topology.Workers.MachineDeployments {
		lines = append(lines, f.pendingMachineDeployment(&f.cluster.Spec.Topology.Workers.MachineDeployments[i])...)
	}
	lines = append(lines, f.superfluous()...)
	lines = append(lines, f.pendingMachines()...)
	if len(lines) == 0 {
		return ""
	}
	return strings.Join(append([]string{f.progress()}, lines...), "\n")
}

// progress is the first line: how many machines are there, and how many are done.
func (f *facts) progress() string {
	ready, current := 0, 0
	version := f.cluster.Spec.Topology.Version
	for i := range f.machines {
		if len(pendingMachine(&f.machines[i], version)) == 0 {
			ready++
		}
		if f.machines[i].Spec.Version == version {
			current++
		}
	}
	return fmt.Sprintf("%d of %d machines ready, %d at %s", ready, len(f.machines), current, version)
}

// clusterConditions are those that a finished cluster has, in the order in which
// they come about. Conditions that are the sum of others come last.
var clusterConditions = []struct {
	conditionType string
	want          metav1.ConditionStatus
	// once: it comes about once in a cluster's life, and is never looked at again.
	once bool
}{
	{conditionType: clusterv1.ClusterTopologyReconciledCondition, want: metav1.ConditionTrue},
	{conditionType: clusterv1.ClusterInfrastructureReadyCondition, want: metav1.ConditionTrue},
	{conditionType: clusterv1.ClusterControlPlaneInitializedCondition, want: metav1.ConditionTrue, once: true},
	{conditionType: clusterv1.ClusterControlPlaneAvailableCondition, want: metav1.ConditionTrue},
	{conditionType: clusterv1.ClusterWorkersAvailableCondition, want: metav1.ConditionTrue},
	{conditionType: clusterv1.ClusterRollingOutCondition, want: metav1.ConditionFalse},
	{conditionType: clusterv1.ClusterScalingUpCondition, want: metav1.ConditionFalse},
	{conditionType: clusterv1.ClusterScalingDownCondition, want: metav1.ConditionFalse},
	{conditionType: clusterv1.ClusterAvailableCondition, want: metav1.ConditionTrue},
}

func (f *facts) pendingCluster() []string {
	who := "Cluster " + f.cluster.Name
	if !f.cluster.DeletionTimestamp.IsZero() {
		return []string{who + ": is being deleted"}
	}
	if f.cluster.Status.ObservedGeneration < f.cluster.Generation {
		return []string{who + ": the last change has not been observed yet"}
	}
	var lines []string
	for _, c := range clusterConditions {
		condition, generation := meta.FindStatusCondition(f.cluster.Status.Conditions, c.conditionType), f.cluster.Generation
		if c.once {
			generation = 0
		}
		if line := pendingCondition(condition, c.conditionType, c.want, generation); line != "" {
			lines = append(lines, who+": "+line)
		}
	}
	// The sum of the others says nothing new where they have spoken.
	if len(lines) > 1 && strings.Contains(lines[len(lines)-1], clusterv1.ClusterAvailableCondition+" is") {
		lines = lines[:len(lines)-1]
	}
	return lines
}

// pendingCondition says how a condition differs from what is wanted. The
// condition has to be about this generation of its object, or any if that is 0.
func pendingCondition(c *metav1.Condition, conditionType string, want metav1.ConditionStatus, generation int64) string {
	switch {
	case c == nil:
		return conditionType + " is not reported yet"
	case c.Status != want:
		return describe(*c)
	case c.ObservedGeneration != 0 && c.ObservedGeneration < generation:
		return conditionType + " is of before the last change"
	}
	return ""
}

func describe(c metav1.Condition) string {
	text := fmt.Sprintf("%s is %s (%s)", c.Type, c.Status, c.Reason)
	if c.Message != "" {
		text += ": " + oneLine(c.Message)
	}
	return text
}

// oneLine makes Cluster API's bulleted messages fit a line.
func oneLine(message string) string {
	lines := strings.FieldsFunc(message, func(r rune) bool { return r == '\n' })
	for i, line := range lines {
		lines[i] = strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(line), "* "))
	}
	return strings.ReplaceAll(strings.Join(lines, "; "), ":; ", ": ")
}

// pendingControlPlane reads what the control plane contract offers, so that it
// works for every control plane provider.
func (f *facts) pendingControlPlane() []string {
	if f.controlPlane == nil {
		return []string{"Control plane: not created yet"}
	}
	who := f.controlPlane.GetKind() + " " + f.controlPlane.GetName() + ": "
	observed, reported, _ := unstructured.NestedInt64(f.controlPlane.Object, "status", "observedGeneration")
	if reported && observed < f.controlPlane.GetGeneration() {
		return []string{who + "the last change has not been observed yet"}
	}
	topology := f.cluster.Spec.Topology
	if version, found, _ := unstructured.NestedString(f.controlPlane.Object, "spec", "version"); found && version != topology.Version {
		return []string{fmt.Sprintf("%sat %s, to become %s", who, version, topology.Version)}
	}
	wanted, scalable, _ := unstructured.NestedInt64(f.controlPlane.Object, "spec", "replicas")
	if want := topology.ControlPlane.Replicas; want != nil && wanted != int64(*want) {
		return []string{fmt.Sprintf("%swants %d replicas, to become %d", who, wanted, *want)}
	}
	if !scalable {
		return nil
	}
	return replicas(who, wanted, func(field string) (int64, bool) {
		n, found, _ := unstructured.NestedInt64(f.controlPlane.Object, "status", field)
		return n, found
	})
}

func (f *facts) pendingMachineDeployment(topology *clusterv1.MachineDeploymentTopology) []string {
	md := f.deployment(topology.Name)
	if md == nil {
		return []string{fmt.Sprintf("MachineDeployment %s: not created yet", topology.Name)}
	}
	who := "MachineDeployment " + topology.Name + ": "
	if md.Status.ObservedGeneration < md.Generation {
		return []string{who + "the last change has not been observed yet"}
	}
	if version := md.Spec.Template.Spec.Version; version != f.cluster.Spec.Topology.Version {
		return []string{fmt.Sprintf("%sat %s, to become %s", who, version, f.cluster.Spec.Topology.Version)}
	}
	wanted := ptr.Deref(md.Spec.Replicas, 1)
	if topology.Replicas != nil && wanted != *topology.Replicas {
		return []string{fmt.Sprintf("%swants %d replicas, to become %d", who, wanted, *topology.Replicas)}
	}
	counts := map[string]*int32{
		"replicas": md.Status.Replicas, "upToDateReplicas": md.Status.UpToDateReplicas,
		"readyReplicas": md.Status.ReadyReplicas, "availableReplicas": md.Status.AvailableReplicas,
	}
	return replicas(who, int64(wanted), func(field string) (int64, bool) { return int64(ptr.Deref(counts[field], 0)), true })
}

// superfluous are the MachineDeployments that the topology has no more.
func (f *facts) superfluous() []string {
	declared := map[string]bool{}
	for _, topology := range f.cluster.Spec.Topology.Workers.MachineDeployments {
		declared[topology.Name] = true
	}
	var lines []string
	for i := range f.machineDeployments {
		name, ofTopology := f.machineDeployments[i].Labels[clusterv1.ClusterTopologyMachineDeploymentNameLabel]
		if ofTopology && !declared[name] {
			lines = append(lines, fmt.Sprintf("MachineDeployment %s: to be deleted", name))
		}
	}
	return lines
}

// replicas compares the counts that control planes and MachineDeployments keep
// under the same names. Control plane providers need not keep all of them.
func replicas(who string, wanted int64, count func(field string) (n int64, reported bool)) []string {
	for _, c := range []struct{ field, adjective string }{
		{"replicas", "existing"}, {"upToDateReplicas", "up to date"}, {"readyReplicas", "ready"}, {"availableReplicas", "available"},
	} {
		have, reported := count(c.field)
		if have != wanted && (reported || c.field == "replicas") {
			return []string{fmt.Sprintf("%s%d of %d machines %s", who, have, wanted, c.adjective)}
		}
	}
	return nil
}

func (f *facts) pendingMachines() []string {
	var lines []string
	for i := range f.machines {
		if pending := pendingMachine(&f.machines[i], f.cluster.Spec.Topology.Version); len(pending) > 0 {
			lines = append(lines, "Machine "+f.machines[i].Name+": "+strings.Join(pending, "; "))
		}
	}
	return lines
}

// pendingMachine says what a machine lacks: only the first thing, because the
// others follow from it.
func pendingMachine(machine *clusterv1.Machine, version string) []string {
	switch {
	case !machine.DeletionTimestamp.IsZero():
		return []string{deleting(machine)}
	case machine.Spec.Version != version:
		return []string{"at " + machine.Spec.Version + ", to be replaced"}
	}
	for _, conditionType := range []string{
		clusterv1.MachineBootstrapConfigReadyCondition,
		clusterv1.MachineInfrastructureReadyCondition,
		clusterv1.MachineNodeReadyCondition,
		clusterv1.MachineUpToDateCondition,
		clusterv1.MachineReadyCondition,
		clusterv1.MachineAvailableCondition,
	} {
		condition := meta.FindStatusCondition(machine.Status.Conditions, conditionType)
		// Not every control plane provider says whether its machines are up to date.
		if condition == nil && conditionType == clusterv1.MachineUpToDateCondition {
			continue
		}
		if line := pendingCondition(condition, conditionType, metav1.ConditionTrue, 0); line != "" {
			return []string{line}
		}
	}
	return nil
}

func deleting(machine *clusterv1.Machine) string {
	condition := meta.FindStatusCondition(machine.Status.Conditions, clusterv1.MachineDeletingCondition)
	if condition == nil || condition.Message == "" {
		return "being deleted"
	}
	return "being deleted: " + oneLine(condition.Message)
}

// conditionOf reads a condition of an object of any kind.
func conditionOf(obj *unstructured.Unstructured, conditionType string) metav1.Condition {
	list, _, _ := unstructured.NestedSlice(obj.Object, "status", "conditions")
	for _, item := range list {
		fields, _ := item.(map[string]any)
		var condition metav1.Condition
		if runtime.DefaultUnstructuredConverter.FromUnstructured(fields, &condition) == nil && condition.Type == conditionType {
			return condition
		}
	}
	return metav1.Condition{}
}
