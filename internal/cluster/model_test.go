// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-framework/types/basetypes"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/terraform-capi/terraform-provider-capi/internal/tfkit"
)

// everything is a Cluster with every field that has an attribute.
const everything = `
apiVersion: cluster.x-k8s.io/v1beta2
kind: Cluster
metadata:
  name: web
  namespace: team-a
  labels: {tier: test}
  annotations: {example.com/owner: me}
spec:
  paused: true
  clusterNetwork:
    apiServerPort: 6444
    pods: {cidrBlocks: [10.10.0.0/16]}
    services: {cidrBlocks: [10.20.0.0/16]}
    serviceDomain: cluster.local
  topology:
    classRef: {name: quick-start, namespace: classes}
    version: v1.35.0
    controlPlane:
      replicas: 3
      metadata: {labels: {a: b}, annotations: {c: d}}
      deletion: {nodeDrainTimeoutSeconds: 60, nodeVolumeDetachTimeoutSeconds: 61, nodeDeletionTimeoutSeconds: 62}
      readinessGates: [{conditionType: Good, polarity: Positive}]
      healthCheck:
        enabled: true
        checks:
          nodeStartupTimeoutSeconds: 300
          unhealthyNodeConditions: [{type: Ready, status: Unknown, timeoutSeconds: 300}]
          unhealthyMachineConditions: [{type: NodeReady, status: "False", timeoutSeconds: 300}]
        remediation:
          triggerIf: {unhealthyLessThanOrEqualTo: 40%, unhealthyInRange: "[1-2]"}
          templateRef: {apiVersion: a.b/v1, kind: FixTemplate, name: fix}
      variables: {overrides: [{name: size, value: 5}]}
    workers:
      machineDeployments:
      - name: md-0
        class: default-worker
        replicas: 2
        failureDomain: fd1
        minReadySeconds: 10
        metadata: {labels: {e: f}}
        deletion: {order: Oldest, nodeDrainTimeoutSeconds: 60}
        readinessGates: [{conditionType: Good}]
        rollout: {strategy: {type: RollingUpdate, rollingUpdate: {maxSurge: 1, maxUnavailable: 25%}}}
        healthCheck:
          enabled: false
          remediation: {maxInFlight: 2, triggerIf: {unhealthyLessThanOrEqualTo: 3}}
        variables: {overrides: [{name: size, value: 7}]}
      - name: md-1
        class: default-worker
    variables:
    - {name: imageRepository, value: example.com}
    - {name: nested, value: {list: [1, two, {three: true}], number: 1.5}}
`

func parse(t *testing.T, text string) *unstructured.Unstructured {
	t.Helper()
	obj := &unstructured.Unstructured{}
	raw, err := yaml.YAMLToJSON([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if err := obj.UnmarshalJSON(raw); err != nil {
		t.Fatal(err)
	}
	return obj
}

// empty is the model of an import: it knows no more than which cluster it is.
func empty() *model {
	m := &model{Namespace: types.StringValue("team-a"), Name: types.StringValue("web")}
	m.Labels, m.Annotations = types.MapNull(types.StringType), types.MapNull(types.StringType)
	objectTypes := func(name string) map[string]attr.Type { return attributeTypes[name].(basetypes.ObjectType).AttrTypes }
	m.ClusterNetwork, m.Topology, m.CNI = types.ObjectNull(objectTypes("cluster_network")), types.ObjectNull(objectTypes("topology")), types.ObjectNull(objectTypes("cni"))
	return m
}

// What is imported declares what was there, all of it and in the API's own types.
func TestModelRoundTrip(t *testing.T) {
	live := parse(t, everything)
	m := empty()
	if err := m.FromAPI(live); err != nil {
		t.Fatal(err)
	}
	declared, err := m.ToAPI()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(parse(t, everything).Object, declared.Object); diff != "" {
		t.Errorf("not what was read (-want +got):\n%s", diff)
	}
	if _, err := typed(declared); err != nil {
		t.Errorf("the API does not have these fields: %v", err)
	}
}

// The second reading of the same object changes nothing, not even the types inside
// dynamic attributes.
func TestModelReadsStable(t *testing.T) {
	m, again := empty(), empty()
	for _, model := range []*model{m, again, again} {
		if err := model.FromAPI(parse(t, everything)); err != nil {
			t.Fatal(err)
		}
	}
	if !m.Topology.Equal(again.Topology) || !m.ClusterNetwork.Equal(again.ClusterNetwork) {
		t.Errorf("read as %s, then as %s", m.Topology, again.Topology)
	}
}

func TestModelUnknown(t *testing.T) {
	m := empty()
	if err := m.FromAPI(parse(t, everything)); err != nil {
		t.Fatal(err)
	}
	m.CNI = types.ObjectUnknown(m.CNI.AttributeTypes(t.Context()))
	if _, err := m.ToAPI(); !errors.Is(err, tfkit.ErrUnknown) {
		t.Errorf("got %v, want that it is unknown", err)
	}
}

// A topology without a class, such as that of clusters made by hand, is nothing to
// import.
func TestModelImportsTopologiesOnly(t *testing.T) {
	m := empty()
	if err := m.FromAPI(parse(t, "apiVersion: cluster.x-k8s.io/v1beta2\nkind: Cluster\nmetadata: {name: web}\nspec: {paused: true}\n")); err != nil {
		t.Fatal(err)
	}
	if !m.Topology.IsNull() {
		t.Errorf("topology is %s", m.Topology)
	}
}

func TestCNI(t *testing.T) {
	for name, plugin := range map[string]cni{
		"none": {}, "kindnet": {name: cniKindnet}, "manifests": {manifests: []string{"kind: A\n", "kind: B\n"}},
	} {
		m := empty()
		m.CNI = plugin.value()
		got, err := m.cni()
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(plugin, got, cmp.AllowUnexported(cni{})); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}
