// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package manager

import (
	"context"
	"fmt"
	"time"

	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"sigs.k8s.io/cluster-api/controllers/clustercache"
	"sigs.k8s.io/cluster-api/controllers/crdmigrator"
)

// Webhook is an admission webhook of upstream's.
type Webhook interface {
	SetupWebhookWithManager(mgr ctrl.Manager) error
}

// AddWebhooks adds webhooks to the manager's server. Types with several versions bring their conversion with them.
func AddWebhooks(mgr ctrl.Manager, webhooks ...Webhook) error {
	for _, webhook := range webhooks {
		if err := webhook.SetupWebhookWithManager(mgr); err != nil {
			return fmt.Errorf("adding webhook %T: %w", webhook, err)
		}
	}
	return nil
}

// AddClusterCache adds the connections to workload clusters.
func AddClusterCache(ctx context.Context, mgr ctrl.Manager, options *Options, cacheOptions clustercache.Options) (clustercache.ClusterCache, error) {
	cacheOptions.WatchFilterValue = options.WatchFilter
	clusterCache, err := clustercache.SetupWithManager(ctx, mgr, cacheOptions, Concurrency(options.ClusterCache.Concurrency))
	if err != nil {
		return nil, fmt.Errorf("adding the cluster cache: %w", err)
	}
	// The interval has no option upstream. Its type has this method, and a version without it is no reason to fail:
	// clusters then take longer, that is all.
	if c, ok := clusterCache.(interface{ SetConnectionCreationRetryInterval(time.Duration) }); ok {
		c.SetConnectionCreationRetryInterval(options.ClusterCache.RetryInterval)
	}
	return clusterCache, nil
}

// AddCRDMigrator adds the migration of stored objects to the storage version of their CRD. It has a single worker, as
// upstream's, so that a migration does not crowd out everything else.
func AddCRDMigrator(ctx context.Context, mgr ctrl.Manager, options *Options, config map[client.Object]crdmigrator.ByObjectConfig) error {
	migrator := &crdmigrator.CRDMigrator{
		Client:                 mgr.GetClient(),
		APIReader:              mgr.GetAPIReader(),
		SkipCRDMigrationPhases: options.migrationPhases(),
		Config:                 config,
	}
	if err := migrator.SetupWithManager(ctx, mgr, Concurrency(1)); err != nil {
		return fmt.Errorf("adding the CRD migrator: %w", err)
	}
	return nil
}
