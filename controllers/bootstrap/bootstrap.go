// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

// Package bootstrap runs upstream's kubeadm bootstrap provider, which turns KubeadmConfigs into the data that a machine
// boots with.
package bootstrap

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/pflag"
	"k8s.io/apimachinery/pkg/runtime"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	bootstrapv1beta1 "sigs.k8s.io/cluster-api/api/bootstrap/kubeadm/v1beta1"
	bootstrapv1 "sigs.k8s.io/cluster-api/api/bootstrap/kubeadm/v1beta2"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
	"sigs.k8s.io/cluster-api/bootstrap/kubeadm/reconcilers/kubeadmconfig"
	"sigs.k8s.io/cluster-api/bootstrap/kubeadm/setup"
	"sigs.k8s.io/cluster-api/bootstrap/kubeadm/webhooks/admission"
	"sigs.k8s.io/cluster-api/controllers/clustercache"
	"sigs.k8s.io/cluster-api/controllers/crdmigrator"

	"github.com/terraform-capi/terraform-provider-capi/controllers/manager"
)

// What the manager itself needs: authorized metrics, the CRD migrator with the objects it migrates, and the injection
// of its certificate authority into its own webhooks.
//
// +kubebuilder:rbac:groups=authentication.k8s.io,resources=tokenreviews,verbs=create
// +kubebuilder:rbac:groups=authorization.k8s.io,resources=subjectaccessreviews,verbs=create
// +kubebuilder:rbac:groups=apiextensions.k8s.io,resources=customresourcedefinitions,verbs=get;list;watch
// +kubebuilder:rbac:groups=apiextensions.k8s.io,resources=customresourcedefinitions;customresourcedefinitions/status,verbs=update;patch,resourceNames=kubeadmconfigs.bootstrap.cluster.x-k8s.io;kubeadmconfigtemplates.bootstrap.cluster.x-k8s.io
// +kubebuilder:rbac:groups=bootstrap.cluster.x-k8s.io,resources=kubeadmconfigtemplates,verbs=get;list;watch;patch;update
// +kubebuilder:rbac:groups=admissionregistration.k8s.io,resources=mutatingwebhookconfigurations;validatingwebhookconfigurations,verbs=get;list;watch
// +kubebuilder:rbac:groups=admissionregistration.k8s.io,resources=mutatingwebhookconfigurations,verbs=update,resourceNames=capi-kubeadm-bootstrap-mutating-webhook-configuration
// +kubebuilder:rbac:groups=admissionregistration.k8s.io,resources=validatingwebhookconfigurations,verbs=update,resourceNames=capi-kubeadm-bootstrap-validating-webhook-configuration

const controllerName = "cluster-api-kubeadm-bootstrap-manager"

// Provider is the kubeadm bootstrap provider.
type Provider struct {
	concurrency int
	tokenTTL    time.Duration
}

// New returns the kubeadm bootstrap provider.
func New() *Provider { return &Provider{} }

// Settings are those of upstream's kubeadm bootstrap manager.
func (p *Provider) Settings() manager.Settings {
	return manager.Settings{
		ControllerName:   controllerName,
		LeaderElectionID: "kubeadm-bootstrap-manager-leader-election-capi",
		Lease:            manager.LeaseDurations{Lease: 15 * time.Second, Renew: 10 * time.Second, Retry: 2 * time.Second},
		AddToScheme:      addToScheme,
		CacheOptions:     setup.ManagerCacheOptions,
		ClientOptions:    setup.ManagerClientOptions,
	}
}

func addToScheme(scheme *runtime.Scheme) error {
	builder := runtime.NewSchemeBuilder(clusterv1.AddToScheme, bootstrapv1beta1.AddToScheme, bootstrapv1.AddToScheme)
	return builder.AddToScheme(scheme)
}

// AddFlags adds the flags of upstream's kubeadm bootstrap manager that are not common to all providers.
func (p *Provider) AddFlags(fs *pflag.FlagSet, common *manager.Options) {
	common.AddClusterCacheFlags(fs)
	fs.IntVar(&p.concurrency, "kubeadmconfig-concurrency", 100, "Number of KubeadmConfigs to process at the same time.")
	fs.DurationVar(&p.tokenTTL, "bootstrap-token-ttl", kubeadmconfig.DefaultTokenTTL, "How long a bootstrap token is valid.")
}

// AddToManager adds upstream's kubeadm bootstrap reconciler and webhooks.
func (p *Provider) AddToManager(ctx context.Context, mgr ctrl.Manager, common *manager.Options) error {
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
	if err := manager.AddCRDMigrator(ctx, mgr, common, map[client.Object]crdmigrator.ByObjectConfig{
		&bootstrapv1.KubeadmConfig{}:         {UseStatusForStorageVersionMigration: true},
		&bootstrapv1.KubeadmConfigTemplate{}: {},
	}); err != nil {
		return err
	}
	r := &kubeadmconfig.Reconciler{
		Client:              mgr.GetClient(),
		SecretCachingClient: secrets,
		APIReader:           mgr.GetAPIReader(),
		ClusterCache:        clusterCache,
		WatchFilterValue:    common.WatchFilter,
		TokenTTL:            p.tokenTTL,
	}
	if err := r.SetupWithManager(ctx, mgr, manager.Concurrency(p.concurrency)); err != nil {
		return fmt.Errorf("adding %T: %w", r, err)
	}
	return manager.AddWebhooks(mgr, &admission.KubeadmConfig{}, &admission.KubeadmConfigTemplate{})
}
