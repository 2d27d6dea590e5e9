// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package docker

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/spf13/pflag"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/terraform-capi/terraform-provider-capi/controllers/manager"
	"github.com/terraform-capi/terraform-provider-capi/internal/container"
)

// What the manager itself needs: authorized metrics, the identity of the management cluster, and the injection of its
// certificate authority into its own webhooks. The rotation of certificates also watches CustomResourceDefinitions that convert; this provider has none.
//
// +kubebuilder:rbac:groups=authentication.k8s.io,resources=tokenreviews,verbs=create
// +kubebuilder:rbac:groups="",resources=namespaces,verbs=get,resourceNames=kube-system
// +kubebuilder:rbac:groups=authorization.k8s.io,resources=subjectaccessreviews,verbs=create
// +kubebuilder:rbac:groups=admissionregistration.k8s.io,resources=mutatingwebhookconfigurations;validatingwebhookconfigurations,verbs=get;list;watch
// +kubebuilder:rbac:groups=admissionregistration.k8s.io,resources=mutatingwebhookconfigurations,verbs=update,resourceNames=capd-mutating-webhook-configuration
// +kubebuilder:rbac:groups=admissionregistration.k8s.io,resources=validatingwebhookconfigurations,verbs=update,resourceNames=capd-validating-webhook-configuration

// Provider runs the Docker infrastructure provider in a manager of its own.
type Provider struct {
	network     string
	concurrency int
}

// New returns the Docker infrastructure provider.
func New() *Provider { return &Provider{} }

// Settings name the manager as upstream's Docker provider does.
func (p *Provider) Settings() manager.Settings {
	return manager.Settings{
		ControllerName:   "cluster-api-docker-controller-manager",
		LeaderElectionID: "controller-leader-election-capd",
		Lease:            manager.LeaseDurations{Lease: 15 * time.Second, Renew: 10 * time.Second, Retry: 2 * time.Second},
		AddToScheme: func(scheme *runtime.Scheme) error {
			builder := runtime.NewSchemeBuilder(clusterv1.AddToScheme, AddToScheme)
			return builder.AddToScheme(scheme)
		},
		CacheOptions:  cacheOptions,
		ClientOptions: clientOptions,
	}
}

func cacheOptions(_ *runtime.Scheme, _, watchNamespace string, syncPeriod time.Duration) cache.Options {
	options := cache.Options{SyncPeriod: &syncPeriod, DefaultTransform: cache.TransformStripManagedFields()}
	if watchNamespace != "" {
		options.DefaultNamespaces = map[string]cache.Config{watchNamespace: {}}
	}
	return options
}

// clientOptions keep what is read rarely, or must not lie in memory, out of the cache.
func clientOptions() client.Options {
	return client.Options{Cache: &client.CacheOptions{DisableFor: []client.Object{&corev1.ConfigMap{}, &corev1.Secret{}}}}
}

// AddFlags adds the flags that only this provider has.
func (p *Provider) AddFlags(fs *pflag.FlagSet, _ *manager.Options) {
	fs.StringVar(&p.network, "network", DefaultNetwork, "Docker network that clusters, and the nodes of the management cluster, join. It is made with a subnet unless it exists.")
	fs.IntVar(&p.concurrency, "concurrency", defaultConcurrency, "Number of objects of each kind to process at the same time.")
}

// AddToManager adds the reconcilers and webhooks, with the Docker engine that the environment names.
func (p *Provider) AddToManager(ctx context.Context, mgr ctrl.Manager, common *manager.Options) error {
	engine, err := container.NewDocker()
	if err != nil {
		return fmt.Errorf("connecting to the Docker engine: %w", err)
	}
	return AddToManager(ctx, mgr, Options{
		Engine:         engine,
		Network:        p.network,
		ManagementNode: os.Getenv("NODE_NAME"),
		WatchFilter:    common.WatchFilter,
		Concurrency:    p.concurrency,
	})
}
