// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"fmt"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/types"
	corev1 "k8s.io/api/core/v1"
	utilyaml "sigs.k8s.io/cluster-api/util/yaml"
)

func configMap(name string, size int) string {
	return fmt.Sprintf("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: %s}\ndata: {a: %s}\n", name, strings.Repeat("x", size))
}

// A manifest is split between documents, and only if it has to be.
func TestSplitManifest(t *testing.T) {
	const half = corev1.MaxSecretSize / 2
	for name, tc := range map[string]struct {
		manifest string
		parts    int
	}{
		"small":             {configMap("a", 10) + "---\n" + configMap("b", 10), 1},
		"two fit":           {configMap("a", half-200) + "---\n" + configMap("b", half-200), 1},
		"two do not":        {configMap("a", half) + "---\n" + configMap("b", half), 2},
		"starts with one":   {"---\n" + configMap("a", half) + "--- # the other\n" + configMap("b", half) + "---\n", 2},
		"many":              {strings.Repeat("---\n"+configMap("a", half/2), 9), 3},
		"comments at start": {"# " + strings.Repeat("c", half) + "\n---\n" + configMap("a", half+100), 2},
		"as large as one":   {configMap("a", corev1.MaxSecretSize-len(configMap("a", 0))), 1},
	} {
		t.Run(name, func(t *testing.T) {
			parts, err := splitManifest(tc.manifest)
			if err != nil || len(parts) != tc.parts || strings.Join(parts, "") != tc.manifest {
				t.Fatalf("%d parts, want %d: %v", len(parts), tc.parts, err)
			}
			whole, err := utilyaml.ToUnstructured([]byte(tc.manifest))
			if err != nil {
				t.Fatal(err)
			}
			objects := 0
			for _, part := range parts {
				of, err := utilyaml.ToUnstructured([]byte(part))
				if err != nil || len(part) > corev1.MaxSecretSize {
					t.Fatalf("a part of %d bytes: %v", len(part), err)
				}
				objects += len(of)
			}
			if objects != len(whole) {
				t.Errorf("the parts have %d objects, the whole has %d", objects, len(whole))
			}
		})
	}
	if _, err := splitManifest(configMap("a", 10) + "---\n" + configMap("b", corev1.MaxSecretSize)); err == nil {
		t.Error("a document that fits no Secret passes")
	}
}

func TestCheckManifests(t *testing.T) {
	for name, tc := range map[string]struct{ manifest, want string }{
		"fine":          {configMap("a", 1) + "---\n" + configMap("b", 1), ""},
		"JSON":          {`{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}}`, ""},
		"large":         {configMap("a", 600<<10) + "---\n" + configMap("b", 600<<10), ""},
		"empty":         {"", "It is empty"},
		"blank":         {" \n", "It is empty"},
		"URL":           {"https://example.com/calico.yaml", `data "http"`},
		"path":          {"manifests/calico.yaml", `file("manifests/calico.yaml")`},
		"broken":        {"apiVersion: v1\ndata: {password: hidden}\nkind: [", "It is not YAML: "},
		"comments":      {"# nothing\nkey: # here", "Document 1 of 1 has no apiVersion"},
		"only comments": {"# nothing:\n", "It has no objects"},
		"no kind":       {configMap("a", 1) + "---\napiVersion: v1\nmetadata: {name: b}", "Document 2 of 2 has no kind"},
		"no name":       {"apiVersion: v1\nkind: ConfigMap", "has no metadata.name"},
		"too large":     {configMap("a", corev1.MaxSecretSize), "holds 1048576 at most"},
	} {
		t.Run(name, func(t *testing.T) {
			plan := model{CNI: cni{manifests: []string{configMap("first", 1), tc.manifest}}.value()}
			diags := checkManifests(plan, nil)
			if tc.want == "" {
				if len(diags) > 0 {
					t.Errorf("refused: %s", diags)
				}
				return
			}
			if len(diags) != 1 || !strings.Contains(diags[0].Detail(), tc.want) || !strings.HasPrefix(diags[0].Detail(), "cni.manifests[1]: ") {
				t.Errorf("diagnostics are %s, want %q", diags, tc.want)
			}
			if strings.Contains(diags[0].Detail(), "hidden") {
				t.Errorf("the content of the manifest is in %q", diags[0].Detail())
			}
			// What is there already is no error: it would be in the way of a destroy.
			state := plan
			plan.CNI = cni{manifests: []string{configMap("second", 1), tc.manifest}}.value()
			if diags := checkManifests(plan, &state); len(diags) > 0 {
				t.Errorf("refused although the state has it: %s", diags)
			}
		})
	}
	unknown := model{CNI: types.ObjectUnknown(nil)}
	if diags := checkManifests(unknown, nil); len(diags) > 0 {
		t.Errorf("refused although not known: %s", diags)
	}
}
