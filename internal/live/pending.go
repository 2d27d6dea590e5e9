// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package live

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/utils/ptr"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
)

// Pending says what is missing until the cluster is as declared: a line of
// numbers, then one line for each object and what it waits for. It is empty when
// nothing is missing.
func (f *Facts) Pending() string { return f.pendingAt(LevelRollout, nil) }

// pendingAt says the same of what is missing until a level. Lines of extra are
// missing besides.
//
// Conditions alone do not tell: right after a change they still speak of the
// state before. So every object has to have been observed in its present
// generation, and to have the version and the number of machines that the
// topology asks for.
func (f *Facts) pendingAt(l Level, extra []string) string {
	if l == LevelNone {
		return ""
	}
	lines := f.pendingCluster(l)
	if l >= LevelControlPlane {
		lines = append(lines, f.pendingControlPlane(l)...)
	}
	if l >= LevelAvailable {
		lines = append(lines, f.pendingWorkers(l)...)
	}
	lines = append(lines, extra...)
	machines := f.pendingMachines()
	// Up to the last level it is the counts of a set that matter, because old
	// machines may be going. What single machines lack then only explains them.
	if len(lines) == 0 && (l < LevelRollout || len(machines) == 0) {
		return ""
	}
	return strings.Join(slices.Concat([]string{f.progress()}, lines, machines), "\n")
}

// IsReady says that nothing is pending. Where there is no topology to compare with, because the cluster was made without a
// ClusterClass, it says that the cluster is available.
func (f *Facts) IsReady() bool {
	if f.Cluster.Spec.Topology.IsDefined() {
		return f.Pending() == ""
	}
	available := meta.FindStatusCondition(f.Cluster.Status.Conditions, clusterv1.ClusterAvailableCondition)
	return pendingCondition(available, clusterv1.ClusterAvailableCondition, metav1.ConditionTrue, f.Cluster.Generation) == ""
}

// progress is the first line: how many machines are there, and how many are done.
func (f *Facts) progress() string {
	ready, current := 0, 0
	version := f.Cluster.Spec.Topology.Version
	for i := range f.Machines {
		if len(pendingMachine(&f.Machines[i], version)) == 0 {
			ready++
		}
		if f.Machines[i].Spec.Version == version {
			current++
		}
	}
	return fmt.Sprintf("%d of %d machines ready, %d at %s", ready, len(f.Machines), current, version)
}

// clusterConditions are those that a finished cluster has, in the order in which
// they come about. Conditions that are the sum of others come last.
var clusterConditions = []struct {
	conditionType string
	want          metav1.ConditionStatus
	// from is the first level that asks for it.
	from Level
	// once: it comes about once in a cluster's life, and is never looked at again.
	once bool
}{
	{conditionType: clusterv1.ClusterTopologyReconciledCondition, want: metav1.ConditionTrue, from: LevelInfrastructure},
	{conditionType: clusterv1.ClusterInfrastructureReadyCondition, want: metav1.ConditionTrue, from: LevelInfrastructure},
	{conditionType: clusterv1.ClusterControlPlaneInitializedCondition, want: metav1.ConditionTrue, from: LevelControlPlane, once: true},
	{conditionType: clusterv1.ClusterControlPlaneAvailableCondition, want: metav1.ConditionTrue, from: LevelControlPlane},
	{conditionType: clusterv1.ClusterWorkersAvailableCondition, want: metav1.ConditionTrue, from: LevelAvailable},
	{conditionType: clusterv1.ClusterRollingOutCondition, want: metav1.ConditionFalse, from: LevelRollout},
	{conditionType: clusterv1.ClusterScalingUpCondition, want: metav1.ConditionFalse, from: LevelRollout},
	{conditionType: clusterv1.ClusterScalingDownCondition, want: metav1.ConditionFalse, from: LevelRollout},
	{conditionType: clusterv1.ClusterAvailableCondition, want: metav1.ConditionTrue, from: LevelAvailable},
}

