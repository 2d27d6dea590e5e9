// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package live

import (
	"slices"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/utils/ptr"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"

	"github.com/terraform-capi/terraform-provider-capi/internal/live/livetest"
)

// neverRan says that machines, all if none are named, never had a node.
func neverRan(f *Facts, version string, names ...string) {
	for i := range f.Machines {
		if machine := &f.Machines[i]; len(names) == 0 || slices.Contains(names, machine.Name) {
			machine.Spec.Version, machine.Status.NodeRef, machine.Status.NodeInfo = version, clusterv1.MachineNodeReference{}, nil
			machine.OwnerReferences = []metav1.OwnerReference{{UID: f.ControlPlane.GetUID(), Controller: ptr.To(true)}}
		}
	}
}

// setVersions has the sets at a version.
func setVersions(f *Facts, controlPlane, workers string) {
	_ = unstructured.SetNestedField(f.ControlPlane.Object, controlPlane, "spec", "version")
	f.MachineDeployments[0].Spec.Template.Spec.Version = workers
}

// neverUp is a cluster whose control plane has never come up, with machines of a
// version.
func neverUp(version string) *Facts {
	f := finished()
	f.ControlPlane.SetUID("of-the-control-plane")
	f.Cluster.Status.Conditions = nil
	neverRan(f, version)
	setVersions(f, version, version)
	return f
}

// A version can be given up as long as no machine has run it.
func TestAbandons(t *testing.T) {
	const bad = "v1.35.99"
	upgrading := finished()
	neverRan(upgrading, bad, "web-md-0-a")
	noMachinesLeft := finished()
	noMachinesLeft.Machines = nil
	ownWord := finished()
	ownWord.Machines = nil
	_ = unstructured.SetNestedField(ownWord.ControlPlane.Object, version, "status", "version")
	pool := finished()
	withPool(func(pool *clusterv1.MachinePool) { pool.Spec.Template.Spec.Version = bad })(pool)
	nothing := &Facts{Cluster: &clusterv1.Cluster{}}
	for name, tc := range map[string]struct {
		facts   *Facts
		version string
		newest  string
		want    bool
	}{
		"runs":                          {finished(), version, "", false},
		"never came up":                 {neverUp(bad), bad, "", true},
		"nothing there yet":             {nothing, bad, "", true},
		"upgrade got stuck":             {upgrading, bad, version, true},
		"a pool runs it":                {pool, bad, "", false},
		"machines are gone":             {noMachinesLeft, version, "", false},
		"control plane has no machines": {ownWord, version, "", false},
		"its upgrade":                   {ownWord, bad, version, true},
	} {
		t.Run(name, func(t *testing.T) {
			if newest, got := tc.facts.Abandons(tc.version); got != tc.want || newest != tc.newest {
				t.Errorf("%t with %q, want %t with %q", got, newest, tc.want, tc.newest)
			}
		})
	}
}

// Sets go back to what their machines run, and machines that never came up go.
func TestGiveUp(t *testing.T) {
	const bad, low = "v1.35.99", "v1.34.9"
	stuck := func(f *Facts, wanted string) *Facts {
		f.Cluster.Spec.Topology.Version = wanted
		return f
	}
	upgrading := finished()
	setVersions(upgrading, bad, version)
	upgrading.Machines = append(upgrading.Machines, livetest.Machine("web-new", clusterv1.MachineControlPlaneLabel, ""))
	neverRan(upgrading, bad, "web-new")
	rolling := finished()
	setVersions(rolling, bad, bad)
	rolling.Machines[1].Spec.Version = bad
	chained := finished()
	setVersions(chained, "v1.36.0", version)
	chained.Cluster.Spec.Topology.Version = "v1.37.0"
	foreign := neverUp(bad)
	foreign.Machines[0].OwnerReferences = nil
	for name, tc := range map[string]struct {
		facts     *Facts
		abandoned bool
		sets      []string
		machines  []string
	}{
		"finished":                       {facts: finished()},
		"never came up":                  {stuck(neverUp(bad), version), true, []string{version, version}, []string{"web-x7k2p-1"}},
		"never came up, resumed":         {stuck(neverUp(bad), version), false, []string{version, version}, []string{"web-x7k2p-1"}},
		"never came up, now higher":      {stuck(neverUp(low), version), true, []string{version, version}, []string{"web-x7k2p-1"}},
		"upgrade got stuck":              {stuck(upgrading, version), true, []string{version}, nil},
		"upgrade got stuck, now between": {stuck(upgrading, "v1.35.3"), true, []string{version}, nil},
		"workers run what it leaves":     {stuck(rolling, version), true, []string{version}, nil},
		"step of a chain":                {facts: chained},
		"machine is another's":           {stuck(foreign, version), true, []string{version, version}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			var sets, machines []string
			for _, set := range tc.facts.stuckSets(tc.abandoned) {
				sets = append(sets, set.to)
			}
			for _, machine := range tc.facts.stillborn() {
				machines = append(machines, machine.Name)
			}
			if !slices.Equal(sets, tc.sets) || !slices.Equal(machines, tc.machines) {
				t.Errorf("sets go back to %q, want %q; machines %q go, want %q", sets, tc.sets, machines, tc.machines)
			}
		})
	}
}
