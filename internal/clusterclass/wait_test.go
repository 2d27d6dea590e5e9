// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package clusterclass

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	"github.com/terraform-capi/terraform-provider-capi/internal/management"
	"github.com/terraform-capi/terraform-provider-capi/internal/waiter"
)

// A class that clusters go on using is refused soon; one whose clusters are being
// deleted, or will be in a moment, waits for them.
func TestWaitUnused(t *testing.T) {
	key := client.ObjectKey{Namespace: "default", Name: "used"}
	setUp := func() (*management.Cluster, *clusterv1.Cluster) {
		cluster := &clusterv1.Cluster{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "one", Finalizers: []string{"example.com/test"}}}
		cluster.Spec.Topology.ClassRef.Name = key.Name
		cluster.Spec.Topology.Version = "v1.35.0"
		return &management.Cluster{Client: fake.NewClientBuilder().WithScheme(management.Scheme).WithObjects(cluster).Build()}, cluster
	}

	mgmt, cluster := setUp()
	var inUse *inUseError
	if err := waitUnused(t.Context(), mgmt, key, time.Second); !errors.As(err, &inUse) || !slices.Equal(inUse.clusters, []string{"Cluster default/one"}) {
		t.Errorf("a cluster that stays: %v", err)
	}

	if err := mgmt.Delete(t.Context(), cluster); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	var timedOut *waiter.TimeoutError
	if err := waitUnused(ctx, mgmt, key, time.Millisecond); !errors.As(err, &timedOut) || timedOut.Pending != "Cluster default/one: is being deleted" {
		t.Errorf("a cluster that is being deleted: %v", err)
	}

	mgmt, cluster = setUp()
	cluster.Finalizers = nil
	if err := mgmt.Update(t.Context(), cluster); err != nil {
		t.Fatal(err)
	}
	time.AfterFunc(500*time.Millisecond, func() {
		if err := mgmt.Delete(context.WithoutCancel(t.Context()), cluster); err != nil {
			t.Error(err)
		}
	})
	if err := waitUnused(t.Context(), mgmt, key, time.Minute); err != nil {
		t.Errorf("a cluster whose deletion begins a little later: %v", err)
	}
}
