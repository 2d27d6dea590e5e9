// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-framework/types/basetypes"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
	"sigs.k8s.io/yaml"

	"github.com/terraform-capi/terraform-provider-capi/internal/apifields/apifieldstest"
	"github.com/terraform-capi/terraform-provider-capi/internal/management"
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
  availabilityGates: [{conditionType: Good, polarity: Negative}]
  controlPlaneEndpoint: {host: api.example.com, port: 6443}
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
      rollout: {after: "2026-01-31T10:00:00Z"}
      deletion: {nodeDrainTimeoutSeconds: 60, nodeVolumeDetachTimeoutSeconds: 61, nodeDeletionTimeoutSeconds: 62}
      taints: [{key: example.com/a, value: b, effect: NoSchedule, propagation: Always}]
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
        metadata: {labels: {e: f}, annotations: {g: h}}
        deletion: {order: Oldest, nodeDrainTimeoutSeconds: 60, nodeVolumeDetachTimeoutSeconds: 61, nodeDeletionTimeoutSeconds: 62}
        taints:
        - {key: example.com/a, effect: NoExecute, propagation: OnInitialization}
        - {key: example.com/b, value: c, effect: NoSchedule, propagation: Always}
        readinessGates: [{conditionType: Good, polarity: Negative}]
        rollout: {after: "2026-01-31T10:00:00Z", strategy: {type: RollingUpdate, rollingUpdate: {maxSurge: 1, maxUnavailable: 25%}}}
        healthCheck:
          enabled: true
          checks:
            nodeStartupTimeoutSeconds: 300
            unhealthyNodeConditions: [{type: Ready, status: Unknown, timeoutSeconds: 300}]
            unhealthyMachineConditions: [{type: NodeReady, status: "False", timeoutSeconds: 300}]
          remediation:
            maxInFlight: 2
            triggerIf: {unhealthyLessThanOrEqualTo: 3, unhealthyInRange: "[1-2]"}
            templateRef: {apiVersion: a.b/v1, kind: FixTemplate, name: fix}
        variables: {overrides: [{name: size, value: 7}]}
      - name: md-1
        class: default-worker
        metadata:
          annotations:
            cluster.x-k8s.io/cluster-api-autoscaler-node-group-min-size: "1"
            cluster.x-k8s.io/cluster-api-autoscaler-node-group-max-size: "5"
      machinePools:
      - name: mp-0
        class: default-pool
        replicas: 2
        failureDomains: [fd1, fd2]
        minReadySeconds: 10
        metadata: {labels: {e: f}, annotations: {g: h}}
        deletion: {nodeDrainTimeoutSeconds: 60, nodeVolumeDetachTimeoutSeconds: 61, nodeDeletionTimeoutSeconds: 62}
        taints: [{key: example.com/a, value: b, effect: PreferNoSchedule, propagation: Always}]
        variables: {overrides: [{name: size, value: 7}]}
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
	m.ControlPlaneEndpoint = types.ObjectNull(objectTypes("control_plane_endpoint"))
	m.AvailabilityGates = types.ListNull(attributeTypes["availability_gates"].(basetypes.ListType).ElemType)
	m.ClusterNetwork, m.Topology, m.CNI = types.ObjectNull(objectTypes("cluster_network")), types.ObjectNull(objectTypes("topology")), types.ObjectNull(objectTypes("cni"))
	return m
}

// applied is the object as if Terraform had applied all of it.
func applied(t *testing.T, obj *unstructured.Unstructured) *unstructured.Unstructured {
	t.Helper()
	fields, err := json.Marshal(ownedFields(obj.Object))
	if err != nil {
		t.Fatal(err)
	}
	obj.SetManagedFields([]metav1.ManagedFieldsEntry{{
		Manager: management.FieldManager, Operation: metav1.ManagedFieldsOperationApply, FieldsV1: metav1.NewFieldsV1(string(fields)),
	}})
	return obj
}

func ownedFields(value any) map[string]any {
	fields := map[string]any{}
	if object, ok := value.(map[string]any); ok {
		for name, child := range object {
			fields["f:"+name] = ownedFields(child)
		}
	}
	return fields
}

// Of a cluster that somebody else made, the infrastructure provider has filled in
// the endpoint.
func TestImportLeavesTheEndpoint(t *testing.T) {
	m := empty()
	if err := m.FromAPI(parse(t, everything)); err != nil {
		t.Fatal(err)
	}
	if !m.ControlPlaneEndpoint.IsNull() || m.ClusterNetwork.IsNull() {
		t.Errorf("declares %s and %s", m.ControlPlaneEndpoint, m.ClusterNetwork)
	}
}

