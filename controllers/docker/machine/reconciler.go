// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package machine

import (
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
	"github.com/terraform-capi/terraform-provider-capi/controllers/docker/bootstrap"
	"github.com/terraform-capi/terraform-provider-capi/controllers/docker/failure"
	"github.com/terraform-capi/terraform-provider-capi/controllers/docker/identity"
	"github.com/terraform-capi/terraform-provider-capi/controllers/docker/images"
	"github.com/terraform-capi/terraform-provider-capi/controllers/docker/network"
	"github.com/terraform-capi/terraform-provider-capi/controllers/docker/variants"
	"github.com/terraform-capi/terraform-provider-capi/internal/container"
	"github.com/terraform-capi/terraform-provider-capi/internal/redact"
)

// Engine has the machines' containers and the images that these need.
type Engine interface {
	background.EventSource
	bootstrap.Engine
	identity.Files
	images.Engine
	images.Host
	Info(ctx context.Context) (container.Info, error)
	Create(ctx context.Context, spec container.Spec) error
	Remove(ctx context.Context, name string) error
	Inspect(ctx context.Context, name string) (container.Container, error)
	List(ctx context.Context, labels map[string]string) ([]container.Container, error)
}

// Reconciler reconciles DockerMachines, or the objects of another variant.
type Reconciler struct {
	// Variant of the objects.
	Variant variants.Variant[*infrav1.DockerMachine]
	// Client reads from the manager's cache.
	Client client.Client
	// APIReader reads bootstrap data and the credentials of registries, which must not fill the cache.
	APIReader client.Reader
	// Engine has the containers.
	Engine Engine
	// Jobs run what takes longer than a reconcile may.
	Jobs *background.Jobs
	// Network that the cluster's containers are on.
	Network *network.Network
	// Volumes removes what machines leave behind.
	Volumes *Volumes
	// Management returns the management cluster.
	Management func(ctx context.Context) (identity.Management, error)
	// WatchFilter restricts the reconciler to objects whose cluster.x-k8s.io/watch-filter label has this value.
	WatchFilter string

	// loader brings images into nodes.
	loader images.Loader
}

// +kubebuilder:rbac:groups=infrastructure.cluster.x-k8s.io,resources=dockermachines;devmachines,verbs=get;list;watch;update;patch
// +kubebuilder:rbac:groups=infrastructure.cluster.x-k8s.io,resources=dockermachines/status;dockermachines/finalizers;devmachines/status;devmachines/finalizers,verbs=get;list;watch;patch;update
// +kubebuilder:rbac:groups=cluster.x-k8s.io,resources=clusters;machines,verbs=get;list;watch
// Bootstrap data, and the credentials of registries:
// +kubebuilder:rbac:groups="",resources=secrets,verbs=get

// Reconcile brings the container of one machine a step further.
func (r *Reconciler) Reconcile(ctx context.Context, req ctrl.Request) (_ ctrl.Result, reterr error) {
	object, err := r.Variant.Get(ctx, r.Client, req.NamespacedName)
	if err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	dockerMachine := object.Hub()
	s, err := r.newScope(ctx, object)
	if err != nil {
		return ctrl.Result{}, err
	}
	deleting := !dockerMachine.DeletionTimestamp.IsZero()
	if !s.complete() && !deleting {
		return ctrl.Result{}, nil // The watches on its owners bring it back.
	}

	if !deleting {
		// Before there is anything that it protects, and in the reconcile that goes on to make the container: coming
		// back for that would only cost time.
		if err := object.EnsureFinalizer(ctx, r.Client, infrav1.MachineFinalizer); err != nil {
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

	if s.cluster != nil && annotations.IsPaused(s.cluster, dockerMachine) || annotations.HasPaused(dockerMachine) {
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

// reconcileNormal runs the phases in order. A phase that has to wait for something ends the reconcile; those after
// it have nothing to work with.
func (r *Reconciler) reconcileNormal(ctx context.Context, s *scope) (ctrl.Result, error) {
	phases := []func(context.Context, *scope) (ctrl.Result, error){
		r.reconcileContainer,
		r.reconcilePreLoadedImages,
		r.reconcileBootstrap,
		r.reconcileSystemImages,
	}
	result := ctrl.Result{}
	for _, phase := range phases {
		phaseResult, err := phase(ctx, s)
		if err != nil {
			return ctrl.Result{}, err
		}
		result = util.LowestNonZeroResult(result, phaseResult)
		if s.waiting {
			break
		}
	}
	return result, nil
}

// newScope reads the objects around a machine's object. Those that do not exist yet, or any more, are missing from
// the scope.
func (r *Reconciler) newScope(ctx context.Context, object variants.Object[*infrav1.DockerMachine]) (*scope, error) {
	dockerMachine := object.Hub()
	s := &scope{object: object, dockerMachine: dockerMachine}
	machine, err := util.GetOwnerMachine(ctx, r.Client, dockerMachine.ObjectMeta)
	if err != nil && !apierrors.IsNotFound(err) {
		return nil, fmt.Errorf("reading the Machine of the %s: %w", r.Variant.Kind, err)
	}
	s.machine = machine
	name := dockerMachine.Labels[clusterv1.ClusterNameLabel]
	if machine != nil {
		name = machine.Spec.ClusterName
	}
	if name == "" {
		return s, nil
	}
	s.clusterName = name
	cluster := &clusterv1.Cluster{}
	if err := r.Client.Get(ctx, client.ObjectKey{Namespace: dockerMachine.Namespace, Name: name}, cluster); err != nil {
		if apierrors.IsNotFound(err) {
			return s, nil
		}
		return nil, fmt.Errorf("reading Cluster %s: %w", name, err)
	}
	s.cluster = cluster
	infrastructure, err := variants.Clusters.Get(ctx, r.Client, cluster.Namespace, cluster.Spec.InfrastructureRef)
	if err != nil {
		if apierrors.IsNotFound(err) {
			return s, nil
		}
		return nil, fmt.Errorf("reading the infrastructure of Cluster %s: %w", name, err)
	}
	s.dockerCluster = infrastructure.Hub()
	return s, nil
}
