// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	kerrors "k8s.io/apimachinery/pkg/util/errors"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"

	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
	"sigs.k8s.io/cluster-api/util"
	"sigs.k8s.io/cluster-api/util/annotations"
	"sigs.k8s.io/cluster-api/util/patch"

	infrav1 "github.com/terraform-capi/terraform-provider-capi/controllers/docker/api/v1beta2"
	"github.com/terraform-capi/terraform-provider-capi/controllers/docker/background"
	"github.com/terraform-capi/terraform-provider-capi/controllers/docker/identity"
	"github.com/terraform-capi/terraform-provider-capi/controllers/docker/loadbalancer"
	"github.com/terraform-capi/terraform-provider-capi/internal/container"
)

// Reconciler reconciles DockerClusters.
type Reconciler struct {
	// Client reads from the manager's cache.
	Client client.Client
	// APIReader reads ConfigMaps, which must not fill the cache.
	APIReader client.Reader
	// Runtime has the containers.
	Runtime container.Runtime
	// Jobs run what takes longer than a reconcile may.
	Jobs *background.Jobs
	// Network that the cluster's containers are on.
	Network string
	// WatchFilter restricts the reconciler to objects whose cluster.x-k8s.io/watch-filter label has this value.
	WatchFilter string
}

// scope is what one reconcile knows.
type scope struct {
	dockerCluster *infrav1.DockerCluster
	// cluster is the owner; nil if it does not exist.
	cluster *clusterv1.Cluster
	// paused says that nothing was done because the object is paused.
	paused bool
	// waiting is the reason, with a message, why the load balancer is not available yet; empty if it is.
	waiting, message string
}

// +kubebuilder:rbac:groups=infrastructure.cluster.x-k8s.io,resources=dockerclusters,verbs=get;list;watch;update;patch
// +kubebuilder:rbac:groups=infrastructure.cluster.x-k8s.io,resources=dockerclusters/status;dockerclusters/finalizers,verbs=get;list;watch;patch;update
// The load balancer's servers are the machines of the control plane:
// +kubebuilder:rbac:groups=cluster.x-k8s.io,resources=clusters;machines,verbs=get;list;watch
// +kubebuilder:rbac:groups=infrastructure.cluster.x-k8s.io,resources=dockermachines;dockermachines/status,verbs=get;list;watch;patch
// Users' own HAProxy configurations:
// +kubebuilder:rbac:groups="",resources=configmaps,verbs=get

// Reconcile brings the infrastructure of one DockerCluster a step further.
func (r *Reconciler) Reconcile(ctx context.Context, req ctrl.Request) (_ ctrl.Result, reterr error) {
	dockerCluster := &infrav1.DockerCluster{}
	if err := r.Client.Get(ctx, req.NamespacedName, dockerCluster); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	if annotations.IsExternallyManaged(dockerCluster) {
		return ctrl.Result{}, nil
	}
	owner, err := util.GetOwnerCluster(ctx, r.Client, dockerCluster.ObjectMeta)
	if err != nil && !apierrors.IsNotFound(err) {
		return ctrl.Result{}, fmt.Errorf("reading the Cluster of the DockerCluster: %w", err)
	}
	s := &scope{dockerCluster: dockerCluster, cluster: owner}
	deleting := !dockerCluster.DeletionTimestamp.IsZero()
	if owner == nil && !deleting {
		return ctrl.Result{}, nil // The watch on Clusters brings it back.
	}

	if !deleting {
		if err := r.ensureFinalizer(ctx, dockerCluster); err != nil {
			return ctrl.Result{}, err
		}
	}
	helper, err := patch.NewHelper(dockerCluster, r.Client)
	if err != nil {
		return ctrl.Result{}, fmt.Errorf("preparing the patch of the DockerCluster: %w", err)
	}
	defer func() {
		if err := updateStatus(s, reterr); err != nil {
			reterr = kerrors.NewAggregate([]error{reterr, err})
		}
		if err := s.patch(ctx, helper); err != nil {
			reterr = kerrors.NewAggregate([]error{reterr, err})
		}
	}()

	if owner != nil && annotations.IsPaused(owner, dockerCluster) || annotations.HasPaused(dockerCluster) {
		s.paused = true
		return ctrl.Result{}, nil
	}
	if deleting {
		return ctrl.Result{}, r.reconcileDelete(ctx, s)
	}
	return r.reconcileNormal(ctx, s)
}

// ensureFinalizer stores the finalizer before there is anything that it protects.
func (r *Reconciler) ensureFinalizer(ctx context.Context, dockerCluster *infrav1.DockerCluster) error {
	if controllerutil.ContainsFinalizer(dockerCluster, infrav1.ClusterFinalizer) {
		return nil
	}
	before := dockerCluster.DeepCopy()
	controllerutil.AddFinalizer(dockerCluster, infrav1.ClusterFinalizer)
	if err := r.Client.Patch(ctx, dockerCluster, client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{})); err != nil {
		return fmt.Errorf("adding the finalizer to the DockerCluster: %w", err)
	}
	return nil
}

// clusterName is the name of the Cluster, also when it is gone already.
func (s *scope) clusterName() string {
	if s.cluster != nil {
		return s.cluster.Name
	}
	return s.dockerCluster.Labels[clusterv1.ClusterNameLabel]
}

func (r *Reconciler) loadBalancer(s *scope) *loadbalancer.LoadBalancer {
	endpoint := s.dockerCluster.Annotations[infrav1.HostEndpointAnnotation]
	owner := identity.Owner{
		Namespace: s.dockerCluster.Namespace,
		Cluster:   s.clusterName(),
		ObjectUID: s.dockerCluster.UID,
		Role:      identity.RoleLoadBalancer,
	}
	if s.cluster != nil {
		owner.ClusterUID = s.cluster.UID
	}
	return &loadbalancer.LoadBalancer{
		Runtime:     r.Runtime,
		Name:        identity.LoadBalancerContainer(s.clusterName(), s.dockerCluster),
		Owner:       owner,
		Established: endpoint != "",
		Image:       loadbalancer.Image(s.dockerCluster.Spec.LoadBalancer.ImageMeta),
		Network:     r.Network,
		HostPort:    loadbalancer.ParseHostEndpoint(endpoint),
	}
}