// What is imported declares what was there, all of it and in the API's own types.
func TestModelRoundTrip(t *testing.T) {
	m := empty()
	if err := m.FromAPI(applied(t, parse(t, everything))); err != nil {
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

// A field that upstream adds needs an attribute, and a place in the Cluster with
// every field. The references are for clusters without a class.
func TestEveryFieldHasAnAttribute(t *testing.T) {
	content := parse(t, everything).Object["spec"]
	for _, path := range apifieldstest.Paths(reflect.TypeFor[clusterv1.ClusterSpec]()) {
		isOfTopologies := !strings.HasPrefix(path, "controlPlaneRef.") && !strings.HasPrefix(path, "infrastructureRef.")
		if isOfTopologies && !apifieldstest.Has(content, path) {
			t.Errorf("spec.%s of Clusters is not in the Cluster with every field", path)
		}
	}
}

// The autoscaler's annotations are an attribute of their own.
func TestModelAutoscaler(t *testing.T) {
	m := empty()
	if err := m.FromAPI(parse(t, everything)); err != nil {
		t.Fatal(err)
	}
	content, err := tfkit.ToAny(m.Topology)
	if err != nil {
		t.Fatal(err)
	}
	set, _, err := unstructured.NestedMap(content.(map[string]any), "workers", "machine_deployments", "md-1")
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]any{"class": "default-worker", "autoscaler": map[string]any{"min_size": int64(1), "max_size": int64(5)}}
	for name := range set {
		if set[name] == nil {
			delete(set, name)
		}
	}
	if diff := cmp.Diff(want, set); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Items that others add to lists with keys are theirs, and a time is the same in
// any time zone.
func TestModelReadsDeclaredOnly(t *testing.T) {
	m, want := empty(), empty()
	for _, model := range []*model{m, want} {
		if err := model.FromAPI(parse(t, everything)); err != nil {
			t.Fatal(err)
		}
	}
	found := parse(t, everything)
	for _, add := range []struct {
		path []string
		item map[string]any
	}{
		{[]string{"spec", "availabilityGates"}, map[string]any{"conditionType": "Other"}},
		{[]string{"spec", "topology", "controlPlane", "readinessGates"}, map[string]any{"conditionType": "Other"}},
		{[]string{"spec", "topology", "controlPlane", "taints"}, map[string]any{"key": "other", "effect": "NoExecute", "propagation": "Always"}},
	} {
		list, _, err := unstructured.NestedSlice(found.Object, add.path...)
		if err != nil {
			t.Fatal(err)
		}
		if err := unstructured.SetNestedSlice(found.Object, append([]any{add.item}, list...), add.path...); err != nil {
			t.Fatal(err)
		}
	}
	if err := unstructured.SetNestedField(found.Object, "2026-01-31T11:00:00+01:00", "spec", "topology", "controlPlane", "rollout", "after"); err != nil {
		t.Fatal(err)
	}
	if err := m.FromAPI(found); err != nil {
		t.Fatal(err)
	}
	if !m.Topology.Equal(want.Topology) || !m.AvailabilityGates.Equal(want.AvailabilityGates) {
		t.Errorf("read %s and %s, want %s and %s", m.Topology, m.AvailabilityGates, want.Topology, want.AvailabilityGates)
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

// Nothing happens to a paused cluster, however it is paused, so that nothing is
// waited for.
func TestWaits(t *testing.T) {
	annotated := types.MapValueMust(types.StringType, map[string]attr.Value{"cluster.x-k8s.io/paused": types.StringValue("")})
	for name, tc := range map[string]struct {
		change func(*model)
		want   bool
	}{
		"by default": {func(*model) {}, true},
		"none":       {func(m *model) { m.WaitFor = types.StringValue("none") }, false},
		"paused":     {func(m *model) { m.Paused = types.BoolValue(true) }, false},
		"annotated":  {func(m *model) { m.Annotations = annotated }, false},
		"resumed":    {func(m *model) { m.Paused = types.BoolValue(false) }, true},
	} {
		t.Run(name, func(t *testing.T) {
			m := empty()
			m.WaitFor = types.StringValue("rollout")
			tc.change(m)
			if got := m.waits(); got != tc.want {
				t.Errorf("waits: %t, want %t", got, tc.want)
			}
		})
	}
}
