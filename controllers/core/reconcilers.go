// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package core

import (
	"context"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"

	addonsv1 "sigs.k8s.io/cluster-api/api/addons/v1beta2"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
	ipamv1 "sigs.k8s.io/cluster-api/api/ipam/v1beta2"
	"sigs.k8s.io/cluster-api/controllers/clustercache"
	"sigs.k8s.io/cluster-api/controllers/crdmigrator"
	"sigs.k8s.io/cluster-api/core/reconcilers/cluster"
	"sigs.k8s.io/cluster-api/core/reconcilers/clusterclass"
	"sigs.k8s.io/cluster-api/core/reconcilers/clusterresourceset"
	"sigs.k8s.io/cluster-api/core/reconcilers/clusterresourcesetbinding"
	"sigs.k8s.io/cluster-api/core/reconcilers/machine"
	"sigs.k8s.io/cluster-api/core/reconcilers/machinedeployment"
	"sigs.k8s.io/cluster-api/core/reconcilers/machinehealthcheck"
	"sigs.k8s.io/cluster-api/core/reconcilers/machinepool"
	"sigs.k8s.io/cluster-api/core/reconcilers/machineset"
	topologycluster "sigs.k8s.io/cluster-api/core/reconcilers/topology/cluster"
	topologymachinedeployment "sigs.k8s.io/cluster-api/core/reconcilers/topology/machinedeployment"
	topologymachineset "sigs.k8s.io/cluster-api/core/reconcilers/topology/machineset"
	"sigs.k8s.io/cluster-api/feature"

	"github.com/terraform-capi/terraform-provider-capi/controllers/manager"
)

// topologyWorkers is the concurrency of the MachineDeployment and MachineSet topology reconcilers, which upstream has no flag for.
const topologyWorkers = 25

// reconciler is what upstream's reconcilers have in common.
type reconciler interface {
	SetupWithManager(ctx context.Context, mgr ctrl.Manager, options controller.Options) error
}

// addReconcilers adds upstream's reconcilers. RuntimeSDK and in-place updates are left out: their client is internal
// to upstream's module, and the gates are off by default there too.
func (p *Provider) addReconcilers(ctx context.Context, mgr ctrl.Manager, common *manager.Options, clusterCache clustercache.ClusterCache) error {
	apiClient, apiReader, filter := mgr.GetClient(), mgr.GetAPIReader(), common.WatchFilter
	preflight, err := p.preflight()
	if err != nil {
		return err
	}
	labels, err := compile("additional-sync-machine-labels", p.additionalSyncLabels)
	if err != nil {
		return err
	}
	annotations, err := compile("additional-sync-machine-annotations", p.additionalSyncAnnotations)
	if err != nil {
		return err
	}
	for _, r := range []struct {
		reconciler
		concurrency int
	}{
		{&clusterclass.Reconciler{Client: apiClient, WatchFilterValue: filter}, p.classConcurrency},
		{&topologycluster.Reconciler{Client: apiClient, APIReader: apiReader, ClusterCache: clusterCache, WatchFilterValue: filter}, p.topologyConcurrency},
		{&topologymachinedeployment.Reconciler{Client: apiClient, APIReader: apiReader, WatchFilterValue: filter}, topologyWorkers},
		{&topologymachineset.Reconciler{Client: apiClient, APIReader: apiReader, WatchFilterValue: filter}, topologyWorkers},
		{&cluster.Reconciler{
			Client: apiClient, APIReader: apiReader, ClusterCache: clusterCache, WatchFilterValue: filter,
			RemoteConnectionGracePeriod: p.connectionGrace,
		}, p.clusterConcurrency},
		{&machine.Reconciler{
			Client: apiClient, APIReader: apiReader, ClusterCache: clusterCache, WatchFilterValue: filter,
			RemoteConditionsGracePeriod:      common.RemoteConditionGrace,
			AdditionalSyncMachineLabels:      labels,
			AdditionalSyncMachineAnnotations: annotations,
		}, p.machineConcurrency},
		{&machineset.Reconciler{
			Client: apiClient, APIReader: apiReader, ClusterCache: clusterCache, WatchFilterValue: filter,
			PreflightChecks: preflight,
		}, p.machineSetConcurrency},
		{&machinedeployment.Reconciler{Client: apiClient, APIReader: apiReader, WatchFilterValue: filter}, p.deploymentConcurrency},
		{&machinepool.Reconciler{Client: apiClient, APIReader: apiReader, ClusterCache: clusterCache, WatchFilterValue: filter}, p.machinePoolConcurrency},
		{&clusterresourcesetbinding.Reconciler{Client: apiClient, WatchFilterValue: filter}, p.resourceSetConcurrency},
		{&machinehealthcheck.Reconciler{Client: apiClient, ClusterCache: clusterCache, WatchFilterValue: filter}, p.healthCheckConcurrency},
	} {
		if _, isPool := r.reconciler.(*machinepool.Reconciler); isPool && !feature.Gates.Enabled(feature.MachinePool) {
			continue
		}
		if err := r.SetupWithManager(ctx, mgr, manager.Concurrency(r.concurrency)); err != nil {
			return fmt.Errorf("adding %T: %w", r.reconciler, err)
		}
	}
	return p.addResourceSets(ctx, mgr, common, clusterCache)
}

