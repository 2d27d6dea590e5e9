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
	"sigs.k8s.io/cluster-api/util"
)

// A diagnostic is read in a terminal: it has to fit on the screen.
const (
	treeLines     = 30
	treeNames     = 3
	treeLineWidth = 160
)

// branch is an object and what belongs to it.
type branch struct {
	object string
	// counts are its machines, if it has any.
	counts string
	// lacks says what is missing. There is nothing below what lacks nothing.
	lacks    string
	branches []branch
}

// Tree shows the cluster from the top down to the machines, and opens only what
// is not as it should be: what clusterctl describe cluster shows, from facts that
// the wait has anyway.
func (f *Facts) Tree(w Goal) string {
	root := branch{object: "Cluster " + f.Cluster.Name}
	for _, line := range append(f.pendingCluster(w.Until), w.Unbegun(f)...) {
		root.branches = append(root.branches, branch{object: strings.TrimPrefix(line, root.object+": ")})
	}
	root.branches = append(root.branches, f.infrastructureBranch(), f.controlPlaneBranch(w.Until))
	for _, want := range f.declaredSets() {
		root.branches = append(root.branches, f.workerBranch(want, w.Until))
	}
	for _, set := range f.WorkerSets() {
		if !slices.ContainsFunc(f.declaredSets(), func(d declaredSet) bool { return d.kind == set.Kind && d.name == set.Name }) {
			root.branches = append(root.branches, branch{object: set.String(), counts: set.Counts.String(), lacks: "not declared"})
		}
	}
	lines := root.lines()
	if more := len(lines) - treeLines; more > 0 {
		lines = append(lines[:treeLines], fmt.Sprintf("... %d more lines: clusterctl describe cluster %s -n %s --show-conditions all", more, f.Cluster.Name, f.Cluster.Namespace))
	}
	return strings.Join(append([]string{f.progress()}, lines...), "\n")
}

// Report is the tree, below what the first machine that hangs says in full, if that
// does not fit into the tree.
func (f *Facts) Report(w Goal) string {
	tree := f.Tree(w)
	for _, machine := range f.byCause() {
		lacks := pendingMachine(machine, f.Cluster.Spec.Topology.Version)
		if len(lacks) == 0 {
			continue
		}
		c := decisive(machine)
		if text := "Machine " + machine.Name + ": " + lacks[0]; c == nil || shorten(text) == text && !strings.Contains(plainMessage(*c), "\n") {
			return tree
		}
		return fmt.Sprintf("Machine %s: %s is %s (%s): %s\n\n%s", machine.Name, c.Type, c.Status, c.Reason, plainMessage(*c), tree)
	}
	return tree
}

// decisive is the first condition of a machine that has something to say about why
// it hangs.
func decisive(machine *clusterv1.Machine) *metav1.Condition {
	if !machine.DeletionTimestamp.IsZero() {
		return meta.FindStatusCondition(machine.Status.Conditions, clusterv1.MachineDeletingCondition)
	}
	for _, conditionType := range machineConditions {
		if c := meta.FindStatusCondition(machine.Status.Conditions, conditionType); c != nil && c.Status != metav1.ConditionTrue && c.Message != "" {
			return c
		}
	}
	return nil
}

func (b branch) lines() []string {
	text := b.object
	if b.counts != "" {
		text += " (" + b.counts + ")"
	}
	if b.lacks != "" {
		text += ": " + b.lacks
	}
	lines := []string{shorten(text)}
	for i, child := range b.branches {
		first, rest := "├─ ", "│  "
		if i == len(b.branches)-1 {
			first, rest = "└─ ", "   "
		}
		for j, line := range child.lines() {
			if j == 0 {
				lines = append(lines, first+line)
			} else {
				lines = append(lines, rest+line)
			}
		}
	}
	return lines
}

func shorten(line string) string {
	if runes := []rune(line); len(runes) > treeLineWidth {
		return string(runes[:treeLineWidth-3]) + "..."
	}
	return line
}

func (f *Facts) infrastructureBranch() branch {
	if f.infrastructure == nil {
		return branch{object: "Infrastructure", lacks: "not created yet"}
	}
	b := branch{object: f.infrastructure.GetKind() + " " + f.infrastructure.GetName()}
	provisioned, reported, _ := unstructured.NestedBool(f.infrastructure.Object, "status", "initialization", "provisioned")
	ready := conditionOf(f.infrastructure, clusterv1.ReadyCondition)
	switch {
	case ready.Type != "" && ready.Status != metav1.ConditionTrue:
		b.lacks = describe(ready)
	case ready.Type == "" && reported && !provisioned:
		b.lacks = "not provisioned yet"
	}
	return b
}

func (f *Facts) controlPlaneBranch(l Level) branch {
	pending := f.pendingControlPlane(max(l, LevelControlPlane))
	if f.ControlPlane == nil {
		return branch{object: "Control plane", lacks: "not created yet"}
	}
	b := branch{object: f.ControlPlane.GetKind() + " " + f.ControlPlane.GetName(), counts: CountsOfControlPlane(f.ControlPlane).String()}
	return f.withMachines(b, pending, util.IsControlPlaneMachine)
}

func (f *Facts) workerBranch(want declaredSet, l Level) branch {
	set := f.findWorkerSet(want.kind, want.name)
	if set == nil {
		return branch{object: want.kind + " " + want.name, lacks: "not created yet"}
	}
	label := clusterv1.ClusterTopologyMachineDeploymentNameLabel
	if want.kind == KindMachinePool {
		label = clusterv1.ClusterTopologyMachinePoolNameLabel
	}
	pending := set.pending(want, f.Cluster.Spec.Topology.Version, max(l, LevelAvailable))
	return f.withMachines(branch{object: set.String(), counts: set.Counts.String()}, pending, func(m *clusterv1.Machine) bool {
		return m.Labels[label] == want.name
	})
}

// withMachines puts the machines that lack something below their set, those that
// lack the same on one line.
func (f *Facts) withMachines(b branch, pending []string, belongs func(*clusterv1.Machine) bool) branch {
	if len(pending) > 0 {
		b.lacks = strings.TrimPrefix(pending[0], b.object+": ")
	}
	var order []string
	names := map[string][]string{}
	for i := range f.Machines {
		machine := &f.Machines[i]
		lacks := pendingMachine(machine, f.Cluster.Spec.Topology.Version)
		if len(lacks) == 0 || !belongs(machine) {
			continue
		}
		if names[lacks[0]] == nil {
			order = append(order, lacks[0])
		}
		names[lacks[0]] = append(names[lacks[0]], machine.Name)
	}
	for _, lacks := range order {
		b.branches = append(b.branches, branch{object: machinesNamed(names[lacks]), lacks: lacks})
	}
	return b
}

func machinesNamed(names []string) string {
	if len(names) == 1 {
		return "Machine " + names[0]
	}
	return "Machines " + listed(names)
}

// String says how many machines there are of how many.
func (c Counts) String() string {
	var parts []string
	for _, count := range []struct {
		n         *int64
		adjective string
	}{{c.UpToDate, "up to date"}, {c.Ready, "ready"}, {c.Available, "available"}} {
		if count.n != nil && c.Desired != nil {
			parts = append(parts, fmt.Sprintf("%d/%d %s", *count.n, *c.Desired, count.adjective))
		}
	}
	if c.Replicas != nil && *c.Replicas > ptr.Deref(c.Desired, 0) {
		parts = append(parts, fmt.Sprintf("%d exist", *c.Replicas))
	}
	return strings.Join(parts, ", ")
}
