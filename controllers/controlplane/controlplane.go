// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

// Package controlplane runs upstream's kubeadm control plane provider, which keeps control plane Machines, etcd's
// membership and the cluster's own add-ons in step with a KubeadmControlPlane.
package controlplane

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/pflag"
	"go.etcd.io/etcd/client/pkg/v3/logutil"
	"go.uber.org/zap/zapcore"
	"k8s.io/apimachinery/pkg/runtime"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"

	bootstrapv1 "sigs.k8s.io/cluster-api/api/bootstrap/kubeadm/v1beta2"
	controlplanev1beta1 "sigs.k8s.io/cluster-api/api/controlplane/kubeadm/v1beta1"
	controlplanev1 "sigs.k8s.io/cluster-api/api/controlplane/kubeadm/v1beta2"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
	runtimev1 "sigs.k8s.io/cluster-api/api/runtime/v1beta2"
	"sigs.k8s.io/cluster-api/controllers/clustercache"
	"sigs.k8s.io/cluster-api/controllers/crdmigrator"
	"sigs.k8s.io/cluster-api/controlplane/kubeadm/pkg/etcd"
	"sigs.k8s.io/cluster-api/controlplane/kubeadm/reconcilers/kubeadmcontrolplane"
	"sigs.k8s.io/cluster-api/controlplane/kubeadm/setup"
	"sigs.k8s.io/cluster-api/controlplane/kubeadm/webhooks/admission"
	"sigs.k8s.io/cluster-api/controlplane/kubeadm/webhooks/conversion"

	"github.com/terraform-capi/terraform-provider-capi/controllers/manager"
)

// What the manager itself needs: authorized metrics, the CRD migrator, and the injection of its certificate authority
// into its own webhooks.
//
// +kubebuilder:rbac:groups=authentication.k8s.io,resources=tokenreviews,verbs=create
// +kubebuilder:rbac:groups=authorization.k8s.io,resources=subjectaccessreviews,verbs=create
// +kubebuilder:rbac:groups=apiextensions.k8s.io,resources=customresourcedefinitions,verbs=get;list;watch
// +kubebuilder:rbac:groups=apiextensions.k8s.io,resources=customresourcedefinitions;customresourcedefinitions/status,verbs=update;patch,resourceNames=kubeadmcontrolplanes.controlplane.cluster.x-k8s.io;kubeadmcontrolplanetemplates.controlplane.cluster.x-k8s.io
// +kubebuilder:rbac:groups=admissionregistration.k8s.io,resources=mutatingwebhookconfigurations;validatingwebhookconfigurations,verbs=get;list;watch
// +kubebuilder:rbac:groups=admissionregistration.k8s.io,resources=mutatingwebhookconfigurations,verbs=update,resourceNames=capi-kubeadm-control-plane-mutating-webhook-configuration
// +kubebuilder:rbac:groups=admissionregistration.k8s.io,resources=validatingwebhookconfigurations,verbs=update,resourceNames=capi-kubeadm-control-plane-validating-webhook-configuration

const (
	controllerName = "cluster-api-kubeadm-control-plane-manager"

	// reconciliationTimeout is upstream's: a reconcile talks to every etcd member, and the dial timeouts of those that
	// do not answer add up.
	reconciliationTimeout = 3 * time.Minute
)

// Provider is the kubeadm control plane provider.
type Provider struct {
	concurrency     int
	etcdDialTimeout time.Duration
	etcdCallTimeout time.Duration
	etcdLogLevel    string
}

// New returns the kubeadm control plane provider.
func New() *Provider { return &Provider{} }

// Settings are those of upstream's kubeadm control plane manager.
func (p *Provider) Settings() manager.Settings {
	return manager.Settings{
		ControllerName:   controllerName,
		LeaderElectionID: "kubeadm-control-plane-manager-leader-election-capi",
		Lease:            manager.LeaseDurations{Lease: time.Minute, Renew: 40 * time.Second, Retry: 5 * time.Second},
		AddToScheme:      addToScheme,
		CacheOptions:     setup.ManagerCacheOptions,
		ClientOptions:    setup.ManagerClientOptions,
	}
}

func addToScheme(scheme *runtime.Scheme) error {
	builder := runtime.NewSchemeBuilder(
		clusterv1.AddToScheme, bootstrapv1.AddToScheme, runtimev1.AddToScheme,
		controlplanev1beta1.AddToScheme, controlplanev1.AddToScheme,
	)
	return builder.AddToScheme(scheme)
}

// AddFlags adds the flags of upstream's kubeadm control plane manager that are not common to all providers.
func (p *Provider) AddFlags(fs *pflag.FlagSet, common *manager.Options) {
	common.AddClusterCacheFlags(fs)
	common.AddRemoteConditionsFlag(fs)
	fs.IntVar(&p.concurrency, "kubeadmcontrolplane-concurrency", 100, "Number of KubeadmControlPlanes to process at the same time.")
	fs.DurationVar(&p.etcdDialTimeout, "etcd-dial-timeout-duration", 10*time.Second, "How long to wait for a connection to etcd.")
	fs.DurationVar(&p.etcdCallTimeout, "etcd-call-timeout-duration", etcd.DefaultCallTimeout, "How long to wait for an answer of etcd.")
	fs.StringVar(&p.etcdLogLevel, "etcd-client-log-level", zapcore.InfoLevel.String(), "Log level of the etcd client: debug, info, warn, error.")
}

// AddToManager adds upstream's kubeadm control plane reconciler and webhooks.
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
		&controlplanev1.KubeadmControlPlane{}:         {UseStatusForStorageVersionMigration: true},
		&controlplanev1.KubeadmControlPlaneTemplate{}: {},
	}); err != nil {
		return err
	}
	if err := p.addReconciler(ctx, mgr, common, secrets, clusterCache); err != nil {
		return err
	}
	conversion.SetAPIVersionGetter(manager.APIVersionGetter(mgr.GetClient()))
	return manager.AddWebhooks(mgr,
		&admission.KubeadmControlPlane{},
		&admission.ScaleValidator{Client: mgr.GetClient()},
		&admission.KubeadmControlPlaneTemplate{},
	)
}

func (p *Provider) addReconciler(ctx context.Context, mgr ctrl.Manager, common *manager.Options, secrets client.Client, clusterCache clustercache.ClusterCache) error {
	level, err := zapcore.ParseLevel(p.etcdLogLevel)
	if err != nil {
		return fmt.Errorf("--etcd-client-log-level: %w", err)
	}
	etcdLogger, err := logutil.CreateDefaultZapLogger(level)
	if err != nil {
		return fmt.Errorf("creating the log of the etcd client: %w", err)
	}
	r := &kubeadmcontrolplane.Reconciler{
		Client:                      mgr.GetClient(),
		APIReader:                   mgr.GetAPIReader(),
		SecretCachingClient:         secrets,
		ClusterCache:                componentsCache{clusterCache},
		WatchFilterValue:            common.WatchFilter,
		EtcdDialTimeout:             p.etcdDialTimeout,
		EtcdCallTimeout:             p.etcdCallTimeout,
		EtcdLogger:                  etcdLogger,
		RemoteConditionsGracePeriod: common.RemoteConditionGrace,
	}
	if err := r.SetupWithManager(ctx, mgr, controller.Options{
		MaxConcurrentReconciles: p.concurrency,
		ReconciliationTimeout:   reconciliationTimeout,
	}); err != nil {
		return fmt.Errorf("adding %T: %w", r, err)
	}
	return nil
}
