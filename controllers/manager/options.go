// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package manager

import (
	"fmt"
	"time"

	"github.com/spf13/pflag"
	"k8s.io/component-base/logs"
	logsv1 "k8s.io/component-base/logs/api/v1"
	_ "k8s.io/component-base/logs/json/register" // --logging-format=json
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
	"sigs.k8s.io/cluster-api/controllers/crdmigrator"
	"sigs.k8s.io/cluster-api/feature"
	"sigs.k8s.io/cluster-api/util/flags"
	"sigs.k8s.io/controller-runtime/pkg/controller"
)

// Options are the flags that every provider's manager has. Names and defaults are upstream's, so that arguments
// written for an upstream manager keep their meaning.
type Options struct {
	LeaderElection       bool
	Lease                LeaseDurations
	WatchNamespace       string
	WatchFilter          string
	ProfilerAddress      string
	ContentionProfiling  bool
	SyncPeriod           time.Duration
	KubeAPIQPS           float32
	KubeAPIBurst         int
	WebhookPort          int
	WebhookCertDir       string
	WebhookSecret        string
	WebhookService       string
	HealthAddress        string
	SkipMigrationPhases  []string
	ClusterCache         ClusterCacheOptions
	RemoteConditionGrace time.Duration

	manager flags.ManagerOptions
	logging *logs.Options
}

// ClusterCacheOptions are the flags of the connections to workload clusters.
type ClusterCacheOptions struct {
	QPS           float32
	Burst         int
	Concurrency   int
	RetryInterval time.Duration
}

// AddFlags adds the common flags to fs, with the defaults that settings ask for.
func (o *Options) AddFlags(fs *pflag.FlagSet, settings Settings) {
	o.logging = logs.NewOptions()
	logsv1.AddFlags(o.logging, fs)

	fs.BoolVar(&o.LeaderElection, "leader-elect", false,
		"Make sure that only one replica of this manager is active.")
	fs.DurationVar(&o.Lease.Lease, "leader-elect-lease-duration", settings.Lease.Lease,
		"How long a candidate waits before it takes over a lease that was not renewed.")
	fs.DurationVar(&o.Lease.Renew, "leader-elect-renew-deadline", settings.Lease.Renew,
		"How long the leader tries to renew its lease before it gives up.")
	fs.DurationVar(&o.Lease.Retry, "leader-elect-retry-period", settings.Lease.Retry,
		"How long to wait between two tries to get or renew the lease.")
	fs.StringVar(&o.WatchNamespace, "namespace", "",
		"The only namespace to watch; all namespaces if empty.")
	fs.StringVar(&o.WatchFilter, "watch-filter", "",
		fmt.Sprintf("Watch only objects whose label %s has this value; all objects if empty.", clusterv1.WatchLabel))
	fs.StringVar(&o.ProfilerAddress, "profiler-address", "",
		"Address that serves pprof (for example localhost:6060); off if empty.")
	fs.BoolVar(&o.ContentionProfiling, "contention-profiling", false, "Profile blocking.")
	fs.DurationVar(&o.SyncPeriod, "sync-period", 10*time.Minute,
		"How often every watched object is reconciled even if nothing changed.")
	fs.Float32Var(&o.KubeAPIQPS, "kube-api-qps", 100, "Requests per second to the management cluster's API server.")
	fs.IntVar(&o.KubeAPIBurst, "kube-api-burst", 200, "Requests to the management cluster's API server in one burst.")
	fs.IntVar(&o.WebhookPort, "webhook-port", 9443, "Port of the webhook server.")
	fs.StringVar(&o.WebhookCertDir, "webhook-cert-dir", "/tmp/k8s-webhook-server/serving-certs/",
		"Folder the webhook server's certificate is kept in; it must be writable.")
	fs.StringVar(&o.WebhookSecret, "webhook-secret", "",
		"Name of the Secret, in the manager's own namespace, that holds the webhook certificates.")
	fs.StringVar(&o.WebhookService, "webhook-service", "",
		"Name of the Service, in the manager's own namespace, that the webhooks are called by.")
	fs.StringVar(&o.HealthAddress, "health-addr", ":9440", "Address of the health endpoints.")
	fs.StringSliceVar(&o.SkipMigrationPhases, "skip-crd-migration-phases", nil,
		"CRD migration phases to skip: StorageVersionMigration, CleanupManagedFields.")
	flags.AddManagerOptions(fs, &o.manager)
	feature.MutableGates.AddFlag(fs)
}

// AddClusterCacheFlags adds the flags of providers that connect to workload clusters.
func (o *Options) AddClusterCacheFlags(fs *pflag.FlagSet) {
	fs.Float32Var(&o.ClusterCache.QPS, "clustercache-client-qps", 20,
		"Requests per second to a workload cluster's API server.")
	fs.IntVar(&o.ClusterCache.Burst, "clustercache-client-burst", 30,
		"Requests to a workload cluster's API server in one burst.")
	fs.IntVar(&o.ClusterCache.Concurrency, "clustercache-concurrency", 100,
		"Number of workload clusters to connect to at the same time.")
	fs.DurationVar(&o.ClusterCache.RetryInterval, "clustercache-retry-interval", 2*time.Second,
		"How long to wait after a failed connection to a workload cluster. Upstream waits 30s, which is the longest "+
			"wait of all between an API server's first answer and a usable cluster.")
}

// AddRemoteConditionsFlag adds the flag of providers that report conditions read from workload clusters.
func (o *Options) AddRemoteConditionsFlag(fs *pflag.FlagSet) {
	fs.DurationVar(&o.RemoteConditionGrace, "remote-conditions-grace-period", 5*time.Minute,
		"How long after the last answer of a workload cluster its conditions become Unknown; at least 2m.")
}

// Concurrency are controller options with n workers.
func Concurrency(n int) controller.Options {
	return controller.Options{MaxConcurrentReconciles: n}
}

// migrationPhases is SkipMigrationPhases in the type that the CRD migrator takes.
func (o *Options) migrationPhases() []crdmigrator.Phase {
	phases := make([]crdmigrator.Phase, 0, len(o.SkipMigrationPhases))
	for _, phase := range o.SkipMigrationPhases {
		phases = append(phases, crdmigrator.Phase(phase))
	}
	return phases
}

// validate checks what the flags cannot express. The 2m are the ClusterCache's: it drops a dead connection after
// about 75 seconds, and a shorter grace period would report Unknown for connections that are only slow.
func (o *Options) validate() error {
	if o.RemoteConditionGrace != 0 && o.RemoteConditionGrace < 2*time.Minute {
		return fmt.Errorf("--remote-conditions-grace-period must be at least 2m, not %s", o.RemoteConditionGrace)
	}
	return nil
}
