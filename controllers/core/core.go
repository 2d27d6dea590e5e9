// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

// Package core runs upstream's core provider: Clusters, topologies, Machines and everything between them.
package core

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/pflag"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/runtime"
	ctrl "sigs.k8s.io/controller-runtime"

	addonsv1beta1 "sigs.k8s.io/cluster-api/api/addons/v1beta1"
	addonsv1 "sigs.k8s.io/cluster-api/api/addons/v1beta2"
	clusterv1beta1 "sigs.k8s.io/cluster-api/api/core/v1beta1"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
	ipamv1alpha1 "sigs.k8s.io/cluster-api/api/ipam/v1alpha1"
	ipamv1beta1 "sigs.k8s.io/cluster-api/api/ipam/v1beta1"
	ipamv1 "sigs.k8s.io/cluster-api/api/ipam/v1beta2"
	runtimev1alpha1 "sigs.k8s.io/cluster-api/api/runtime/v1alpha1"
	runtimev1 "sigs.k8s.io/cluster-api/api/runtime/v1beta2"
	"sigs.k8s.io/cluster-api/controllers/clustercache"
	"sigs.k8s.io/cluster-api/core/setup"
	"sigs.k8s.io/cluster-api/util/index"

	"github.com/terraform-capi/terraform-provider-capi/controllers/manager"
)

// What the manager itself needs: authorized metrics, the CRD migrator with the objects it migrates, and the injection
// of its certificate authority into its own webhooks.
//
// +kubebuilder:rbac:groups=authentication.k8s.io,resources=tokenreviews,verbs=create
// +kubebuilder:rbac:groups=authorization.k8s.io,resources=subjectaccessreviews,verbs=create
// +kubebuilder:rbac:groups=apiextensions.k8s.io,resources=customresourcedefinitions,verbs=get;list;watch
// +kubebuilder:rbac:groups=apiextensions.k8s.io,resources=customresourcedefinitions;customresourcedefinitions/status,verbs=update;patch,resourceNames=clusterclasses.cluster.x-k8s.io;clusterresourcesetbindings.addons.cluster.x-k8s.io;clusterresourcesets.addons.cluster.x-k8s.io;clusters.cluster.x-k8s.io;extensionconfigs.runtime.cluster.x-k8s.io;ipaddressclaims.ipam.cluster.x-k8s.io;ipaddresses.ipam.cluster.x-k8s.io;machinedeployments.cluster.x-k8s.io;machinedrainrules.cluster.x-k8s.io;machinehealthchecks.cluster.x-k8s.io;machinepools.cluster.x-k8s.io;machines.cluster.x-k8s.io;machinesets.cluster.x-k8s.io
// +kubebuilder:rbac:groups=ipam.cluster.x-k8s.io,resources=ipaddresses;ipaddressclaims,verbs=get;list;watch;patch;update
// +kubebuilder:rbac:groups=ipam.cluster.x-k8s.io,resources=ipaddressclaims/status,verbs=patch;update
// +kubebuilder:rbac:groups=cluster.x-k8s.io,resources=machinedrainrules,verbs=get;list;watch;patch;update
// +kubebuilder:rbac:groups=admissionregistration.k8s.io,resources=mutatingwebhookconfigurations;validatingwebhookconfigurations,verbs=get;list;watch
// +kubebuilder:rbac:groups=admissionregistration.k8s.io,resources=mutatingwebhookconfigurations,verbs=update,resourceNames=capi-mutating-webhook-configuration
// +kubebuilder:rbac:groups=admissionregistration.k8s.io,resources=validatingwebhookconfigurations,verbs=update,resourceNames=capi-validating-webhook-configuration

const controllerName = "cluster-api-controller-manager"

// Provider is the core provider.
type Provider struct{ options }

// New returns the core provider.
func New() *Provider { return &Provider{} }

// Settings are those of upstream's core manager.
func (p *Provider) Settings() manager.Settings {
	return manager.Settings{
		ControllerName:   controllerName,
		LeaderElectionID: "controller-leader-election-capi",
		Lease:            manager.LeaseDurations{Lease: 15 * time.Second, Renew: 10 * time.Second, Retry: 2 * time.Second},
		AddToScheme:      addToScheme,
		CacheOptions:     setup.ManagerCacheOptions,
		ClientOptions:    setup.ManagerClientOptions,
	}
}

func addToScheme(scheme *runtime.Scheme) error {
	builder := runtime.NewSchemeBuilder(
		storagev1.AddToScheme,
		clusterv1beta1.AddToScheme, clusterv1.AddToScheme,
		addonsv1beta1.AddToScheme, addonsv1.AddToScheme,
		runtimev1alpha1.AddToScheme, runtimev1.AddToScheme,
		ipamv1alpha1.AddToScheme, ipamv1beta1.AddToScheme, ipamv1.AddToScheme,
	)
	return builder.AddToScheme(scheme)
}

// AddFlags adds the flags of upstream's core manager that are not common to all providers.
func (p *Provider) AddFlags(fs *pflag.FlagSet, common *manager.Options) {
	common.AddClusterCacheFlags(fs)
	common.AddRemoteConditionsFlag(fs)
	p.addFlags(fs)
}

// AddToManager adds upstream's core reconcilers and webhooks.
func (p *Provider) AddToManager(ctx context.Context, mgr ctrl.Manager, common *manager.Options) error {
	if err := p.validate(common); err != nil {
		return err
	}
	if err := index.AddDefaultIndexes(ctx, mgr); err != nil {
		return fmt.Errorf("adding indexes: %w", err)
	}
	secrets, err := setup.CreateSecretCachingClient(mgr)
	if err != nil {
		return fmt.Errorf("creating the client for cached Secrets: %w", err)
	}
	clusterCache, err := manager.AddClusterCache(ctx, mgr, common, clustercache.Options{
		SecretClient: secrets,
		Cache:        setup.ClusterCacheCacheOptions(),
		Client:       setup.ClusterCacheClientOptions(controllerName, common.ClusterCache.QPS, common.ClusterCache.Burst),
	})
	if err != nil {
		return err
	}
	if err := addMigrator(ctx, mgr, common); err != nil {
		return err
	}
	if err := p.addReconcilers(ctx, mgr, common, clusterCache); err != nil {
		return err
	}
	return addWebhooks(mgr, clusterCache)
}
