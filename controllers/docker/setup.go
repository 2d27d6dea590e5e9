// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package docker

import (
	"context"
	"errors"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/util/workqueue"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/controller"

	"github.com/terraform-capi/terraform-provider-capi/controllers/docker/background"
	"github.com/terraform-capi/terraform-provider-capi/controllers/docker/cluster"
	"github.com/terraform-capi/terraform-provider-capi/controllers/docker/failure"
	"github.com/terraform-capi/terraform-provider-capi/controllers/docker/identity"
	"github.com/terraform-capi/terraform-provider-capi/controllers/docker/images"
	"github.com/terraform-capi/terraform-provider-capi/controllers/docker/machine"
	"github.com/terraform-capi/terraform-provider-capi/controllers/docker/machinetemplate"
	"github.com/terraform-capi/terraform-provider-capi/controllers/docker/network"
	"github.com/terraform-capi/terraform-provider-capi/controllers/docker/variants"
	"github.com/terraform-capi/terraform-provider-capi/controllers/docker/webhooks"
)

const (
	// DefaultNetwork is the network of all clusters of a Docker host. KinD's own will not do (package network).
	DefaultNetwork = network.DefaultName

	defaultConcurrency = 10

	// Failed reconciles are repeated after these intervals, which grow by factors of two. The longest is short
	// for a controller: people wait for clusters on their own computers.
	shortestRetry = 100 * time.Millisecond
	longestRetry  = 30 * time.Second
)

// Engine is all that the reconcilers ask of a container engine.
type Engine interface {
	cluster.Engine
	identity.Inspector
	images.VolumeRemover
	machine.Engine
	machinetemplate.Host
	network.Engine
}

// Options of the infrastructure provider.
type Options struct {
	// Engine has the containers. Required.
	Engine Engine
	// Network that the clusters' containers join; DefaultNetwork if empty.
	Network string
	// ManagementNode is the name of the node that the manager runs on; may be empty.
	ManagementNode string
	// WatchFilter restricts the controllers to objects whose cluster.x-k8s.io/watch-filter label has this value.
	WatchFilter string
	// Concurrency is how many objects of a kind are reconciled at a time; 10 if zero.
	Concurrency int
}

// AddToScheme registers the provider's kinds.
func AddToScheme(scheme *runtime.Scheme) error {
	return variants.AddToScheme(scheme)
}

// AddToManager adds the provider's reconcilers and webhooks to a manager. Jobs in the background end when ctx does,
// so ctx must live as long as the manager. The manager's scheme must have the provider's kinds, Cluster API's core
// and Kubernetes' own.
func AddToManager(ctx context.Context, mgr ctrl.Manager, options Options) error {
	if options.Engine == nil {
		return errors.New("the Docker infrastructure provider needs a container runtime")
	}
	if options.Network == "" {
		options.Network = DefaultNetwork
	}
	if err := addReconcilers(ctx, mgr, options); err != nil {
		return err
	}
	return webhooks.SetupWithManager(mgr)
}

func addReconcilers(ctx context.Context, mgr ctrl.Manager, options Options) error {
	management := identity.ManagementFinder(mgr.GetAPIReader(), options.Engine, options.ManagementNode)
	clustersNetwork := &network.Network{Engine: options.Engine, Name: options.Network, ManagementNode: options.ManagementNode, Clusters: mgr.GetClient()}
	for _, variant := range variants.Clusters {
		clusters := &cluster.Reconciler{
			Variant:     variant,
			Client:      mgr.GetClient(),
			APIReader:   mgr.GetAPIReader(),
			Engine:      options.Engine,
			Jobs:        background.NewJobs(ctx),
			Network:     clustersNetwork,
			Management:  management,
			WatchFilter: options.WatchFilter,
		}
		if err := clusters.SetupWithManager(ctx, mgr, controllerOptions(options)); err != nil {
			return err
		}
	}
	volumes := machine.NewVolumes(options.Engine)
	if err := mgr.Add(volumes); err != nil {
		return fmt.Errorf("setting up the removal of volumes: %w", err)
	}
	for _, variant := range variants.Machines {
		machines := &machine.Reconciler{
			Variant:     variant,
			Client:      mgr.GetClient(),
			APIReader:   mgr.GetAPIReader(),
			Engine:      options.Engine,
			Jobs:        background.NewJobs(ctx),
			Network:     clustersNetwork,
			Volumes:     volumes,
			Management:  management,
			WatchFilter: options.WatchFilter,
		}
		if err := machines.SetupWithManager(ctx, mgr, controllerOptions(options)); err != nil {
			return err
		}
	}
	for _, variant := range variants.MachineTemplates {
		templates := &machinetemplate.Reconciler{
			Variant:     variant,
			Client:      mgr.GetClient(),
			Host:        options.Engine,
			WatchFilter: options.WatchFilter,
		}
		if err := templates.SetupWithManager(ctx, mgr, controllerOptions(options)); err != nil {
			return err
		}
	}
	return nil
}

func controllerOptions(options Options) controller.Options {
	concurrency := options.Concurrency
	if concurrency == 0 {
		concurrency = defaultConcurrency
	}
	return controller.Options{
		MaxConcurrentReconciles: concurrency,
		ReconciliationTimeout:   failure.ReconcileTimeout,
		RateLimiter:             workqueue.NewTypedItemExponentialFailureRateLimiter[ctrl.Request](shortestRetry, longestRetry),
	}
}
