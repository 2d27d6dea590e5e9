// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
	"sigs.k8s.io/yaml"
)

// The note is in the state's file, so it must not have what templates and patches hold: secrets, perhaps.
func TestClassNote(t *testing.T) {
	class := &clusterv1.ClusterClass{}
	if err := yaml.UnmarshalStrict([]byte(`
metadata: {namespace: default, name: c, annotations: {a: canary}}
spec:
  availabilityGates: [{conditionType: canary}]
  infrastructure: {templateRef: {apiVersion: canary/v1, kind: Canary, name: canary}}
  controlPlane:
    templateRef: {apiVersion: canary/v1, kind: Canary, name: canary}
    metadata: {labels: {a: canary}}
  workers:
    machineDeployments:
    - class: w
      metadata: {labels: {a: canary}}
      bootstrap: {templateRef: {apiVersion: canary/v1, kind: Canary, name: canary}}
    machinePools:
    - class: p
      infrastructure: {templateRef: {apiVersion: canary/v1, kind: Canary, name: canary}}
  variables:
  - {name: size, required: true, schema: {openAPIV3Schema: {type: integer}}}
  patches:
  - name: canary
    definitions:
    - selector: {apiVersion: canary/v1, kind: Canary, matchResources: {controlPlane: true}}
      jsonPatches: [{op: add, path: /spec, value: canary}]
  kubernetesVersions: [v1.34.3, v1.35.0]
  upgrade: {external: {generateUpgradePlanExtension: plan.example}}
status:
  variables:
  - {name: size, definitionsConflict: false, definitions: [{from: inline, required: true, schema: {openAPIV3Schema: {type: integer}}}]}
`), class); err != nil {
		t.Fatal(err)
	}
	note, err := json.Marshal(noteOf(class))
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(strings.ToLower(string(note)), "canary") {
		t.Errorf("the note has what it must not: %s", note)
	}
	want := &clusterv1.ClusterClass{Status: class.Status}
	want.Namespace, want.Name = "default", "c"
	want.Spec.Variables, want.Spec.KubernetesVersions, want.Spec.Upgrade = class.Spec.Variables, class.Spec.KubernetesVersions, class.Spec.Upgrade
	want.Spec.Workers.MachineDeployments = []clusterv1.MachineDeploymentClass{{Class: "w"}}
	want.Spec.Workers.MachinePools = []clusterv1.MachinePoolClass{{Class: "p"}}
	if diff := cmp.Diff(want, noteOf(class)); diff != "" {
		t.Errorf("the note (-want +got):\n%s", diff)
	}
}
