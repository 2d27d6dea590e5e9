// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package manager

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"
	"time"

	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/healthz"
	"sigs.k8s.io/controller-runtime/pkg/metrics"
)

const (
	// stuckAfter is how long a reconcile may run until it counts as stuck. Reconciles with deadlines of their own end within
	// three minutes; upstream's have none, and the longest of them, migrations of stored objects, take a few minutes.
	stuckAfter = 15 * time.Minute
	// fillTimeout is how long the caches may take to be filled first, as CacheSyncTimeout is for those of a controller.
	fillTimeout = 5 * time.Minute
	// cachePatience is how long a probe waits for the caches.
	cachePatience = time.Second

	// longestReconcile is controller-runtime's metric of how long the oldest item of a queue has been worked at.
	longestReconcile = metrics.WorkQueueSubsystem + "_" + metrics.LongestRunningProcessorKey
)

// addHealthChecks has kubelet restart a manager that a new process helps: one whose webhook server is down, whose
// caches are never filled, or that has a reconcile which never ends, as in a deadlock. What a new process meets again is no
// reason: a container engine that does not answer fails the reconciles, which say so in conditions, and must not take the
// webhooks away with the process. Nor is there a check of the API server: a leader that cannot renew its lease ends by
// itself, and client-go notices connections that are dead.
func addHealthChecks(mgr ctrl.Manager) error {
	started := mgr.GetWebhookServer().StartedChecker()
	return errors.Join(
		mgr.AddReadyzCheck("webhook", started),
		mgr.AddHealthzCheck("webhook", started),
		mgr.AddHealthzCheck("caches", cachesFilled(mgr.GetCache(), fillTimeout)),
		mgr.AddHealthzCheck("reconciles", reconcilesEnd(metrics.Registry, stuckAfter)),
	)
}

// cachesFilled fails if the caches have not been filled once within the time. Later informers have controllers that wait
// for them.
func cachesFilled(informers cache.Informers, within time.Duration) healthz.Checker {
	began := time.Now()
	var filled atomic.Bool
	return func(r *http.Request) error {
		if filled.Load() || time.Since(began) < within {
			return nil
		}
		ctx, cancel := context.WithTimeout(r.Context(), cachePatience)
		defer cancel()
		if !informers.WaitForCacheSync(ctx) {
			return fmt.Errorf("the caches have not been filled within %s", within)
		}
		filled.Store(true)
		return nil
	}
}

// reconcilesEnd fails if a reconcile runs for longer than the limit.
func reconcilesEnd(registry metrics.RegistererGatherer, limit time.Duration) healthz.Checker {
	return func(*http.Request) error {
		families, err := registry.Gather()
		if err != nil {
			return fmt.Errorf("reading the metrics of reconciles: %w", err)
		}
		for _, family := range families {
			if family.GetName() != longestReconcile {
				continue
			}
			for _, metric := range family.GetMetric() {
				running := time.Duration(metric.GetGauge().GetValue() * float64(time.Second)).Round(time.Second)
				if running <= limit {
					continue
				}
				for _, label := range metric.GetLabel() {
					if label.GetName() == "controller" {
						return fmt.Errorf("a reconcile of controller %s has been running for %s", label.GetValue(), running)
					}
				}
			}
		}
		return nil
	}
}
