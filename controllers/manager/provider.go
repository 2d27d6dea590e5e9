// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package manager

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/pflag"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Provider is what one Cluster API provider brings to its manager. Everything a manager needs besides
// (logging, health, metrics, leader election, certificates) is the same for all and lives in this package.
type Provider interface {
	// Settings describes the manager that the provider runs in.
	Settings() Settings

	// AddFlags adds the flags that not all providers have.
	AddFlags(fs *pflag.FlagSet, common *Options)

	// AddToManager adds the provider's reconcilers and webhooks. Options carries the flags common to all providers.
	AddToManager(ctx context.Context, mgr ctrl.Manager, options *Options) error
}

// Settings are the constants of a provider's manager. They follow upstream's managers, so that a management cluster
// can move between upstream's controllers and these.
type Settings struct {
	// ControllerName names the manager in user agents and metrics.
	ControllerName string

	// LeaderElectionID is the name of the Lease. It equals upstream's, which keeps an upstream manager and ours from
	// acting at the same time.
	LeaderElectionID string

	// Lease durations are the defaults of the leader election flags.
	Lease LeaseDurations

	// AddToScheme registers the types that the provider's reconcilers and webhooks use.
	AddToScheme func(*runtime.Scheme) error

	// CacheOptions are the provider's own: upstream's caches drop what a provider does not read, and differ between
	// providers by design.
	CacheOptions func(scheme *runtime.Scheme, controllerName, watchNamespace string, syncPeriod time.Duration) cache.Options

	// ClientOptions say what the manager's client reads from the API server instead of the cache.
	ClientOptions func() client.Options
}

// NewScheme has the types of the provider, of Kubernetes itself, and of CustomResourceDefinitions.
func (s Settings) NewScheme() (*runtime.Scheme, error) {
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{clientgoscheme.AddToScheme, apiextensionsv1.AddToScheme, s.AddToScheme} {
		if err := add(scheme); err != nil {
			return nil, fmt.Errorf("registering types: %w", err)
		}
	}
	return scheme, nil
}

// LeaseDurations are the timings of leader election.
type LeaseDurations struct {
	// Lease is how long a candidate waits before it takes over a lease that was not renewed.
	Lease time.Duration
	// Renew is how long the leader tries to renew before it gives up.
	Renew time.Duration
	// Retry is the time between two tries.
	Retry time.Duration
}
