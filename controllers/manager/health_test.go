// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package manager

import (
	"net/http"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/cache/informertest"
	"sigs.k8s.io/controller-runtime/pkg/metrics"
)

func probeRequest(t *testing.T) *http.Request {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "/healthz", http.NoBody)
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	return request
}

// A reconcile that never ends makes the manager unhealthy until it does end.
func TestReconcilesEnd(t *testing.T) {
	g := NewWithT(t)
	queue := workqueue.NewTypedRateLimitingQueueWithConfig(workqueue.DefaultTypedControllerRateLimiter[string](),
		workqueue.TypedRateLimitingQueueConfig[string]{Name: "stuck"})
	t.Cleanup(queue.ShutDown)
	queue.Add("object")
	object, _ := queue.Get()
	check := func() error { return reconcilesEnd(metrics.Registry, time.Second)(probeRequest(t)) }
	g.Eventually(check).WithTimeout(time.Minute).Should(MatchError(ContainSubstring("stuck")))
	g.Expect(reconcilesEnd(metrics.Registry, stuckAfter)(probeRequest(t))).To(Succeed())
	queue.Done(object)
	g.Eventually(check).WithTimeout(time.Minute).Should(Succeed())
}

// Caches that are not filled in time make the manager unhealthy. What becomes of them once they were is no concern.
func TestCachesFilled(t *testing.T) {
	g := NewWithT(t)
	synced := false
	informers := &informertest.FakeInformers{Synced: &synced}
	g.Expect(cachesFilled(informers, time.Hour)(probeRequest(t))).To(Succeed(), "they have time")
	check := cachesFilled(informers, 0)
	g.Expect(check(probeRequest(t))).To(MatchError(ContainSubstring("have not been filled")))
	synced = true
	g.Expect(check(probeRequest(t))).To(Succeed())
	synced = false
	g.Expect(check(probeRequest(t))).To(Succeed())
}
