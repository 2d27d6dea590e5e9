// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package classes

import (
	"context"
	"slices"

	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/terraform-capi/terraform-provider-capi/internal/management"
)

// Users are the Clusters that use the class, in all namespaces.
func Users(ctx context.Context, mgmt *management.Cluster, key client.ObjectKey) ([]clusterv1.Cluster, error) {
	clusters := &clusterv1.ClusterList{}
	if err := mgmt.List(ctx, clusters); err != nil {
		return nil, err
	}
	return slices.DeleteFunc(clusters.Items, func(c clusterv1.Cluster) bool { return c.GetClassKey() != key }), nil
}
