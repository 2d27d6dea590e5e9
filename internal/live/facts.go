// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package live

import (
	"cmp"
	"context"
	"slices"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/utils/ptr"
	addonsv1 "sigs.k8s.io/cluster-api/api/addons/v1beta2"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
	"sigs.k8s.io/cluster-api/util/annotations"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/terraform-capi/terraform-provider-capi/internal/management"
)

// Facts are what the management cluster knew about a cluster at one moment.
type Facts struct {
	Cluster            *clusterv1.Cluster
	Object             *unstructured.Unstructured // the same Cluster with all its fields
	ControlPlane       *unstructured.Unstructured // nil as long as there is none
	infrastructure     *unstructured.Unstructured // nil as long as there is none
	MachineDeployments []clusterv1.MachineDeployment
	MachinePools       []clusterv1.MachinePool
	Machines           []clusterv1.Machine
	resourceSet        *addonsv1.ClusterResourceSet // installs the network plugin; nil if there is none
	// The rest is only read of clusters that are being deleted.
	machineSets []clusterv1.MachineSet
	backing     []*unstructured.Unstructured // infrastructure and bootstrap configurations of machines
}

// Observe reads the facts about a cluster. The error is NotFound if there is no
// such Cluster, and a NoKindMatch error if there is no Cluster API.
func Observe(ctx context.Context, mgmt *management.Cluster, key client.ObjectKey) (*Facts, error) {
	obj := &unstructured.Unstructured{}
	obj.SetGroupVersionKind(clusterv1.GroupVersion.WithKind(clusterv1.ClusterKind))
	if err := mgmt.Get(ctx, key, obj); err != nil {
		return nil, err
	}
	f := &Facts{Cluster: &clusterv1.Cluster{}, Object: obj}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(obj.Object, f.Cluster); err != nil {
		return nil, err
	}
	var err error
	if f.ControlPlane, err = referenced(ctx, mgmt, key.Namespace, f.Cluster.Spec.ControlPlaneRef); err != nil {
		return nil, err
	}
	if f.infrastructure, err = referenced(ctx, mgmt, key.Namespace, f.Cluster.Spec.InfrastructureRef); err != nil {
		return nil, err
	}
	if f.resourceSet, err = readResourceSet(ctx, mgmt, f.Cluster); err != nil {
		return nil, err
	}
	return f, f.observeMachines(ctx, mgmt, client.InNamespace(key.Namespace), client.MatchingLabels{clusterv1.ClusterNameLabel: key.Name})
}

func (f *Facts) observeMachines(ctx context.Context, mgmt *management.Cluster, which ...client.ListOption) error {
	deployments, pools, machines := &clusterv1.MachineDeploymentList{}, &clusterv1.MachinePoolList{}, &clusterv1.MachineList{}
	for _, list := range []client.ObjectList{deployments, pools, machines} {
		// A management cluster that knows Clusters need not know machine pools.
		if err := mgmt.List(ctx, list, which...); err != nil && !meta.IsNoMatchError(err) {
			return err
		}
	}
	f.MachineDeployments, f.MachinePools, f.Machines = deployments.Items, pools.Items, machines.Items
	slices.SortFunc(f.Machines, func(a, b clusterv1.Machine) int { return cmp.Compare(a.Name, b.Name) })
	return nil
}

// referenced reads an object that is referred to by group and kind. Which version
// to ask for is the management cluster's choice. It returns nil if there is no such
// object, as there is none of a kind whose provider has been uninstalled.
func referenced(ctx context.Context, mgmt *management.Cluster, namespace string, ref clusterv1.ContractVersionedObjectReference) (*unstructured.Unstructured, error) {
	if !ref.IsDefined() {
		return nil, nil
	}
	gvk, err := mgmt.Served(ref.APIGroup, ref.Kind)
	if meta.IsNoMatchError(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	obj := &unstructured.Unstructured{}
	obj.SetGroupVersionKind(gvk)
	if err := mgmt.Get(ctx, client.ObjectKey{Namespace: namespace, Name: ref.Name}, obj); err != nil {
		return nil, client.IgnoreNotFound(err)
	}
	return obj, nil
}

// IsInitialized says that the first control plane node has come up, with the
// network that the Cluster had then.
func IsInitialized(cluster *clusterv1.Cluster) bool {
	return ptr.Deref(cluster.Status.Initialization.ControlPlaneInitialized, false) ||
		meta.IsStatusConditionTrue(cluster.Status.Conditions, clusterv1.ClusterControlPlaneInitializedCondition)
}

// IsPaused says that Cluster API leaves the cluster alone.
func IsPaused(cluster *clusterv1.Cluster) bool { return annotations.IsPaused(cluster, cluster) }
