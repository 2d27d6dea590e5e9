// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"cmp"
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	kerrors "k8s.io/apimachinery/pkg/util/errors"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
	"sigs.k8s.io/cluster-api/util"
	"sigs.k8s.io/cluster-api/util/annotations"
	"sigs.k8s.io/cluster-api/util/patch"

	infrav1 "github.com/terraform-capi/terraform-provider-capi/controllers/docker/api/v1beta2"
	"github.com/terraform-capi/terraform-provider-capi/controllers/docker/background"
	"github.com/terraform-capi/terraform-provider-capi/controllers/docker/failure"
	"github.com/terraform-capi/terraform-provider-capi/controllers/docker/identity"
	"github.com/terraform-capi/terraform-provider-capi/controllers/docker/images"
	"github.com/terraform-capi/terraform-provider-capi/controllers/docker/loadbalancer"
	"github.com/terraform-capi/terraform-provider-capi/controllers/docker/network"
	"github.com/terraform-capi/terraform-provider-capi/controllers/docker/variants"
	"github.com/terraform-capi/terraform-provider-capi/internal/redact"
)

// Engine has the clusters' load balancers and the images that these need.
type Engine interface {
	background.EventSource
	images.Host
	loadbalancer.Engine
}

// Reconciler reconciles DockerClusters, or the objects of another variant.
type Reconciler struct {
	// Variant of the objects.
	Variant variants.Variant[*infrav1.DockerCluster]
	// Client reads from the manager's cache.
	Client client.Client
	// APIReader reads ConfigMaps and the credentials of registries, which must not fill the cache.
	APIReader client.Reader
	// Engine has the containers.
	Engine Engine
	// Jobs run what takes longer than a reconcile may.
	Jobs *background.Jobs
	// Network that the cluster's containers are on.
	Network *network.Network
	// Management returns the management cluster.
	Management func(ctx context.Context) (identity.Management, error)
	// WatchFilter restricts the reconciler to objects whose cluster.x-k8s.io/watch-filter label has this value.
	WatchFilter string
}

// scope is what one reconcile knows.
type scope struct {
	// object is what is reconciled, dockerCluster its hub.
	object        variants.Object[*infrav1.DockerCluster]
	dockerCluster *infrav1.DockerCluster
	// cluster is the owner; nil if it does not exist.
	cluster *clusterv1.Cluster
	// management is the management cluster.
	management identity.Management
	// paused says that nothing was done because the object is paused.
	paused bool
	// waiting is the reason, with a message, why the load balancer is not available yet; empty if it is.
	waiting, message string
}

// +kubebuilder:rbac:groups=infrastructure.cluster.x-k8s.io,resources=dockerclusters;devclusters,verbs=get;list;watch;update;patch
// +kubebuilder:rbac:groups=infrastructure.cluster.x-k8s.io,resources=dockerclusters/status;dockerclusters/finalizers;devclusters/status;devclusters/finalizers,verbs=get;list;watch;patch;update
// The load balancer's servers are the machines of the control plane:
// +kubebuilder:rbac:groups=cluster.x-k8s.io,resources=clusters;machines,verbs=get;list;watch
// +kubebuilder:rbac:groups=infrastructure.cluster.x-k8s.io,resources=dockermachines;dockermachines/status;devmachines,verbs=get;list;watch;patch
// Users' own HAProxy configurations:
// +kubebuilder:rbac:groups="",resources=configmaps,verbs=get
// The credentials of registries:
// +kubebuilder:rbac:groups="",resources=secrets,verbs=get

// Reconcile brings the infrastructure of one cluster a step further.
func (r *Reconciler) Reconcile(ctx context.Context, req ctrl.Request) (_ ctrl.Result, reterr error) {
	object, err := r.Variant.Get(ctx, r.Client, req.NamespacedName)
	if err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	dockerCluster := object.Hub()
	if annotations.IsExternallyManaged(dockerCluster) {
		return ctrl.Result{}, nil
	}
	owner, err := util.GetOwnerCluster(ctx, r.Client, dockerCluster.ObjectMeta)
	if err != nil && !apierrors.IsNotFound(err) {
		return ctrl.Result{}, fmt.Errorf("reading the Cluster of the %s: %w", r.Variant.Kind, err)
	}
	s := &scope{object: object, dockerCluster: dockerCluster, cluster: owner}
	deleting := !dockerCluster.DeletionTimestamp.IsZero()
	if owner == nil && !deleting {
		return ctrl.Result{}, nil // The watch on Clusters brings it back.
	}

	if !deleting {
		// Before there is anything that it protects.
		if err := object.EnsureFinalizer(ctx, r.Client, infrav1.ClusterFinalizer); err != nil {
			return ctrl.Result{}, err
		}
	}
	helper, err := patch.NewHelper(object.TranslateBack(), r.Client)
	if err != nil {
		return ctrl.Result{}, fmt.Errorf("preparing the patch of the %s: %w", r.Variant.Kind, err)
	}
	defer func() {
		ctx, cancel := failure.ReportContext(ctx)
		defer cancel()
		reterr = redact.Error(reterr) // It is logged.
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
	if s.management, err = r.Management(ctx); err != nil {
		return ctrl.Result{}, err
	}
	if deleting {
		return ctrl.Result{}, r.reconcileDelete(ctx, s)
	}
	return r.reconcileNormal(ctx, s)
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
		Management: s.management,
		Namespace:  s.dockerCluster.Namespace,
		Cluster:    s.clusterName(),
		ObjectUID:  s.dockerCluster.UID,
		Created:    s.dockerCluster.CreationTimestamp.Time,
		Role:       identity.RoleLoadBalancer,
	}
	if s.cluster != nil {
		owner.ClusterUID = s.cluster.UID
	}
	spec := s.dockerCluster.Spec
	return &loadbalancer.LoadBalancer{
		Engine:   r.Engine,
		Name:     identity.LoadBalancerContainer(s.clusterName(), s.dockerCluster.UID),
		Owner:    owner,
		Image:    loadbalancer.Image(spec.LoadBalancer.ImageMeta),
		Network:  r.Network,
		Host:     spec.ControlPlaneEndpoint.Host,
		HostIP:   spec.LoadBalancer.HostIP,
		HostPort: cmp.Or(loadbalancer.ParseHostEndpoint(endpoint), int(spec.LoadBalancer.HostPort)),
	}
}
