// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package live

import (
	"cmp"
	"context"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/util/retry"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
	"sigs.k8s.io/cluster-api/util"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/terraform-capi/terraform-provider-capi/internal/management"
	"github.com/terraform-capi/terraform-provider-capi/internal/waiter"
)

// topologyGrace is how long Cluster API's topology controller may take to see a
// change. It takes seconds if it runs.
const topologyGrace = 2 * time.Minute

// GiveUp has the machine sets of a cluster give up versions that no machine has ever
// run. Cluster API does not: it waits until an upgrade is finished before it begins
// the next one, and a control plane that has never come up it does not roll at all.
// abandoned says that the Cluster itself has given one up just now.
func GiveUp(ctx context.Context, mgmt *management.Cluster, cluster *clusterv1.Cluster, abandoned bool) error {
	if IsPaused(cluster) {
		return nil
	}
	key := client.ObjectKeyFromObject(cluster)
	f, err := Observe(ctx, mgmt, key)
	if err != nil || len(f.stuckSets(abandoned)) == 0 && len(f.stillborn()) == 0 {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, topologyGrace)
	defer cancel()
	// Until the topology controller has seen the Cluster as it is now, it would take
	// everything back to the version of before.
	err = waiter.Wait(ctx, func(ctx context.Context) (bool, string, error) {
		if f, err = Observe(ctx, mgmt, key); err != nil {
			return false, "", err
		}
		seen := meta.FindStatusCondition(f.Cluster.Status.Conditions, clusterv1.ClusterTopologyReconciledCondition)
		return seen != nil && seen.ObservedGeneration >= cluster.Generation, "Cluster " + key.Name + ": the new version has not been observed yet", nil
	})
	if err != nil {
		return err
	}
	for _, set := range f.stuckSets(abandoned) {
		if err := set.goBack(ctx, mgmt); err != nil {
			return err
		}
	}
	for _, machine := range f.stillborn() {
		if err := remove(ctx, mgmt, machine); err != nil {
			return err
		}
	}
	return nil
}

// stuckSet is a machine set that is at a version which no machine of it has ever run,
// and which one it is to go back to.
type stuckSet struct {
	object   *unstructured.Unstructured
	path     []string
	from, to string
}

func (s stuckSet) goBack(ctx context.Context, mgmt *management.Cluster) error {
	return retry.RetryOnConflict(retry.DefaultBackoff, func() error {
		live := s.object.DeepCopy()
		if err := mgmt.Get(ctx, client.ObjectKeyFromObject(live), live); err != nil {
			return err
		}
		if version, _, _ := unstructured.NestedString(live.Object, s.path...); version != s.from {
			return nil
		}
		before := live.DeepCopy()
		if err := unstructured.SetNestedField(live.Object, s.to, s.path...); err != nil {
			return err
		}
		return mgmt.Patch(ctx, live, client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{}))
	})
}

// remove deletes a machine unless it has got a node by now.
func remove(ctx context.Context, mgmt *management.Cluster, machine *clusterv1.Machine) error {
	err := retry.RetryOnConflict(retry.DefaultBackoff, func() error {
		live := &clusterv1.Machine{}
		if err := mgmt.Get(ctx, client.ObjectKeyFromObject(machine), live); err != nil || live.UID != machine.UID || hasRun(live) {
			return err
		}
		return mgmt.Delete(ctx, live, client.Preconditions{UID: &live.UID, ResourceVersion: &live.ResourceVersion})
	})
	return client.IgnoreNotFound(err)
}

// stuckSets are the sets that cannot get on to the Cluster's version: they are at one
// that none of their machines has ever run, and that is higher, or that the Cluster
// has given up. They go back to what their machines run, from where Cluster API takes
// them to the Cluster's version.
func (f *Facts) stuckSets(abandoned bool) []stuckSet {
	wanted := f.Cluster.Spec.Topology.Version
	isStuck := func(version string, ran []string) bool {
		return version != "" && version != wanted && !slices.Contains(ran, version) && (abandoned || compareVersions(version, wanted) > 0)
	}
	var sets []stuckSet
	controlPlane := wanted
	if f.ControlPlane != nil {
		version, _, _ := unstructured.NestedString(f.ControlPlane.Object, "spec", "version")
		ran := f.controlPlaneRan()
		controlPlane = cmp.Or(version, wanted)
		if isStuck(version, ran) {
			controlPlane = cmp.Or(highest(ran), wanted)
			sets = append(sets, stuckSet{object: f.ControlPlane, path: []string{"spec", "version"}, from: version, to: controlPlane})
		}
	}
	for _, set := range f.WorkerSets() {
		ran := f.ranBy(func(machine *clusterv1.Machine) bool { return SetName(machine) == set.Name })
		if pool, isPool := set.Object.(*clusterv1.MachinePool); isPool && len(pool.Status.NodeRefs) > 0 {
			ran = append(ran, set.version)
		}
		obj, isObject := set.Object.(client.Object)
		if set.Name == "" || !isObject || !isStuck(set.version, ran) {
			continue
		}
		content := asUnstructured(set.Kind, obj)
		content.SetGroupVersionKind(clusterv1.GroupVersion.WithKind(set.Kind))
		sets = append(sets, stuckSet{
			object: content, path: []string{"spec", "template", "spec", "version"}, from: set.version, to: cmp.Or(highest(ran), controlPlane),
		})
	}
	return sets
}

// stillborn are the machines of a control plane that has never come up which are not
// at the Cluster's version and never had a node: the control plane provider rolls
// none as long as it cannot reach the API server.
func (f *Facts) stillborn() []*clusterv1.Machine {
	if IsInitialized(f.Cluster) || f.ControlPlane == nil {
		return nil
	}
	var machines []*clusterv1.Machine
	for i := range f.Machines {
		machine := &f.Machines[i]
		isOwn := util.IsControlPlaneMachine(machine) && metav1.IsControlledBy(machine, f.ControlPlane)
		if isOwn && machine.Spec.Version != f.Cluster.Spec.Topology.Version && !hasRun(machine) && machine.DeletionTimestamp.IsZero() {
			machines = append(machines, machine)
		}
	}
	return machines
}
