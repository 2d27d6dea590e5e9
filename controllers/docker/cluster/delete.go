// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"

	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"

	infrav1 "github.com/terraform-capi/terraform-provider-capi/controllers/docker/api/v1beta2"
)

// reconcileDelete removes the load balancer, and last the finalizer. Cluster API deletes the DockerCluster when the
// machines are gone. The network stays: other clusters, and the management cluster, are on it.
func (r *Reconciler) reconcileDelete(ctx context.Context, s *scope) error {
	r.Jobs.Cancel(s.dockerCluster)
	ctrl.LoggerFrom(ctx).Info("Removing the load balancer")
	if err := r.loadBalancer(s).Delete(ctx); err != nil {
		return err
	}
	controllerutil.RemoveFinalizer(s.dockerCluster, infrav1.ClusterFinalizer)
	return nil
}
