// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"cmp"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/utils/ptr"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"

	"github.com/terraform-capi/terraform-provider-capi/internal/topology"
)

const (
	kindMachineDeployment = "MachineDeployment"
	kindMachinePool       = "MachinePool"
)

// workerSet is what there is to say about a MachineDeployment or a MachinePool.
type workerSet struct {
	kind string
	// name is the one in the topology; empty if the topology did not make it.
	name   string
	object metav1.Object
	// observed is the generation that its controller has seen.
	observed   int64
	version    string
	counts     counts
	conditions []metav1.Condition
}

// String names the set as the configuration does, if it is of the topology.
func (s workerSet) String() string { return s.kind + " " + cmp.Or(s.name, s.object.GetName()) }

// workerSets are the sets that exist, MachineDeployments first.
func (f *facts) workerSets() []workerSet {
	var sets []workerSet
	for i := range f.machineDeployments {
		md := &f.machineDeployments[i]
		sets = append(sets, workerSet{
			kind: kindMachineDeployment, name: md.Labels[clusterv1.ClusterTopologyMachineDeploymentNameLabel], object: md,
			observed: md.Status.ObservedGeneration, version: md.Spec.Template.Spec.Version, counts: countsOfDeployment(md), conditions: md.Status.Conditions,
		})
	}
	for i := range f.machinePools {
		pool := &f.machinePools[i]
		sets = append(sets, workerSet{
			kind: kindMachinePool, name: pool.Labels[clusterv1.ClusterTopologyMachinePoolNameLabel], object: pool,
			observed: pool.Status.ObservedGeneration, version: pool.Spec.Template.Spec.Version, counts: countsOfPool(pool), conditions: pool.Status.Conditions,
		})
	}
	return sets
}

// controlPlaneLabel is what plans call the control plane.
var controlPlaneLabel = topology.Set{Kind: topology.ControlPlane}.Label()

// label is what plans call the set.
func (s workerSet) label() string {
	kind := topology.MachineDeployment
	if s.kind == kindMachinePool {
		kind = topology.MachinePool
	}
	return topology.Set{Kind: kind, Name: s.name}.Label()
}

// declaredSet is a set of workers in the topology.
type declaredSet struct {
	kind, name string
	// replicas is nil if their number is somebody else's business.
	replicas *int32
}

func (f *facts) declaredSets() []declaredSet {
	var sets []declaredSet
	for _, md := range f.cluster.Spec.Topology.Workers.MachineDeployments {
		sets = append(sets, declaredSet{kind: kindMachineDeployment, name: md.Name, replicas: md.Replicas})
	}
	for _, pool := range f.cluster.Spec.Topology.Workers.MachinePools {
		sets = append(sets, declaredSet{kind: kindMachinePool, name: pool.Name, replicas: pool.Replicas})
	}
	return sets
}

// workerSet finds a set of the topology, nil if it does not exist.
func (f *facts) workerSet(kind, name string) *workerSet {
	for _, set := range f.workerSets() {
		if set.kind == kind && set.name == name {
			return &set
		}
	}
	return nil
}

// counts are the numbers of machines that control planes, MachineDeployments and
// MachinePools keep under the same names; nil is what a control plane provider does
// not keep.
type counts struct{ desired, replicas, ready, available, upToDate *int64 }

func countsOfControlPlane(obj *unstructured.Unstructured) counts {
	count := func(path ...string) *int64 {
		n, found, _ := unstructured.NestedInt64(obj.Object, path...)
		if !found {
			return nil
		}
		return &n
	}
	return counts{
		desired: count("spec", "replicas"), replicas: count("status", "replicas"), ready: count("status", "readyReplicas"),
		available: count("status", "availableReplicas"), upToDate: count("status", "upToDateReplicas"),
	}
}

func countsOfDeployment(md *clusterv1.MachineDeployment) counts {
	return counts{
		desired: ptr.To(int64(ptr.Deref(md.Spec.Replicas, 1))), replicas: widen(md.Status.Replicas), ready: widen(md.Status.ReadyReplicas),
		available: widen(md.Status.AvailableReplicas), upToDate: widen(md.Status.UpToDateReplicas),
	}
}

// countsOfPool counts only machines with a node as ready: of a pool without
// Machines, Cluster API says that all are that its infrastructure has.
func countsOfPool(pool *clusterv1.MachinePool) counts {
	return counts{
		desired: ptr.To(int64(ptr.Deref(pool.Spec.Replicas, 1))), replicas: widen(pool.Status.Replicas),
		ready:     ptr.To(min(*widen(pool.Status.ReadyReplicas), int64(len(pool.Status.NodeRefs)))),
		available: widen(pool.Status.AvailableReplicas), upToDate: widen(pool.Status.UpToDateReplicas),
	}
}

func widen(n *int32) *int64 { return ptr.To(int64(ptr.Deref(n, 0))) }