func (f *Facts) pendingCluster(l Level) []string {
	who := "Cluster " + f.Cluster.Name
	if !f.Cluster.DeletionTimestamp.IsZero() {
		return []string{who + ": is being deleted"}
	}
	if f.Cluster.Status.ObservedGeneration < f.Cluster.Generation {
		return []string{who + ": the last change has not been observed yet"}
	}
	var lines []string
	for _, c := range clusterConditions {
		if c.from > l {
			continue
		}
		condition, generation := meta.FindStatusCondition(f.Cluster.Status.Conditions, c.conditionType), f.Cluster.Generation
		if c.once {
			generation = 0
		}
		if l < LevelRollout && upgradeGoesOn(condition) {
			condition = condition.DeepCopy()
			condition.Status = c.want
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

// upgradeGoesOn says whether the topology counts as not reconciled only because
// some machine sets have to wait for their turn. Failures have other reasons.
func upgradeGoesOn(c *metav1.Condition) bool {
	return c != nil && c.Type == clusterv1.ClusterTopologyReconciledCondition && slices.Contains([]string{
		clusterv1.ClusterTopologyReconciledClusterUpgradingReason,
		clusterv1.ClusterTopologyReconciledMachineDeploymentsUpgradeDeferredReason,
		clusterv1.ClusterTopologyReconciledMachinePoolsUpgradeDeferredReason,
	}, c.Reason)
}

// pendingControlPlane reads what the control plane contract offers, so that it
// works for every control plane provider.
func (f *Facts) pendingControlPlane(l Level) []string {
	if f.ControlPlane == nil {
		return []string{"Control plane: not created yet"}
	}
	who := f.ControlPlane.GetKind() + " " + f.ControlPlane.GetName() + ": "
	observed, reported, _ := unstructured.NestedInt64(f.ControlPlane.Object, "status", "observedGeneration")
	if reported && observed < f.ControlPlane.GetGeneration() {
		return []string{who + "the last change has not been observed yet"}
	}
	topology := f.Cluster.Spec.Topology
	if version, found, _ := unstructured.NestedString(f.ControlPlane.Object, "spec", "version"); found && version != topology.Version {
		return []string{fmt.Sprintf("%sat %s, to become %s", who, version, topology.Version)}
	}
	have := CountsOfControlPlane(f.ControlPlane)
	if want := topology.ControlPlane.Replicas; want != nil && ptr.Deref(have.Desired, 0) != int64(*want) {
		return []string{fmt.Sprintf("%swants %d replicas, to become %d", who, ptr.Deref(have.Desired, 0), *want)}
	}
	if old := slices.DeleteFunc(controlPlaneVersions(f.ControlPlane), func(v string) bool { return v == "" || v == topology.Version }); len(old) > 0 {
		return []string{fmt.Sprintf("%smachines at %s, to be replaced", who, strings.Join(old, ", "))}
	}
	if have.Replicas != nil && have.UpToDate != nil && *have.UpToDate < *have.Replicas && l < LevelRollout {
		return []string{fmt.Sprintf("%s%d of %d machines up to date", who, *have.UpToDate, *have.Replicas)}
	}
	if have.Desired == nil {
		return nil
	}
	return have.pending(who, l)
}

// pendingWorkers says what the sets of workers lack that the topology has, and
// which it has no more.
func (f *Facts) pendingWorkers(l Level) []string {
	var lines []string
	declared := map[string]bool{}
	for _, want := range f.declaredSets() {
		who := want.kind + " " + want.name
		declared[who] = true
		set := f.findWorkerSet(want.kind, want.name)
		if set == nil {
			lines = append(lines, who+": not created yet")
			continue
		}
		lines = append(lines, set.pending(want, f.Cluster.Spec.Topology.Version, l)...)
	}
	for _, set := range f.WorkerSets() {
		if l == LevelRollout && set.Name != "" && !declared[set.String()] {
			lines = append(lines, set.String()+": to be deleted")
		}
	}
	return lines
}

func (s WorkerSet) pending(want declaredSet, version string, l Level) []string {
	who := s.String() + ": "
	available := meta.FindStatusCondition(s.conditions, clusterv1.AvailableCondition)
	switch {
	case s.observed < s.Object.GetGeneration():
		return []string{who + "the last change has not been observed yet"}
	case l == LevelRollout && s.version != version:
		return []string{fmt.Sprintf("%sat %s, to become %s", who, s.version, version)}
	case want.replicas != nil && *s.Counts.Desired != int64(*want.replicas):
		return []string{fmt.Sprintf("%swants %d replicas, to become %d", who, *s.Counts.Desired, *want.replicas)}
	}
	if lines := s.Counts.pending(who, l); len(lines) > 0 || available == nil {
		return lines
	}
	if line := pendingCondition(available, available.Type, metav1.ConditionTrue, s.Object.GetGeneration()); line != "" {
		return []string{who + line}
	}
	return nil
}

// pending compares the counts with the number that there should be. Control
// plane providers need not keep all of them.
func (c Counts) pending(who string, l Level) []string {
	for _, count := range []struct {
		have      *int64
		adjective string
		from      Level
	}{
		{ptr.To(ptr.Deref(c.Replicas, 0)), "existing", LevelNodes},
		{c.UpToDate, "up to date", LevelRollout},
		{c.Ready, "ready", LevelNodes},
		{c.Available, "available", LevelRollout},
	} {
		// Until the rollout is done there may be more than declared: new ones
		// beside old ones.
		missing := count.have != nil && (*count.have < *c.Desired || l == LevelRollout && *count.have != *c.Desired)
		if missing && l >= count.from {
			return []string{fmt.Sprintf("%s%d of %d machines %s", who, *count.have, *c.Desired, count.adjective)}
		}
	}
	return nil
}

func (f *Facts) pendingMachines() []string {
	var lines []string
	for i := range f.Machines {
		if pending := pendingMachine(&f.Machines[i], f.Cluster.Spec.Topology.Version); len(pending) > 0 {
			lines = append(lines, "Machine "+f.Machines[i].Name+": "+strings.Join(pending, "; "))
		}
	}
	return lines
}

// machineConditions are those that a finished machine has, in the order in which
// they come about.
var machineConditions = []string{
	clusterv1.MachineBootstrapConfigReadyCondition,
	clusterv1.MachineInfrastructureReadyCondition,
	clusterv1.MachineNodeReadyCondition,
	clusterv1.MachineUpToDateCondition,
	clusterv1.MachineReadyCondition,
	clusterv1.MachineAvailableCondition,
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
	for _, conditionType := range machineConditions {
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
