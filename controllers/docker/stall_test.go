// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package docker

import (
	"math/rand/v2"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
	"sigs.k8s.io/cluster-api/util/conditions"

	infrav1 "github.com/terraform-capi/terraform-provider-capi/controllers/docker/api/v1beta2"
	"github.com/terraform-capi/terraform-provider-capi/controllers/docker/network"
	"github.com/terraform-capi/terraform-provider-capi/internal/container"
)

// An engine that stalls while machines are made makes every object say so, and none of them waits for the others to find
// out. When it answers again, everything finishes.
func TestStalledEngine(t *testing.T) {
	w := newWorld(t, rand.New(rand.NewPCG(1, 1))) //nolint:gosec // The same numbers for the same seed.
	engine := container.Bound(w.engine, container.Limits{
		Question: time.Minute, Change: time.Minute, Patience: 50 * time.Millisecond, Ping: time.Second, Retry: 5 * time.Second,
	})
	clustersNetwork := &network.Network{Engine: engine, Name: "clusters"}
	for _, r := range w.clusters {
		r.Engine, r.Network = engine, clustersNetwork
	}
	for _, r := range w.infras {
		r.Engine, r.Network = engine, clustersNetwork
	}
	for range 10 {
		w.reconcileSome()
	}
	w.Expect(w.containers()).NotTo(BeEmpty())

	w.engine.Stall()
	before := len(w.engine.Calls())
	for _, object := range w.infrastructure() {
		request := ctrl.Request{NamespacedName: client.ObjectKeyFromObject(object)}
		for _, r := range w.clusters {
			_, _ = r.Reconcile(t.Context(), request)
		}
		for _, r := range w.infras {
			_, _ = r.Reconcile(t.Context(), request)
		}
	}
	expectUnavailable := func(object conditions.Getter) {
		w.Expect(conditions.Get(object, clusterv1.ReadyCondition)).To(HaveValue(And(
			HaveField("Status", metav1.ConditionUnknown),
			HaveField("Reason", infrav1.ContainerEngineUnavailableReason),
			HaveField("Message", ContainSubstring("it has answered neither")),
		)))
	}
	for _, namespace := range w.namespaces {
		expectUnavailable(w.infraCluster(namespace))
		for _, m := range w.machines(namespace) {
			expectUnavailable(w.infraMachine(m))
		}
	}
	// A job in the background may have been at a call, too.
	calls := w.engine.Calls()[before:]
	w.Expect(calls).To(ContainElement("Ping"), "the question whether the engine still answers")
	w.Expect(len(calls)).To(BeNumerically("<", len(w.infrastructure())), "each object waited for the engine: %s", calls)

	w.engine.Resume()
	w.Eventually(func() error { return engine.Ping(t.Context()) }).WithTimeout(time.Minute).Should(Succeed())
	w.recover()
	w.expectOrder()
}
