// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"

	"github.com/terraform-capi/terraform-provider-capi/internal/classes"
	"github.com/terraform-capi/terraform-provider-capi/internal/topology"
)

// A class that no configuration can hold makes the code that renders clusters panic.
// That ends no plan: it says so, and knows less.
func TestAnnounceOfPanic(t *testing.T) {
	desired := parse(t, `{apiVersion: cluster.x-k8s.io/v1beta2, kind: Cluster, metadata: {name: web, namespace: default},
		spec: {topology: {classRef: {name: c}, version: v1.35.0}}}`)
	declared, err := typed(desired)
	if err != nil {
		t.Fatal(err)
	}
	broken := &topology.Blueprint{Class: &clusterv1.ClusterClass{}, Templates: []*unstructured.Unstructured{nil}}
	planned := classes.Planned{Before: broken, After: broken, Changes: true}
	newPlanning := func() *planning {
		m := empty()
		if err := m.FromAPI(applied(t, desired)); err != nil {
			t.Fatal(err)
		}
		return &planning{plan: *m, changes: true, desired: desired, cluster: declared, class: planned, oldClass: planned}
	}

	created := newPlanning()
	needOneWarning(t, created.announce(t.Context()))
	if !created.plan.Rollout.IsNull() {
		t.Errorf("a new cluster rolls %s", created.plan.Rollout)
	}

	updated := newPlanning()
	before := newPlanning().plan
	updated.state, updated.before = &before, declared
	needOneWarning(t, updated.announce(t.Context()))
	if !updated.plan.Rollout.IsUnknown() || !updated.plan.Upgrade.IsUnknown() {
		t.Errorf("the plan knows the rollout %s and the upgrade %s", updated.plan.Rollout, updated.plan.Upgrade)
	}

	needOneWarning(t, problemDiagnostics([]topology.Problem{{Unknown: true, Class: true, Message: "code panicked"}}, desired))
}

func needOneWarning(t *testing.T, diags diag.Diagnostics) {
	t.Helper()
	if len(diags) != 1 || diags[0].Severity() != diag.SeverityWarning || !strings.Contains(diags[0].Detail(), "panicked") {
		t.Errorf("want a warning of a panic, got %v", diags)
	}
}
