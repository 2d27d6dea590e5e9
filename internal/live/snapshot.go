// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package live

import (
	"context"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/terraform-capi/terraform-provider-capi/internal/management"
)

// Snapshot is what the management cluster knew about all clusters of a namespace
// at one moment.
type Snapshot struct {
	clusters map[string]*Facts
}

// TakeSnapshot makes one request for Clusters, one for each kind of set and for
// Machines, and one for each kind of control plane and infrastructure.
func TakeSnapshot(ctx context.Context, mgmt *management.Cluster, namespace string) (*Snapshot, error) {
	objects, err := listOf(ctx, mgmt, namespace, clusterv1.GroupVersion.WithKind(clusterv1.ClusterKind))
	if err != nil {
		return nil, err
	}
	s := &Snapshot{clusters: map[string]*Facts{}}
	for name, obj := range objects {
		f := &Facts{Cluster: &clusterv1.Cluster{}, Object: obj}
		if err := runtime.DefaultUnstructuredConverter.FromUnstructured(obj.Object, f.Cluster); err != nil {
			return nil, err
		}
		s.clusters[name] = f
	}
	if err := s.addReferenced(ctx, mgmt, namespace); err != nil {
		return nil, err
	}
	all := &Facts{}
	if err := all.observeMachines(ctx, mgmt, client.InNamespace(namespace)); err != nil {
		return nil, err
	}
	s.distribute(all)
	return s, nil
}

// addReferenced finds the control planes and the infrastructure of the clusters.
func (s *Snapshot) addReferenced(ctx context.Context, mgmt *management.Cluster, namespace string) error {
	known := map[schema.GroupKind]map[string]*unstructured.Unstructured{}
	find := func(ref clusterv1.ContractVersionedObjectReference) (*unstructured.Unstructured, error) {
		if !ref.IsDefined() {
			return nil, nil
		}
		kind := schema.GroupKind{Group: ref.APIGroup, Kind: ref.Kind}
		if known[kind] == nil {
			gvk, err := mgmt.Served(kind.Group, kind.Kind)
			if meta.IsNoMatchError(err) {
				return nil, nil
			}
			if err != nil {
				return nil, err
			}
			if known[kind], err = listOf(ctx, mgmt, namespace, gvk); err != nil {
				return nil, err
			}
		}
		return known[kind][ref.Name], nil
	}
	var err error
	for _, f := range s.clusters {
		if f.ControlPlane, err = find(f.Cluster.Spec.ControlPlaneRef); err != nil {
			return err
		}
		if f.infrastructure, err = find(f.Cluster.Spec.InfrastructureRef); err != nil {
			return err
		}
	}
	return nil
}

// distribute gives each cluster its own of what was listed of all.
func (s *Snapshot) distribute(all *Facts) {
	for _, md := range all.MachineDeployments {
		if f := s.clusters[md.Labels[clusterv1.ClusterNameLabel]]; f != nil {
			f.MachineDeployments = append(f.MachineDeployments, md)
		}
	}
	for _, pool := range all.MachinePools {
		if f := s.clusters[pool.Labels[clusterv1.ClusterNameLabel]]; f != nil {
			f.MachinePools = append(f.MachinePools, pool)
		}
	}
	for _, machine := range all.Machines {
		if f := s.clusters[machine.Labels[clusterv1.ClusterNameLabel]]; f != nil {
			f.Machines = append(f.Machines, machine)
		}
	}
}

// Facts are those of one cluster. The error is NotFound if there is no such
// Cluster.
func (s *Snapshot) Facts(key client.ObjectKey) (*Facts, error) {
	f := s.clusters[key.Name]
	if f == nil {
		return nil, apierrors.NewNotFound(clusterv1.GroupVersion.WithResource("clusters").GroupResource(), key.Name)
	}
	// Who imports a cluster changes what was read.
	own := *f
	own.Object = f.Object.DeepCopy()
	return &own, nil
}

func listOf(ctx context.Context, mgmt *management.Cluster, namespace string, kind schema.GroupVersionKind) (map[string]*unstructured.Unstructured, error) {
	list := &unstructured.UnstructuredList{}
	list.SetGroupVersionKind(kind.GroupVersion().WithKind(kind.Kind + "List"))
	if err := mgmt.List(ctx, list, client.InNamespace(namespace)); err != nil {
		return nil, err
	}
	byName := map[string]*unstructured.Unstructured{}
	for i := range list.Items {
		byName[list.Items[i].GetName()] = &list.Items[i]
	}
	return byName, nil
}
