// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package clusterclass

import (
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-framework/types/basetypes"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
	"sigs.k8s.io/yaml"

	"github.com/terraform-capi/terraform-provider-capi/internal/apifields/apifieldstest"
	"github.com/terraform-capi/terraform-provider-capi/internal/topology"
)

// everything is a class with every field that has an attribute, the content of its
// templates in their references.
const everything = `
apiVersion: cluster.x-k8s.io/v1beta2
kind: ClusterClass
metadata: {name: whole, namespace: default, labels: {a: b}, annotations: {c: d}}
spec:
  availabilityGates: [{conditionType: Good, polarity: Negative}]
  infrastructure:
    templateRef: {apiVersion: infrastructure.cluster.x-k8s.io/v1beta2, kind: DockerClusterTemplate, spec: {loadBalancer: {imageTag: x}}}
    naming: {template: "{{ .cluster.name }}-x"}
  controlPlane:
    templateRef:
      apiVersion: controlplane.cluster.x-k8s.io/v1beta2
      kind: KubeadmControlPlaneTemplate
      labels: {m: o}
      annotations: {o: p}
      spec: {kubeadmConfigSpec: {clusterConfiguration: {apiServer: {certSANs: [localhost]}}}}
    machineInfrastructure:
      templateRef: {apiVersion: infrastructure.cluster.x-k8s.io/v1beta2, kind: DockerMachineTemplate, spec: {}}
    metadata: {labels: {e: f}, annotations: {g: h}}
    deletion: {nodeDrainTimeoutSeconds: 5, nodeVolumeDetachTimeoutSeconds: 6, nodeDeletionTimeoutSeconds: 7}
    taints: [{key: example.com/a, value: b, effect: NoSchedule, propagation: Always}]
    readinessGates: [{conditionType: Good, polarity: Positive}]
    naming: {template: "{{ .cluster.name }}-cp"}
    healthCheck:
      checks:
        nodeStartupTimeoutSeconds: 300
        unhealthyNodeConditions: [{type: Ready, status: Unknown, timeoutSeconds: 300}]
        unhealthyMachineConditions: [{type: NodeReady, status: "False", timeoutSeconds: 300}]
      remediation:
        triggerIf: {unhealthyLessThanOrEqualTo: 1, unhealthyInRange: "[1-2]"}
        templateRef: {apiVersion: a.b/v1, kind: FixTemplate, name: fix}
  workers:
    machineDeployments:
    - class: default-worker
      failureDomain: fd1
      minReadySeconds: 3
      metadata: {labels: {g: h}, annotations: {i: j}}
      deletion: {order: Newest, nodeDrainTimeoutSeconds: 5, nodeVolumeDetachTimeoutSeconds: 6, nodeDeletionTimeoutSeconds: 7}
      taints: [{key: example.com/a, value: b, effect: NoExecute, propagation: OnInitialization}]
      readinessGates: [{conditionType: Good, polarity: Negative}]
      naming: {template: "{{ .cluster.name }}-{{ .machineDeployment.topologyName }}"}
      rollout: {strategy: {type: RollingUpdate, rollingUpdate: {maxSurge: 1, maxUnavailable: 10%}}}
      healthCheck:
        checks:
          nodeStartupTimeoutSeconds: 300
          unhealthyNodeConditions: [{type: Ready, status: Unknown, timeoutSeconds: 300}]
          unhealthyMachineConditions: [{type: NodeReady, status: "False", timeoutSeconds: 300}]
        remediation:
          maxInFlight: 20%
          triggerIf: {unhealthyLessThanOrEqualTo: 1, unhealthyInRange: "[1-2]"}
          templateRef: {apiVersion: a.b/v1, kind: FixTemplate, name: fix}
      bootstrap:
        templateRef: {apiVersion: bootstrap.cluster.x-k8s.io/v1beta2, kind: KubeadmConfigTemplate, spec: {format: cloud-config}}
      infrastructure:
        templateRef:
          apiVersion: infrastructure.cluster.x-k8s.io/v1beta2
          kind: DockerMachineTemplate
          metadata: {labels: {i: j}, annotations: {k: l}}
          spec: {customImage: x, extraMounts: [{containerPath: /a, hostPath: /b}]}
    machinePools:
    - class: default-worker
      failureDomains: [fd1, fd2]
      minReadySeconds: 3
      metadata: {labels: {g: h}, annotations: {i: j}}
      deletion: {nodeDrainTimeoutSeconds: 5, nodeVolumeDetachTimeoutSeconds: 6, nodeDeletionTimeoutSeconds: 7}
      taints: [{key: example.com/a, value: b, effect: PreferNoSchedule, propagation: Always}]
      naming: {template: "{{ .cluster.name }}-{{ .machinePool.topologyName }}"}
      bootstrap:
        templateRef: {apiVersion: bootstrap.cluster.x-k8s.io/v1beta2, kind: KubeadmConfigTemplate, spec: {format: cloud-config}}
      infrastructure:
        templateRef: {apiVersion: infrastructure.cluster.x-k8s.io/v1beta2, kind: DockerMachineTemplate, spec: {customImage: z}}
  variables:
  - name: imageRepository
    required: true
    deprecatedV1Beta1Metadata: {labels: {q: r}, annotations: {s: t}}
    schema: {openAPIV3Schema: {type: object, properties: {a: {type: string, enum: [b, c]}}, x-metadata: {labels: {k: l}}}}
  patches:
  - name: image
    description: Sets the image.
    enabledIf: "{{ true }}"
    definitions:
    - selector:
        apiVersion: infrastructure.cluster.x-k8s.io/v1beta2
        kind: DockerMachineTemplate
        matchResources:
          controlPlane: true
          infrastructureCluster: false
          machineDeploymentClass: {names: [default-worker]}
          machinePoolClass: {names: [default-worker]}
      jsonPatches:
      - {op: add, path: /spec/template/spec/customImage, valueFrom: {variable: imageRepository.a}}
      - {op: add, path: /spec/template/spec/extraMounts, value: []}
      - {op: replace, path: /spec/template/spec/customImage, valueFrom: {template: "{{ .imageRepository.a }}"}}
  - name: elsewhere
    external:
      generatePatchesExtension: generate.example
      validateTopologyExtension: validate.example
      discoverVariablesExtension: discover.example
      settings: {u: v}
  kubernetesVersions: [v1.34.3, v1.35.0]
  upgrade: {external: {generateUpgradePlanExtension: plan.example}}
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

// imported is the model of a class that was read in full.
func imported(t *testing.T, content map[string]any) *model {
	t.Helper()
	null := func(name string) map[string]attr.Type { return attributeTypes[name].(basetypes.ObjectType).AttrTypes }
	m := &model{
		Namespace: types.StringValue("default"), Name: types.StringValue("whole"),
		Labels: types.MapNull(types.StringType), Annotations: types.MapNull(types.StringType),
		Infrastructure: types.ObjectNull(null("infrastructure")), ControlPlane: types.ObjectNull(null("control_plane")),
		Workers: types.ObjectNull(null("workers")), KubernetesVersions: types.ListNull(types.StringType),
		AvailabilityGates: types.ListNull(attributeTypes["availability_gates"].(basetypes.ListType).ElemType), Upgrade: types.ObjectNull(null("upgrade")),
	}
	if err := m.FromAPI(content); err != nil {
		t.Fatal(err)
	}
	return m
}

func TestModelRoundTrip(t *testing.T) {
	m := imported(t, parse(t, everything).Object)
	content, err := m.encode()
	if err != nil {
		t.Fatal(err)
	}
	want := parse(t, everything)
	delete(want.Object, "apiVersion")
	delete(want.Object, "kind")
	if diff := cmp.Diff(want.Object, content); diff != "" {
		t.Errorf("not what was read (-want +got):\n%s", diff)
	}
	rendered, err := m.ToAPI()
	if err != nil {
		t.Fatal(err)
	}
	class, err := typed(rendered.class)
	if err != nil {
		t.Fatalf("the API does not have these fields: %v", err)
	}
	if problems := topology.ValidateClass(t.Context(), nil, class, nil); len(problems) > 0 {
		t.Errorf("Cluster API would refuse it: %v", problems)
	}
}

// A field that upstream adds needs an attribute, and a place in the class with
// every field. The names of templates come from their content.
func TestEveryFieldHasAnAttribute(t *testing.T) {
	content := parse(t, everything).Object["spec"]
	for _, path := range apifieldstest.Paths(reflect.TypeFor[clusterv1.ClusterClassSpec]()) {
		isNameOfTemplate := strings.HasSuffix(path, ".templateRef.name") && !strings.Contains(path, ".remediation.")
		if !isNameOfTemplate && !apifieldstest.Has(content, path) {
			t.Errorf("spec.%s of ClusterClasses is not in the class with every field", path)
		}
	}
}

// Templates move out of the class into objects whose names follow their content.
func TestRender(t *testing.T) {
	render := func(change func(map[string]any)) *rendered {
		content := parse(t, everything).Object
		if change != nil {
			change(content)
		}
		r, err := imported(t, content).ToAPI()
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	first := render(nil)
	if diff := cmp.Diff(first.names(), templateNames(first.class.Object)); diff != "" {
		t.Errorf("the class refers to other templates than there are:\n%s", diff)
	}
	machine := first.templates["default-worker/machine"]
	want := map[string]any{"template": map[string]any{
		"metadata": map[string]any{"labels": map[string]any{"i": "j"}, "annotations": map[string]any{"k": "l"}},
		"spec":     map[string]any{"customImage": "x", "extraMounts": []any{map[string]any{"containerPath": "/a", "hostPath": "/b"}}},
	}}
	if diff := cmp.Diff(want, machine.Object["spec"]); diff != "" {
		t.Errorf("template (-want +got):\n%s", diff)
	}
	if machine.GetLabels()[classLabel] != "whole" || machine.GetNamespace() != "default" {
		t.Errorf("the template does not say what it is for: %v", machine.Object["metadata"])
	}

	edited := render(func(content map[string]any) {
		holders(content)["default-worker/machine"]["templateRef"].(map[string]any)["spec"] = map[string]any{"customImage": "y"}
	})
	var moved []string
	for role, name := range edited.names() {
		if name != first.names()[role] {
			moved = append(moved, role)
		}
	}
	if diff := cmp.Diff([]string{"default-worker/machine"}, moved); diff != "" {
		t.Errorf("templates that got another name (-want +got):\n%s", diff)
	}
	if again := render(nil); !maps.Equal(first.names(), again.names()) {
		t.Errorf("the same content has the names %v and %v", first.names(), again.names())
	}
}

// Every role leads to the attribute that has the template.
func TestRolePath(t *testing.T) {
	content := parse(t, everything).Object
	if roles := holders(content); len(roles) != 7 {
		t.Errorf("the class with every field has the templates %v, want seven", slices.Collect(maps.Keys(roles)))
	}
	for role := range holders(content) {
		attribute := rolePath(role).ParentPath()
		field := map[string]string{
			roleInfrastructure: "spec.infrastructure.templateRef", roleControlPlane: "spec.controlPlane.templateRef",
			roleControlPlaneMachine:         "spec.controlPlane.machineInfrastructure.templateRef",
			"default-worker/bootstrap":      "spec.workers.machineDeployments[0].bootstrap.templateRef",
			"default-worker/machine":        "spec.workers.machineDeployments[0].infrastructure.templateRef",
			"default-worker/pool-bootstrap": "spec.workers.machinePools[0].bootstrap.templateRef",
			"default-worker/pool-machines":  "spec.workers.machinePools[0].infrastructure.templateRef",
		}[role]
		if got := fields.AttributePath(shape, content, field); !got.Equal(attribute) {
			t.Errorf("role %s is at %s, and %s is %s", role, attribute, field, got)
		}
	}
}
