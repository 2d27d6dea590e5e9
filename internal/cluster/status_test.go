// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/terraform-plugin-framework/types"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/utils/ptr"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"

	"github.com/terraform-capi/terraform-provider-capi/internal/live"
	"github.com/terraform-capi/terraform-provider-capi/internal/live/livetest"
)

// well is a cluster of which nothing is missing.
func well() *live.Facts {
	c := livetest.Finished()
	return &live.Facts{Cluster: c.Cluster, ControlPlane: c.ControlPlane, MachineDeployments: c.MachineDeployments, Machines: c.Machines}
}

// What attributes say about a cluster, as Terraform prints it.
func TestStatus(t *testing.T) {
	f := well()
	pool, declared := livetest.Pool()
	pool.Status.NodeRefs = nil
	f.MachinePools, f.Cluster.Spec.Topology.Workers.MachinePools = []clusterv1.MachinePool{pool}, declared
	unstructured.RemoveNestedField(f.ControlPlane.Object, "status", "availableReplicas")
	f.Machines = f.Machines[:2]
	f.Machines[0].Status.Phase = "Running"
	f.Machines[1].Status.NodeRef.Name = ""
	livetest.SetCondition(&f.Machines[1].Status.Conditions, clusterv1.MachineReadyCondition, metav1.ConditionFalse, "NotReady", "", 1)
	f.Cluster.Status.Conditions = nil
	livetest.SetCondition(&f.Cluster.Status.Conditions, clusterv1.ClusterAvailableCondition, metav1.ConditionFalse, "NotAvailable", "why", 3)
	f.Cluster.Spec.ControlPlaneEndpoint = clusterv1.APIEndpoint{Host: "web-lb", Port: 6443}
	got := map[string]string{}
	for name, value := range status(f) {
		got[name] = value.String()
	}
	want := map[string]string{
		"endpoint":            `{"host":"web-lb","port":6443}`,
		"phase":               `"Unknown"`,
		"ready":               `false`,
		"kubernetes_versions": `["v1.35.0"]`,
		"conditions":          `{"Available":{"message":"why","reason":"NotAvailable","status":"False"}}`,
		"machines": `{"web-md-0-a":{"machine_set":"md-0","node":<null>,"phase":"","ready":false,"role":"worker","version":"v1.35.0"},` +
			`"web-x7k2p-1":{"machine_set":<null>,"node":"web-x7k2p-1","phase":"Running","ready":true,"role":"control_plane","version":"v1.35.0"}}`,
		"replicas": `{"control_plane":{"available":<null>,"desired":1,"ready":1,"replicas":1,"up_to_date":1},` +
			`"machine_deployments":{"md-0":{"available":2,"desired":2,"ready":2,"replicas":2,"up_to_date":2}},` +
			`"machine_pools":{"mp-0":{"available":1,"desired":1,"ready":0,"replicas":1,"up_to_date":1}}}`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("status (-want +got):\n%s", diff)
	}
}

// A refresh warns of what an apply would wait for, and says what it is.
func TestNotAsDeclared(t *testing.T) {
	lost := func(f *live.Facts) {
		livetest.SetCondition(&f.Machines[0].Status.Conditions, clusterv1.MachineNodeReadyCondition, metav1.ConditionUnknown, "NodeConditionsFailed", "Node is gone", 1)
		_ = unstructured.SetNestedField(f.ControlPlane.Object, int64(0), "status", "readyReplicas")
	}
	for name, tc := range map[string]struct {
		waitFor string
		paused  bool
		change  func(*live.Facts)
		want    bool
	}{
		"well":            {waitFor: "rollout", change: func(*live.Facts) {}},
		"lost":            {waitFor: "rollout", change: lost, want: true},
		"not waited for":  {waitFor: "none", change: lost},
		"waited for less": {waitFor: "infrastructure", change: lost},
		"paused":          {waitFor: "rollout", paused: true, change: lost},
		"paused by another": {waitFor: "rollout", change: func(f *live.Facts) {
			lost(f)
			f.Cluster.Annotations = map[string]string{clusterv1.PausedAnnotation: ""}
		}},
		"being deleted":      {waitFor: "rollout", change: func(f *live.Facts) { lost(f); f.Cluster.DeletionTimestamp = ptr.To(metav1.Now()) }},
		"only nodes missing": {waitFor: "control_plane", change: func(f *live.Facts) { f.Machines = f.Machines[:1] }},
	} {
		t.Run(name, func(t *testing.T) {
			f := well()
			tc.change(f)
			m := &model{Name: types.StringValue("web"), Namespace: types.StringValue("default"), WaitFor: types.StringValue(tc.waitFor), Paused: types.BoolValue(tc.paused)}
			diags := m.notAsDeclared(f)
			if got := len(diags) > 0; got != tc.want {
				t.Fatalf("warnings are %s, want some: %t", diags, tc.want)
			}
			if tc.want && (diags.HasError() || !strings.Contains(diags[0].Detail(), "Machine web-x7k2p-1: NodeReady is Unknown (NodeConditionsFailed): Node is gone")) {
				t.Errorf("the warning is %s", diags)
			}
		})
	}
}
