// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/terraform-capi/terraform-provider-capi/internal/live"
	"github.com/terraform-capi/terraform-provider-capi/internal/management"
)

// applyVersion is ApplyTo, but passes Cluster API's check of how a version changes
// if no machine has ever run the one that the Cluster has, and says so. The check is
// off for this one request, because what switches it off is an annotation.
func applyVersion(ctx context.Context, mgmt *management.Cluster, existing *clusterv1.Cluster, applied *unstructured.Unstructured) (abandoned bool, err error) {
	from := existing.Spec.Topology.Version
	if to, _, _ := unstructured.NestedString(applied.Object, "spec", "topology", "version"); from != to {
		f, err := live.Observe(ctx, mgmt, client.ObjectKeyFromObject(existing))
		if err != nil {
			return false, err
		}
		if _, abandoned = f.Abandons(from); abandoned {
			annotated := applied.DeepCopy()
			skipVersionCheck(annotated)
			if err := mgmt.ApplyTo(ctx, annotated, existing.UID); err != nil {
				return false, err
			}
		}
	}
	return abandoned, mgmt.ApplyTo(ctx, applied, existing.UID)
}

func skipVersionCheck(cluster *unstructured.Unstructured) {
	all := cluster.GetAnnotations()
	if all == nil {
		all = map[string]string{}
	}
	all[clusterv1.ClusterTopologyUnsafeUpdateVersionAnnotation] = ""
	cluster.SetAnnotations(all)
}