// addResourceSets adds the ClusterResourceSet reconciler with the cache it asks for: metadata of every Secret, where
// the manager's cache has only those of clusters.
func (p *Provider) addResourceSets(ctx context.Context, mgr ctrl.Manager, common *manager.Options, clusterCache clustercache.ClusterCache) error {
	var namespaces map[string]cache.Config
	if common.WatchNamespace != "" {
		namespaces = map[string]cache.Config{common.WatchNamespace: {}}
	}
	secrets, err := cache.New(mgr.GetConfig(), cache.Options{
		Scheme:            mgr.GetScheme(),
		Mapper:            mgr.GetRESTMapper(),
		HTTPClient:        mgr.GetHTTPClient(),
		SyncPeriod:        &common.SyncPeriod,
		DefaultNamespaces: namespaces,
		DefaultTransform: func(object any) (any, error) {
			if _, ok := object.(*metav1.PartialObjectMetadata); !ok {
				return nil, fmt.Errorf("the cache of Secret metadata was asked for %T", object)
			}
			return cache.TransformStripManagedFields()(object)
		},
	})
	if err != nil {
		return fmt.Errorf("creating the cache of Secret metadata: %w", err)
	}
	if err := mgr.Add(secrets); err != nil {
		return fmt.Errorf("adding the cache of Secret metadata: %w", err)
	}
	r := &clusterresourceset.Reconciler{Client: mgr.GetClient(), ClusterCache: clusterCache, WatchFilterValue: common.WatchFilter}
	if err := r.SetupWithManager(ctx, mgr, manager.Concurrency(p.resourceSetConcurrency), secrets); err != nil {
		return fmt.Errorf("adding %T: %w", r, err)
	}
	return nil
}

// addMigrator covers the kinds whose CRDs the role above may update.
func addMigrator(ctx context.Context, mgr ctrl.Manager, common *manager.Options) error {
	withStatus := crdmigrator.ByObjectConfig{UseStatusForStorageVersionMigration: true}
	config := map[client.Object]crdmigrator.ByObjectConfig{
		&addonsv1.ClusterResourceSetBinding{}: {},
		&addonsv1.ClusterResourceSet{}:        withStatus,
		&clusterv1.Cluster{}:                  withStatus,
		&clusterv1.ClusterClass{}:             withStatus,
		&clusterv1.MachineDeployment{}:        withStatus,
		&clusterv1.MachineDrainRule{}:         {},
		&clusterv1.MachineHealthCheck{}:       withStatus,
		&clusterv1.Machine{}:                  withStatus,
		&clusterv1.MachineSet{}:               withStatus,
		&ipamv1.IPAddress{}:                   {},
		&ipamv1.IPAddressClaim{}:              withStatus,
	}
	if feature.Gates.Enabled(feature.MachinePool) {
		config[&clusterv1.MachinePool{}] = withStatus
	}
	return manager.AddCRDMigrator(ctx, mgr, common, config)
}
