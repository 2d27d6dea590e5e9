// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package cluster

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

// pending says what is missing until the cluster is as declared: a line of
// numbers, then one line for each object and what it waits for. It is empty when
// nothing is missing.
func (f *facts) pending() string { return f.pendingAt(levelRollout, nil) }

// pendingAt says the same of what is missing until a level. Lines of extra are
// missing besides.
//
// Conditions alone do not tell: right after a change they still speak of the
// state before. So every object has to have been observed in its present
// generation, and to have the version and the number of machines that the
// topology asks for.
func (f *facts) pendingAt(l level, extra []string) string {
	if l == levelNone {
		return ""
	}
	lines := f.pendingCluster(l)
	if l >= levelControlPlane {
		lines = append(lines, f.pendingControlPlane(l)...)
	}
	if l >= levelAvailable {
		lines = append(lines, f.pendingWorkers(l)...)
	}
	lines = append(lines, extra...)
	machines := f.pendingMachines()
	// Up to the last level it is the counts of a set that matter, because old
	// machines may be going. What single machines lack then only explains them.
	if len(lines) == 0 && (l < levelRollout || len(machines) == 0) {
		return ""
	}
	return strings.Join(slices.Concat([]string{f.progress()}, lines, machines), "\n")
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
	// from is the first level that asks for it.
	from level
	// once: it comes about once in a cluster's life, and is never looked at again.
	once bool
}{
	{conditionType: clusterv1.ClusterTopologyReconciledCondition, want: metav1.ConditionTrue, from: levelInfrastructure},
	{conditionType: clusterv1.ClusterInfrastructureReadyCondition, want: metav1.ConditionTrue, from: levelInfrastructure},
	{conditionType: clusterv1.ClusterControlPlaneInitializedCondition, want: metav1.ConditionTrue, from: levelControlPlane, once: true},
	{conditionType: clusterv1.ClusterControlPlaneAvailableCondition, want: metav1.ConditionTrue, from: levelControlPlane},
	{conditionType: clusterv1.ClusterWorkersAvailableCondition, want: metav1.ConditionTrue, from: levelAvailable},
	{conditionType: clusterv1.ClusterRollingOutCondition, want: metav1.ConditionFalse, from: levelRollout},
	{conditionType: clusterv1.ClusterScalingUpCondition, want: metav1.ConditionFalse, from: levelRollout},
	{conditionType: clusterv1.ClusterScalingDownCondition, want: metav1.ConditionFalse, from: levelRollout},
	{conditionType: clusterv1.ClusterAvailableCondition, want: metav1.ConditionTrue, from: levelAvailable},
}

func (f *facts) pendingCluster(l level) []string {
	who := "Cluster " + f.cluster.Name
	if !f.cluster.DeletionTimestamp.IsZero() {
		return []string{who + ": is being deleted"}
	}
	if f.cluster.Status.ObservedGeneration < f.cluster.Generation {
		return []string{who + ": the last change has not been observed yet"}
	}
	var lines []string
	for _, c := range clusterConditions {
		if c.from > l {
			continue
		}
		condition, generation := meta.FindStatusCondition(f.cluster.Status.Conditions, c.conditionType), f.cluster.Generation
		if c.once {
			generation = 0
		}
		if l < levelRollout && upgradeGoesOn(condition) {
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
func (f *facts) pendingControlPlane(l level) []string {
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
	have := countsOfControlPlane(f.controlPlane)
	if want := topology.ControlPlane.Replicas; want != nil && ptr.Deref(have.desired, 0) != int64(*want) {
		return []string{fmt.Sprintf("%swants %d replicas, to become %d", who, ptr.Deref(have.desired, 0), *want)}
	}
	if old := slices.DeleteFunc(controlPlaneVersions(f.controlPlane), func(v string) bool { return v == "" || v == topology.Version }); len(old) > 0 {
		return []string{fmt.Sprintf("%smachines at %s, to be replaced", who, strings.Join(old, ", "))}
	}
	if have.replicas != nil && have.upToDate != nil && *have.upToDate < *have.replicas && l < levelRollout {
		return []string{fmt.Sprintf("%s%d of %d machines up to date", who, *have.upToDate, *have.replicas)}
	}
	if have.desired == nil {
		return nil
	}
	return have.pending(who, l)
}

// pendingWorkers says what the sets of workers lack that the topology has, and
// which it has no more.
func (f *facts) pendingWorkers(l level) []string {
	var lines []string
	declared := map[string]bool{}
	for _, want := range f.declaredSets() {
		who := want.kind + " " + want.name
		declared[who] = true
		set := f.workerSet(want.kind, want.name)
		if set == nil {
			lines = append(lines, who+": not created yet")
			continue
		}
		lines = append(lines, set.pending(want, f.cluster.Spec.Topology.Version, l)...)
	}
	for _, set := range f.workerSets() {
		if l == levelRollout && set.name != "" && !declared[set.String()] {
			lines = append(lines, set.String()+": to be deleted")
		}
	}
	return lines
}

func (s workerSet) pending(want declaredSet, version string, l level) []string {
	who := s.String() + ": "
	available := meta.FindStatusCondition(s.conditions, clusterv1.AvailableCondition)
	switch {
	case s.observed < s.object.GetGeneration():
		return []string{who + "the last change has not been observed yet"}
	case l == levelRollout && s.version != version:
		return []string{fmt.Sprintf("%sat %s, to become %s", who, s.version, version)}
	case want.replicas != nil && *s.counts.desired != int64(*want.replicas):
		return []string{fmt.Sprintf("%swants %d replicas, to become %d", who, *s.counts.desired, *want.replicas)}
	}
	if lines := s.counts.pending(who, l); len(lines) > 0 || available == nil {
		return lines
	}
	if line := pendingCondition(available, available.Type, metav1.ConditionTrue, s.object.GetGeneration()); line != "" {
		return []string{who + line}
	}
	return nil
}

// pending compares the counts with the number that there should be. Control
// plane providers need not keep all of them.
func (c counts) pending(who string, l level) []string {
	for _, count := range []struct {
		have      *int64
		adjective string
		from      level
	}{
		{ptr.To(ptr.Deref(c.replicas, 0)), "existing", levelNodes},
		{c.upToDate, "up to date", levelRollout},
		{c.ready, "ready", levelNodes},
		{c.available, "available", levelRollout},
	} {
		// Until the rollout is done there may be more than declared: new ones
		// beside old ones.
		missing := count.have != nil && (*count.have < *c.desired || l == levelRollout && *count.have != *c.desired)
		if missing && l >= count.from {
			return []string{fmt.Sprintf("%s%d of %d machines %s", who, *count.have, *c.desired, count.adjective)}
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
