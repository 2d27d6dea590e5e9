// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

// Package manager runs one Cluster API provider in a controller manager: flags, logging, health, metrics, leader
// election and webhook certificates, the same for every provider.
package manager

import (
	"context"
	"errors"
	"fmt"
	"os"
	goruntime "runtime"
	"time"

	"github.com/spf13/pflag"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
	cliflag "k8s.io/component-base/cli/flag"
	logsv1 "k8s.io/component-base/logs/api/v1"
	"k8s.io/klog/v2"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/config"
	"sigs.k8s.io/controller-runtime/pkg/webhook"

	"sigs.k8s.io/cluster-api/controllers/remote"
	"sigs.k8s.io/cluster-api/feature"
	"sigs.k8s.io/cluster-api/util/apiwarnings"
	"sigs.k8s.io/cluster-api/util/flags"
)

// Run parses args, starts a manager for the provider called name and returns when ctx ends.
func Run(ctx context.Context, name string, provider Provider, args []string) error {
	settings := provider.Settings()
	options, err := parse(name, provider, settings, args)
	if err != nil {
		return err
	}
	if err := logsv1.ValidateAndApply(options.logging, nil); err != nil {
		return fmt.Errorf("setting up logging: %w", err)
	}
	ctrl.SetLogger(klog.Background())

	mgr, err := options.newManager(ctx, name, settings)
	if err != nil {
		return err
	}
	if err := addHealthChecks(mgr); err != nil {
		return fmt.Errorf("adding health checks: %w", err)
	}
	if err := provider.AddToManager(ctx, mgr, options); err != nil {
		return err
	}
	klog.InfoS("Starting manager", "provider", name)
	return mgr.Start(ctx)
}

func parse(name string, provider Provider, settings Settings, args []string) (*Options, error) {
	// Clusters in Terraform are topologies. Upstream has the gate off until it is told otherwise.
	if err := feature.MutableGates.Set(string(feature.ClusterTopology) + "=true"); err != nil {
		return nil, fmt.Errorf("enabling %s: %w", feature.ClusterTopology, err)
	}
	fs, options := newFlags(name, provider, settings)
	if err := fs.Set("v", "2"); err != nil {
		return nil, fmt.Errorf("setting the log level: %w", err)
	}
	if err := fs.Parse(args); err != nil {
		return nil, err
	}
	return options, options.validate()
}

func newFlags(name string, provider Provider, settings Settings) (*pflag.FlagSet, *Options) {
	fs := pflag.NewFlagSet(name, pflag.ContinueOnError)
	fs.SetNormalizeFunc(cliflag.WordSepNormalizeFunc)
	options := &Options{}
	options.AddFlags(fs, settings)
	provider.AddFlags(fs, options)
	return fs, options
}

// Check says why a provider's manager would not start with these flags. Feature gates must not be among them: they are
// global, and would be set in this process.
func Check(name string, provider Provider, args []string) error {
	fs, options := newFlags(name, provider, provider.Settings())
	if err := fs.Parse(args); err != nil {
		return err
	}
	if err := logsv1.Validate(options.logging, nil, nil).ToAggregate(); err != nil {
		return err
	}
	if _, _, err := flags.GetManagerOptions(options.manager); err != nil {
		return err
	}
	return options.validate()
}

func (o *Options) newManager(ctx context.Context, name string, settings Settings) (ctrl.Manager, error) {
	restConfig, err := ctrl.GetConfig()
	if err != nil {
		return nil, fmt.Errorf("finding the management cluster: %w", err)
	}
	o.tune(restConfig, settings)
	scheme, err := settings.NewScheme()
	if err != nil {
		return nil, err
	}
	certs, err := o.certificates(name)
	if err != nil {
		return nil, err
	}
	apiClient, err := client.New(restConfig, client.Options{Scheme: scheme})
	if err != nil {
		return nil, fmt.Errorf("connecting to the management cluster: %w", err)
	}
	if err := certs.ensure(ctx, apiClient); err != nil {
		return nil, err
	}
	ctrlOptions, err := o.managerOptions(scheme, settings)
	if err != nil {
		return nil, err
	}
	if ctrlOptions.LeaderElectionResourceLockInterface, err = newPodLock(restConfig, settings.LeaderElectionID, o.Lease.Retry); err != nil {
		return nil, err
	}
	mgr, err := ctrl.NewManager(restConfig, *ctrlOptions)
	if err != nil {
		return nil, fmt.Errorf("creating the manager: %w", err)
	}
	return mgr, certs.addToManager(ctx, mgr)
}

func (o *Options) tune(restConfig *rest.Config, settings Settings) {
	restConfig.QPS = o.KubeAPIQPS
	restConfig.Burst = o.KubeAPIBurst
	restConfig.UserAgent = remote.DefaultClusterAPIUserAgent(settings.ControllerName)
	restConfig.WarningHandler = apiwarnings.DefaultHandler(klog.Background().WithName("API Server Warning"))
	if o.ContentionProfiling {
		goruntime.SetBlockProfileRate(1)
	}
}

func (o *Options) managerOptions(scheme *runtime.Scheme, settings Settings) (*ctrl.Options, error) {
	tlsOptions, metricsOptions, err := flags.GetManagerOptions(o.manager)
	if err != nil {
		return nil, fmt.Errorf("reading flags: %w", err)
	}
	priorityQueue := feature.Gates.Enabled(feature.PriorityQueue)
	return &ctrl.Options{
		Scheme: scheme,
		Controller: config.Controller{
			UsePriorityQueue: &priorityQueue,
			CacheSyncTimeout: 5 * time.Minute, // many objects take longer than the default of 2m to list
		},
		LeaderElection:             o.LeaderElection,
		LeaderElectionID:           settings.LeaderElectionID,
		LeaseDuration:              &o.Lease.Lease,
		RenewDeadline:              &o.Lease.Renew,
		RetryPeriod:                &o.Lease.Retry,
		LeaderElectionResourceLock: resourcelock.LeasesResourceLock,
		// The process ends as soon as the manager stops, so nothing acts after the lease is given away, and the next
		// pod need not wait for it to run out.
		LeaderElectionReleaseOnCancel: true,
		HealthProbeBindAddress:        o.HealthAddress,
		PprofBindAddress:              o.ProfilerAddress,
		Metrics:                       *metricsOptions,
		Cache:                         settings.CacheOptions(scheme, settings.ControllerName, o.WatchNamespace, o.SyncPeriod),
		Client:                        settings.ClientOptions(),
		WebhookServer: webhook.NewServer(webhook.Options{
			Port:    o.WebhookPort,
			CertDir: o.WebhookCertDir,
			TLSOpts: tlsOptions,
		}),
	}, nil
}

func (o *Options) certificates(name string) (*certificates, error) {
	namespace := os.Getenv("POD_NAMESPACE")
	if namespace == "" || o.WebhookSecret == "" || o.WebhookService == "" {
		return nil, errors.New("the environment variable POD_NAMESPACE and the flags --webhook-secret and --webhook-service must be set: " +
			"the manager issues the certificate of its own webhook Service")
	}
	webhooks, err := webhooks(name)
	if err != nil {
		return nil, err
	}
	return &certificates{
		secret:   types.NamespacedName{Namespace: namespace, Name: o.WebhookSecret},
		service:  o.WebhookService,
		dir:      o.WebhookCertDir,
		webhooks: webhooks,
	}, nil
}
