// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package topology

import (
	"context"

	"k8s.io/apimachinery/pkg/util/validation/field"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
	"sigs.k8s.io/cluster-api/core/webhooks/admission"
)

// ValidateCluster returns what Cluster API would refuse about a cluster of the
// given class, and the cluster with its variables defaulted as Cluster API
// would default them. The class has to be Reconciled, or read from a management
// cluster. A nil class leaves out everything that needs one.
//
// If old is not nil, cluster replaces it. Whether its version may change is then
// ValidateVersion's to say; that the last upgrade is finished, which Cluster API
// demands too, only the management cluster knows.
func ValidateCluster(ctx context.Context, class *clusterv1.ClusterClass, old, cluster *clusterv1.Cluster) (*clusterv1.Cluster, field.ErrorList) {
	if err := enableClusterTopology(); err != nil {
		return cluster, field.ErrorList{field.InternalError(nil, err)}
	}
	cluster = cluster.DeepCopy()
	var errs field.ErrorList
	if class == nil {
		errs = validateWithoutClass(ctx, cluster)
	} else {
		errs = validateWithClass(ctx, class, old, cluster)
	}
	if old != nil {
		errs = append(errs, ValidateVersion(old.Spec.Topology.Version, cluster.Spec.Topology.Version, class)...)
	}
	return cluster, errs
}

func validateWithClass(ctx context.Context, class *clusterv1.ClusterClass, old, cluster *clusterv1.Cluster) field.ErrorList {
	class = asReconciled(class.DeepCopy())
	key := cluster.GetClassKey()
	class.Namespace, class.Name = key.Namespace, key.Name
	webhook := &admission.Cluster{Client: snapshot{classes: []*clusterv1.ClusterClass{class}}}
	errs := webhook.DefaultAndValidateVariables(ctx, cluster, old, class)
	_, err := webhook.ValidateCreate(ctx, cluster)
	return append(errs, FieldErrors(err)...)
}

// validateWithoutClass runs under a context that is over: the admission code
// looks for the class once, is content without, and would go on looking for two
// seconds otherwise.
func validateWithoutClass(ctx context.Context, cluster *clusterv1.Cluster) field.ErrorList {
	ctx, cancel := context.WithCancel(ctx)
	cancel()
	webhook := &admission.Cluster{Client: snapshot{}}
	_, err := webhook.ValidateCreate(ctx, cluster)
	return FieldErrors(err)
}
