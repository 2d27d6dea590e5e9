// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package live

import (
	"cmp"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/utils/ptr"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"

	"github.com/terraform-capi/terraform-provider-capi/internal/topology"
)

// The kinds of sets of workers.
const (
	KindMachineDeployment = "MachineDeployment"
	KindMachinePool       = "MachinePool"
)

// WorkerSet is what there is to say about a MachineDeployment or a MachinePool.
type WorkerSet struct {
	Kind string
	// Name is the one in the topology; empty if the topology did not make it.
	Name   string
	Object metav1.Object
	// observed is the generation that its controller has seen.
	observed   int64
	version    string
	Counts     Counts
	conditions []metav1.Condition
}

// String names the set as the configuration does, if it is of the topology.
func (s WorkerSet) String() string { return s.Kind + " " + cmp.Or(s.Name, s.Object.GetName()) }

// WorkerSets are the sets that exist, MachineDeployments first.
func (f *Facts) WorkerSets() []WorkerSet {
	var sets []WorkerSet
	for i := range f.MachineDeployments {
		md := &f.MachineDeployments[i]
		sets = append(sets, WorkerSet{
			Kind: KindMachineDeployment, Name: md.Labels[clusterv1.ClusterTopologyMachineDeploymentNameLabel], Object: md,
			observed: md.Status.ObservedGeneration, version: md.Spec.Template.Spec.Version, Counts: countsOfDeployment(md), conditions: md.Status.Conditions,
		})
	}
	for i := range f.MachinePools {
		pool := &f.MachinePools[i]
		sets = append(sets, WorkerSet{
			Kind: KindMachinePool, Name: pool.Labels[clusterv1.ClusterTopologyMachinePoolNameLabel], Object: pool,
			observed: pool.Status.ObservedGeneration, version: pool.Spec.Template.Spec.Version, Counts: countsOfPool(pool), conditions: pool.Status.Conditions,
		})
	}
	return sets
}

// controlPlaneLabel is what plans call the control plane.
var controlPlaneLabel = topology.Set{Kind: topology.ControlPlane}.Label()

// label is what plans call the set.
func (s WorkerSet) label() string {
	kind := topology.MachineDeployment
	if s.Kind == KindMachinePool {
		kind = topology.MachinePool
	}
	return topology.Set{Kind: kind, Name: s.Name}.Label()
}

// declaredSet is a set of workers in the topology.
type declaredSet struct {
	kind, name string
	// replicas is nil if their number is somebody else's business.
	replicas *int32
}

func (f *Facts) declaredSets() []declaredSet {
	var sets []declaredSet
	for _, md := range f.Cluster.Spec.Topology.Workers.MachineDeployments {
		sets = append(sets, declaredSet{kind: KindMachineDeployment, name: md.Name, replicas: md.Replicas})
	}
	for _, pool := range f.Cluster.Spec.Topology.Workers.MachinePools {
		sets = append(sets, declaredSet{kind: KindMachinePool, name: pool.Name, replicas: pool.Replicas})
	}
	return sets
}

// findWorkerSet finds a set of the topology, nil if it does not exist.
func (f *Facts) findWorkerSet(kind, name string) *WorkerSet {
	for _, set := range f.WorkerSets() {
		if set.Kind == kind && set.Name == name {
			return &set
		}
	}
	return nil
}

// Counts are the numbers of machines that control planes, MachineDeployments and
// MachinePools keep under the same names; nil is what a control plane provider does
// not keep.
type Counts struct{ Desired, Replicas, Ready, Available, UpToDate *int64 }

// CountsOfControlPlane reads what the contract of control planes offers.
func CountsOfControlPlane(obj *unstructured.Unstructured) Counts {
	count := func(path ...string) *int64 {
		n, found, _ := unstructured.NestedInt64(obj.Object, path...)
		if !found {
			return nil
		}
		return &n
	}
	return Counts{
		Desired: count("spec", "replicas"), Replicas: count("status", "replicas"), Ready: count("status", "readyReplicas"),
		Available: count("status", "availableReplicas"), UpToDate: count("status", "upToDateReplicas"),
	}
}

func countsOfDeployment(md *clusterv1.MachineDeployment) Counts {
	return Counts{
		Desired: ptr.To(int64(ptr.Deref(md.Spec.Replicas, 1))), Replicas: widen(md.Status.Replicas), Ready: widen(md.Status.ReadyReplicas),
		Available: widen(md.Status.AvailableReplicas), UpToDate: widen(md.Status.UpToDateReplicas),
	}
}

// countsOfPool counts only machines with a node as ready: of a pool without
// Machines, Cluster API says that all are that its infrastructure has.
func countsOfPool(pool *clusterv1.MachinePool) Counts {
	return Counts{
		Desired: ptr.To(int64(ptr.Deref(pool.Spec.Replicas, 1))), Replicas: widen(pool.Status.Replicas),
		Ready:     ptr.To(min(*widen(pool.Status.ReadyReplicas), int64(len(pool.Status.NodeRefs)))),
		Available: widen(pool.Status.AvailableReplicas), UpToDate: widen(pool.Status.UpToDateReplicas),
	}
}

func widen(n *int32) *int64 { return ptr.To(int64(ptr.Deref(n, 0))) }

// SetName is the name that the topology has for the set of a worker.
func SetName(machine *clusterv1.Machine) string {
	if name := machine.Labels[clusterv1.ClusterTopologyMachineDeploymentNameLabel]; name != "" {
		return name
	}
	return machine.Labels[clusterv1.ClusterTopologyMachinePoolNameLabel]
}
