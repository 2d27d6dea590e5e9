// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package clusterclass

import (
	"context"
	"sync"

	"github.com/hashicorp/terraform-plugin-framework/types"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/terraform-capi/terraform-provider-capi/internal/management"
	"github.com/terraform-capi/terraform-provider-capi/internal/session"
	"github.com/terraform-capi/terraform-provider-capi/internal/topology"
)

// Generations are those of the objects of a cluster's machine sets, by the sets'
// labels (topology.Set).
type Generations map[string]int64

// generationsBefore is how the clusters of a class were when this session changed
// the class (plannedKey of a cluster to Generations). Nothing about a Cluster says
// whether Cluster API has taken note of a new class yet, but the objects of the
// machine sets that roll change.
type generationsBefore struct{ sync.Map }

// GenerationsBefore returns what a cluster's machine sets were at when its class
// was changed, nil if the plan that is being applied does not change the class.
func GenerationsBefore(s *session.Session, id types.String, class, cluster client.ObjectKey) Generations {
	planned, _ := session.Part[plannedClasses](s).Load(keyOf(id, class))
	if planned, ok := planned.(Planned); !ok || !planned.Changes {
		return nil
	}
	value, _ := session.Part[generationsBefore](s).Load(keyOf(id, cluster))
	generations, _ := value.(Generations)
	return generations
}

// noteGenerations remembers the clusters of a class that is about to change.
func noteGenerations(ctx context.Context, s *session.Session, mgmt *management.Cluster, plan model) error {
	clusters, err := users(ctx, mgmt, plan.key())
	if err != nil {
		return err
	}
	for i := range clusters {
		generations, err := generationsOf(ctx, mgmt, &clusters[i])
		if err != nil {
			return err
		}
		session.Part[generationsBefore](s).Store(keyOf(plan.ManagementCluster, client.ObjectKeyFromObject(&clusters[i])), generations)
	}
	return nil
}

func generationsOf(ctx context.Context, mgmt *management.Cluster, cluster *clusterv1.Cluster) (Generations, error) {
	generations := Generations{}
	if ref := cluster.Spec.ControlPlaneRef; ref.IsDefined() {
		mapping, err := mgmt.RESTMapper().RESTMapping(schema.GroupKind{Group: ref.APIGroup, Kind: ref.Kind})
		if err != nil {
			return nil, err
		}
		controlPlane := &metav1.PartialObjectMetadata{}
		controlPlane.SetGroupVersionKind(mapping.GroupVersionKind)
		err = mgmt.Get(ctx, client.ObjectKey{Namespace: cluster.Namespace, Name: ref.Name}, controlPlane)
		if client.IgnoreNotFound(err) != nil {
			return nil, err
		}
		generations[topology.Set{Kind: topology.ControlPlane}.Label()] = controlPlane.Generation
	}
	for _, of := range []struct {
		list, label string
		kind        topology.Kind
	}{
		{"MachineDeploymentList", clusterv1.ClusterTopologyMachineDeploymentNameLabel, topology.MachineDeployment},
		{"MachinePoolList", clusterv1.ClusterTopologyMachinePoolNameLabel, topology.MachinePool},
	} {
		sets := &metav1.PartialObjectMetadataList{}
		sets.SetGroupVersionKind(clusterv1.GroupVersion.WithKind(of.list))
		err := mgmt.List(ctx, sets, client.InNamespace(cluster.Namespace), client.MatchingLabels{clusterv1.ClusterNameLabel: cluster.Name})
		if err != nil {
			return nil, err
		}
		for i := range sets.Items {
			set := topology.Set{Kind: of.kind, Name: sets.Items[i].Labels[of.label]}
			generations[set.Label()] = sets.Items[i].Generation
		}
	}
	return generations, nil
}
