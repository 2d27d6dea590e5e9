// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/blang/semver/v4"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	addonsv1 "sigs.k8s.io/cluster-api/api/addons/v1beta2"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/terraform-capi/terraform-provider-capi/internal/management"
)

// facts are what the management cluster knew about a cluster at one moment.
type facts struct {
	cluster            *clusterv1.Cluster
	object             *unstructured.Unstructured // the same Cluster with all its fields
	controlPlane       *unstructured.Unstructured // nil as long as there is none
	infrastructure     *unstructured.Unstructured // nil as long as there is none
	machineDeployments []clusterv1.MachineDeployment
	machinePools       []clusterv1.MachinePool
	machines           []clusterv1.Machine
	resourceSet        *addonsv1.ClusterResourceSet // installs the network plugin; nil if there is none
	// The rest is only read of clusters that are being deleted.
	machineSets []clusterv1.MachineSet
	backing     []*unstructured.Unstructured // infrastructure and bootstrap configurations of machines
}

// observe reads the facts about a cluster. The error is NotFound if there is no
// such Cluster, and a NoKindMatch error if there is no Cluster API.
func observe(ctx context.Context, mgmt *management.Cluster, key client.ObjectKey) (*facts, error) {
	obj := &unstructured.Unstructured{}
	obj.SetGroupVersionKind(clusterv1.GroupVersion.WithKind(clusterv1.ClusterKind))
	if err := mgmt.Get(ctx, key, obj); err != nil {
		return nil, err
	}
	f := &facts{cluster: &clusterv1.Cluster{}, object: obj}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(obj.Object, f.cluster); err != nil {
		return nil, err
	}
	var err error
	if f.controlPlane, err = referenced(ctx, mgmt, key.Namespace, f.cluster.Spec.ControlPlaneRef); err != nil {
		return nil, err
	}
	if f.infrastructure, err = referenced(ctx, mgmt, key.Namespace, f.cluster.Spec.InfrastructureRef); err != nil {
		return nil, err
	}
	if f.resourceSet, err = readResourceSet(ctx, mgmt, f.cluster); err != nil {
		return nil, err
	}
	return f, f.observeMachines(ctx, mgmt, client.InNamespace(key.Namespace), client.MatchingLabels{clusterv1.ClusterNameLabel: key.Name})
}

// readResourceSet reads what installs the network plugin of a cluster. It returns
// nil if nothing does that was made for this cluster.
func readResourceSet(ctx context.Context, mgmt *management.Cluster, cluster *clusterv1.Cluster) (*addonsv1.ClusterResourceSet, error) {
	if cluster.Labels[cniLabel] != cluster.Name {
		return nil, nil
	}
	set := &addonsv1.ClusterResourceSet{}
	switch err := mgmt.Get(ctx, client.ObjectKey{Namespace: cluster.Namespace, Name: cniMeta(cluster, "").Name}, set); {
	case management.IsAbsent(err), err == nil && !isOwn(cluster, set):
		return nil, nil
	case err != nil:
		return nil, err
	}
	return set, nil
}

func (f *facts) observeMachines(ctx context.Context, mgmt *management.Cluster, which ...client.ListOption) error {
	deployments, pools, machines := &clusterv1.MachineDeploymentList{}, &clusterv1.MachinePoolList{}, &clusterv1.MachineList{}
	for _, list := range []client.ObjectList{deployments, pools, machines} {
		// A management cluster that knows Clusters need not know machine pools.
		if err := mgmt.List(ctx, list, which...); err != nil && !meta.IsNoMatchError(err) {
			return err
		}
	}
	f.machineDeployments, f.machinePools, f.machines = deployments.Items, pools.Items, machines.Items
	slices.SortFunc(f.machines, func(a, b clusterv1.Machine) int { return cmp.Compare(a.Name, b.Name) })
	return nil
}

// referenced reads an object that is referred to by group and kind. Which version
// to ask for is the management cluster's choice. It returns nil if there is no such
// object, as there is none of a kind whose provider has been uninstalled.
func referenced(ctx context.Context, mgmt *management.Cluster, namespace string, ref clusterv1.ContractVersionedObjectReference) (*unstructured.Unstructured, error) {
	if !ref.IsDefined() {
		return nil, nil
	}
	mapping, err := mgmt.RESTMapper().RESTMapping(schema.GroupKind{Group: ref.APIGroup, Kind: ref.Kind})
	if meta.IsNoMatchError(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	obj := &unstructured.Unstructured{}
	obj.SetGroupVersionKind(mapping.GroupVersionKind)
	if err := mgmt.Get(ctx, client.ObjectKey{Namespace: namespace, Name: ref.Name}, obj); err != nil {
		return nil, client.IgnoreNotFound(err)
	}
	return obj, nil
}

// versions are the Kubernetes versions of the machines, oldest first. Control
// planes without machines say their own.
func (f *facts) versions() []string {
	var versions []string
	for _, machine := range f.machines {
		versions = append(versions, machine.Spec.Version)
	}
	if f.controlPlane != nil && len(versions) == 0 {
		versions = append(versions, controlPlaneVersions(f.controlPlane)...)
	}
	versions = slices.DeleteFunc(versions, func(v string) bool { return v == "" })
	slices.SortFunc(versions, compareVersions)
	return slices.Compact(versions)
}

// controlPlaneVersions are what the control plane says itself: in a list, or in
// the field that the list replaces.
func controlPlaneVersions(controlPlane *unstructured.Unstructured) []string {
	version, _, _ := unstructured.NestedString(controlPlane.Object, "status", "version")
	list, found, _ := unstructured.NestedSlice(controlPlane.Object, "status", "versions")
	if !found {
		return []string{version}
	}
	var versions []string
	for _, item := range list {
		fields, _ := item.(map[string]any)
		version, _ := fields["version"].(string)
		versions = append(versions, version)
	}
	return versions
}

func compareVersions(a, b string) int {
	x, errX := semver.ParseTolerant(a)
	y, errY := semver.ParseTolerant(b)
	if errX != nil || errY != nil || x.EQ(y) {
		return strings.Compare(a, b)
	}
	return x.Compare(y)
}
