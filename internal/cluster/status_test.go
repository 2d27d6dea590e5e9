// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
)

// What attributes say about a cluster, as Terraform prints it.
func TestStatus(t *testing.T) {
	f := finished()
	withPool(func(pool *clusterv1.MachinePool) { pool.Status.NodeRefs = nil })(f)
	unstructured.RemoveNestedField(f.controlPlane.Object, "status", "availableReplicas")
	f.machines = f.machines[:2]
	f.machines[0].Status.Phase = "Running"
	f.machines[1].Status.NodeRef.Name = ""
	setCondition(&f.machines[1].Status.Conditions, clusterv1.MachineReadyCondition, metav1.ConditionFalse, "NotReady", "", 1)
	f.cluster.Status.Conditions = nil
	setCondition(&f.cluster.Status.Conditions, clusterv1.ClusterAvailableCondition, metav1.ConditionFalse, "NotAvailable", "why", 3)
	f.cluster.Spec.ControlPlaneEndpoint = clusterv1.APIEndpoint{Host: "web-lb", Port: 6443}
	got := map[string]string{}
	for name, value := range f.status() {
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
