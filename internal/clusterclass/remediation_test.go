// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package clusterclass

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

const remediated = `apiVersion: cluster.x-k8s.io/v1beta2
kind: ClusterClass
metadata: {name: fixed}
spec:
  infrastructure:
    templateRef: {apiVersion: infrastructure.example.com/v1, kind: NetTemplate, name: net}
  controlPlane:
    templateRef: {apiVersion: controlplane.example.com/v1, kind: PlaneTemplate, name: plane}
    healthCheck: {remediation: {templateRef: {apiVersion: infrastructure.example.com/v1, kind: RepairTemplate, name: provided}}}
  workers:
    machineDeployments:
    - class: small
      bootstrap:
        templateRef: {apiVersion: bootstrap.example.com/v1, kind: BootTemplate, name: boot}
      infrastructure:
        templateRef: {apiVersion: infrastructure.example.com/v1, kind: BoxTemplate, name: box}
      healthCheck: {remediation: {maxInFlight: 1, templateRef: {apiVersion: infrastructure.example.com/v1, kind: RepairTemplate, name: repair}}}
---
{apiVersion: infrastructure.example.com/v1, kind: NetTemplate, metadata: {name: net}, spec: {template: {spec: {}}}}
---
{apiVersion: controlplane.example.com/v1, kind: PlaneTemplate, metadata: {name: plane}, spec: {template: {spec: {}}}}
---
{apiVersion: bootstrap.example.com/v1, kind: BootTemplate, metadata: {name: boot}, spec: {template: {spec: {}}}}
---
{apiVersion: infrastructure.example.com/v1, kind: BoxTemplate, metadata: {name: box}, spec: {template: {spec: {}}}}
---
{apiVersion: infrastructure.example.com/v1, kind: RepairTemplate, metadata: {name: repair}, spec: {template: {spec: {retries: 1}}}}
`

const smallRemedy = "small/remediation"

// A remediation template that is in the manifest is made with the class, and rotates
// with its content. One that is not stays a reference.
func TestRemediationTemplates(t *testing.T) {
	rendered, err := fromText(t, remediated).ToAPI()
	if err != nil {
		t.Fatal(err)
	}
	roles := slices.Sorted(maps.Keys(rendered.names()))
	if want := []string{"control-plane", "infrastructure", "small/bootstrap", "small/machine", smallRemedy}; !slices.Equal(roles, want) {
		t.Errorf("templates for %v, want %v", roles, want)
	}
	refs := references(rendered.class.Object)
	name := rendered.names()[smallRemedy]
	if !strings.HasPrefix(name, "fixed-small-remediation-") || refs[smallRemedy]["name"] != name {
		t.Errorf("the template is %q, and the class refers to %v", name, refs[smallRemedy])
	}
	if refs[roleControlPlaneRemedy]["name"] != "provided" {
		t.Errorf("the reference became %v", refs[roleControlPlaneRemedy])
	}
	if _, err := rendered.blueprint(); err != nil {
		t.Error(err)
	}
	if of := kinds(rendered.class); len(of) != 5 || !slices.ContainsFunc(of, func(gvk schema.GroupVersionKind) bool { return gvk.Kind == "RepairTemplate" }) {
		t.Errorf("templates are of the kinds %v", of)
	}
	plain, err := fromText(t, remediated[:strings.LastIndex(remediated, "---")]).ToAPI()
	if err != nil {
		t.Fatal(err)
	}
	if of := kinds(plain.class); len(of) != 4 {
		t.Errorf("without templates for remediation the kinds are %v", of)
	}
	edited, err := fromText(t, strings.Replace(remediated, "retries: 1", "retries: 2", 1)).ToAPI()
	if err != nil {
		t.Fatal(err)
	}
	for role, name := range edited.names() {
		if (name != rendered.names()[role]) != (role == smallRemedy) {
			t.Errorf("%s: %s became %s", role, rendered.names()[role], name)
		}
	}
}

// A change of a remediation template behind Terraform's back shows in the manifest,
// which then still declares the same as what is live.
func TestRemediationTemplateDrift(t *testing.T) {
	m := fromText(t, remediated)
	content, err := m.encode()
	if err != nil {
		t.Fatal(err)
	}
	same := runtime.DeepCopyJSON(content)
	if err := m.FromAPI(same); err != nil || m.Manifest.ValueString() != remediated {
		t.Errorf("became %s, %v", m.Manifest, err)
	}
	template := remediations(content)[smallRemedy]["template"].(map[string]any)
	template["spec"].(map[string]any)["retries"] = int64(7)
	if err := m.FromAPI(content); err != nil {
		t.Fatal(err)
	}
	if text := m.Manifest.ValueString(); !strings.Contains(text, "# spec.workers.machineDeployments[0].healthCheck.remediation.template.spec.retries\n") {
		t.Errorf("became\n%s", text)
	}
	again, err := m.encode()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(content, again); diff != "" {
		t.Errorf("the manifest declares something else (-live +manifest):\n%s", diff)
	}
}

// A manifest with variables that is rewritten declares what is live, whatever that
// contains, and shows no values.
func TestManifestDriftWithVariables(t *testing.T) {
	source := Manifest{
		Text:      strings.Replace(remediated, "retries: 1", "retries: ${RETRIES:=1}, token: \"${TOKEN}\", script: 'echo $${HOME}'", 1),
		Variables: map[string]string{"TOKEN": "s3cr3t-token"},
	}
	m := fromManifestOf(t, source)
	content, err := m.encode()
	if err != nil {
		t.Fatal(err)
	}
	spec := remediations(content)[smallRemedy]["template"].(map[string]any)["spec"].(map[string]any)
	if diff := cmp.Diff(map[string]any{"retries": int64(1), "token": "s3cr3t-token", "script": "echo ${HOME}"}, spec); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if err := m.FromAPI(runtime.DeepCopyJSON(content)); err != nil || m.Manifest.ValueString() != source.Text {
		t.Errorf("became %s, %v", m.Manifest, err)
	}
	spec["script"] = "echo ${HOME} $$ $${X} ${ Y } $(date)"
	if err := m.FromAPI(content); err != nil {
		t.Fatal(err)
	}
	if text := m.Manifest.ValueString(); text == source.Text || strings.Contains(text, "s3cr3t") {
		t.Errorf("became\n%s", text)
	}
	again, err := m.encode()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(content, again); diff != "" {
		t.Errorf("the manifest declares something else (-live +manifest):\n%s", diff)
	}
}
