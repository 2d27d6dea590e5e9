// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package clusterclass

import (
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"

	"github.com/terraform-capi/terraform-provider-capi/internal/topology"
)

// Wrong values are found without a management cluster, and bound to what has them.
func TestValidateFields(t *testing.T) {
	for name, tc := range map[string]struct{ old, replacement, attribute, text string }{
		"template": {"spec: {customImage: z}", "spec: {customImage: [z]}",
			`workers.machine_pools["default-worker"].infrastructure.template.spec`, "customImage"},
		"field of a template": {"customImage: z", "customImagg: z",
			`workers.machine_pools["default-worker"].infrastructure.template.spec`, "customImagg: there is no such field"},
		"bootstrap": {"kind: KubeadmConfigTemplate, spec: {format: cloud-config}", "kind: KubeadmConfigTemplate, spec: {format: other}",
			`workers.machine_deployments["default-worker"].bootstrap.template.spec`, `"other"`},
		"class": {"conditionType: Good, polarity: Negative", "conditionType: no type, polarity: Negative",
			"availability_gates[0].condition_type", "no type"},
		"taint": {"effect: PreferNoSchedule", "effect: Never",
			`workers.machine_pools["default-worker"].taints[0].effect`, "Never"},
	} {
		t.Run(name, func(t *testing.T) {
			if !strings.Contains(everything, tc.old) {
				t.Fatalf("the class has no %s", tc.old)
			}
			m := imported(t, parse(t, strings.Replace(everything, tc.old, tc.replacement, 1)).Object)
			check(t, m, tc.attribute, tc.text)
			text, err := (&manifest{name: "whole"}).text(must(m.encode()))
			if err != nil {
				t.Fatal(err)
			}
			m = imported(t, map[string]any{})
			m.Manifest = types.StringValue(text)
			check(t, m, "manifest", tc.text)
		})
	}
}

func must(content map[string]any, err error) map[string]any {
	if err != nil {
		panic(err)
	}
	return content
}

func check(t *testing.T, m *model, attribute, text string) {
	t.Helper()
	rendered, err := m.ToAPI()
	if err != nil {
		t.Fatal(err)
	}
	diags := rendered.validateFields(t.Context(), nil)
	if len(diags) != 1 {
		t.Fatalf("got %v, want one problem", diags)
	}
	bound, ok := diags[0].(diag.DiagnosticWithPath)
	if !ok || bound.Path().String() != attribute || !strings.Contains(bound.Detail(), text) {
		t.Errorf("got %v, want %s to have a problem with %s", diags[0], attribute, text)
	}
}

// What makes the code that validates panic ends no plan: it says so.
func TestPanicsAreWarnings(t *testing.T) {
	m := imported(t, parse(t, everything).Object)
	broken, err := m.ToAPI()
	if err != nil {
		t.Fatal(err)
	}
	// No configuration has a number of this type.
	broken.templates[roleInfrastructure].Object["spec"] = map[string]any{"template": 1}
	blueprint := &topology.Blueprint{Class: &clusterv1.ClusterClass{}, Templates: []*unstructured.Unstructured{nil}}
	unknown := []topology.Problem{{Unknown: true, Message: "code panicked"}}
	for name, diags := range map[string]diag.Diagnostics{
		"fields":              broken.validateFields(t.Context(), nil),
		"users":               announce(t.Context(), *m, blueprint, blueprint, make([]clusterv1.Cluster, 2)),
		"class":               broken.problemDiagnostics(unknown),
		"class of a manifest": (&rendered{manifest: &manifest{}}).problemDiagnostics(unknown),
	} {
		if len(diags) != 1 || diags[0].Severity() != diag.SeverityWarning || !strings.Contains(diags[0].Detail(), "panicked") {
			t.Errorf("%s: want a warning of a panic, got %v", name, diags)
		}
	}
}
