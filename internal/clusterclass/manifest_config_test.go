// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package clusterclass

import (
	"regexp"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

// A configuration is refused for what is wrong about its manifest, bound to the
// attribute that is to be changed.
func TestManifestConfiguration(t *testing.T) {
	long, variable := strings.Repeat("a", 64), regexp.MustCompile(`\$\{\w+\}[-a-z]*`)
	for name, tc := range map[string]struct {
		source          Manifest
		name, namespace string
		attribute, want string
	}{
		"fine":               {source: Manifest{Text: smallClass("a", "")}},
		"dots":               {source: Manifest{Text: smallClass("class-v1.2", "")}},
		"variable as name":   {source: Manifest{Text: smallClass("${NAME}", "")}, attribute: "manifest", want: `name of the ClusterClass is "\$\{NAME\}".*manifest_variables`},
		"upper case":         {source: Manifest{Text: smallClass("A", "")}, attribute: "manifest", want: `lower case letters, digits, dashes and dots. Correct it, or set name\.`},
		"too long":           {source: Manifest{Text: smallClass(long, "")}, attribute: "manifest", want: `at most 63`},
		"another name":       {source: Manifest{Text: smallClass("${NAME}", "")}, name: "a"},
		"namespace":          {source: Manifest{Text: smallClass("a", "${NS}")}, attribute: "manifest", want: `namespace of the ClusterClass.*manifest_variables`},
		"another namespace":  {source: Manifest{Text: smallClass("a", "${NS}")}, namespace: "x"},
		"value missing":      {source: Manifest{Text: smallClass("${NAME}", ""), Variables: map[string]string{}}, attribute: "manifest_variables", want: `NAME has no value`},
		"no such class":      {source: Manifest{Text: smallClass("a", ""), Class: "b"}, attribute: "manifest_class", want: `no ClusterClass "b"`},
		"variable as choice": {source: Manifest{Text: smallClass("${NAME}", ""), Class: "b"}, attribute: "manifest_class", want: `manifest_variables`},
		"values in messages": {source: Manifest{Text: smallClass("${NAME}", ""), Variables: map[string]string{"NAME": "SECRET_NAME"}}, attribute: "manifest", want: `is "\$\{NAME\}"`},
	} {
		t.Run(name, func(t *testing.T) {
			m := imported(t, map[string]any{})
			m.Name, m.Namespace = types.StringNull(), types.StringNull()
			tc.source.Text = variable.ReplaceAllString(tc.source.Text, `"$0"`)
			m.setManifest(tc.source)
			if tc.name != "" {
				m.Name = types.StringValue(tc.name)
			}
			if tc.namespace != "" {
				m.Namespace = types.StringValue(tc.namespace)
			}
			diags := m.validateManifest()
			if tc.want == "" && len(diags) == 0 {
				return
			}
			if len(diags) != 1 {
				t.Fatalf("got %v, want %s", diags, tc.want)
			}
			bound, ok := diags[0].(diag.DiagnosticWithPath)
			if !ok || bound.Path().String() != tc.attribute || !regexp.MustCompile(tc.want).MatchString(bound.Detail()) {
				t.Errorf("got %v, want %s: %s", diags[0], tc.attribute, tc.want)
			}
		})
	}
}

// What is not known yet is no reason to refuse anything.
func TestManifestUnknown(t *testing.T) {
	m := imported(t, map[string]any{})
	m.setManifest(Manifest{Text: "no class"})
	m.ManifestVariables = types.MapUnknown(types.StringType)
	if diags := m.validateManifest(); len(diags) > 0 {
		t.Errorf("got %v", diags)
	}
}
