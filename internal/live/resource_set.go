// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package live

import (
	"context"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	addonsv1 "sigs.k8s.io/cluster-api/api/addons/v1beta2"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/terraform-capi/terraform-provider-capi/internal/management"
)

// CNILabel on a Cluster and on what installs its network plugin has the
// cluster's name as its value. The ClusterResourceSet selects by it.
const CNILabel = "terraform-capi.io/cni"

// ResourceSetName is the name of the ClusterResourceSet that installs the network plugin of a cluster.
func ResourceSetName(cluster *clusterv1.Cluster) string { return cluster.Name + "-cni" }

// readResourceSet reads what installs the network plugin of a cluster. It returns
// nil if nothing does that was made for this cluster.
func readResourceSet(ctx context.Context, mgmt *management.Cluster, cluster *clusterv1.Cluster) (*addonsv1.ClusterResourceSet, error) {
	if cluster.Labels[CNILabel] != cluster.Name {
		return nil, nil
	}
	set := &addonsv1.ClusterResourceSet{}
	switch err := mgmt.Get(ctx, client.ObjectKey{Namespace: cluster.Namespace, Name: ResourceSetName(cluster)}, set); {
	case management.IsAbsent(err), err == nil && !MadeFor(cluster, set):
		return nil, nil
	case err != nil:
		return nil, err
	}
	return set, nil
}

// MadeFor says whether an object was made for this very cluster: a name proves
// nothing, nor does a label that anybody can set.
func MadeFor(cluster *clusterv1.Cluster, obj client.Object) bool {
	return obj.GetLabels()[CNILabel] == cluster.Name && slices.ContainsFunc(obj.GetOwnerReferences(), func(ref metav1.OwnerReference) bool {
		return ref.UID == cluster.UID
	})
}
