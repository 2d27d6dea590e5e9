// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package topology

import (
	"slices"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
)

func TestTemplateUses(t *testing.T) {
	for text, want := range map[string]string{
		`{{ .a }}`:           "a!",
		`{{ .a.b | quote }}`: "a.b",
		`{{ if and .a (not .b) }}{{ .c }}{{ end }}`:                                "a b c!",
		`{{ with .a }}{{ .b }}{{ $.c }}{{ end }}`:                                  "a a.b! c!",
		`{{ with .a }}{{ else }}{{ .b }}{{ end }}`:                                 "a b!",
		`{{ range .a }}{{ .b }}{{ end }}`:                                          "a a[].b!",
		`{{ range $i, $x := .a }}{{ $x.b }}{{ end }}`:                              "a a[].b!",
		`{{ $x := .a }}{{ $x.b }}`:                                                 "a a.b!",
		`{{ $x := .a }}{{ $x = .b }}{{ $x.c }}`:                                    "a b",
		`{{ index . "a" }}{{ index .b "c" 0 }}`:                                    "a b.c",
		`{{ hasKey . "a" }}`:                                                       "a?",
		`{{ (index . "a").b }}`:                                                    "a",
		`{{ define "x" }}{{ .b }}{{ $.c }}{{ end }}{{ template "x" .a }}`:          "a a.b! a.c!",
		`{{ define "x" }}{{ .b }}{{ template "x" . }}{{ end }}{{ template "x" .}}`: " b! ",
		`{{ toJson . }}`:                                                           "",
		`{{ (fromJson .a).b }}`:                                                    "a",
		`{{ if .a }}{{ else if .b }}{{end}}`:                                       "a b",
		`{{ .a`:                                                                    "none",
	} {
		t.Run(text, func(t *testing.T) {
			uses := templateUses(text)
			var got []string
			for _, use := range uses {
				mark := ""
				if use.printed {
					mark = "!"
				}
				if use.probed {
					mark = "?"
				}
				got = append(got, dotted(use.path)+mark)
			}
			if want == "none" {
				if uses != nil {
					t.Errorf("uses %v of what cannot be parsed", got)
				}
				return
			}
			if strings.Join(got, " ") != want {
				t.Errorf("got %q, want %q", strings.Join(got, " "), want)
			}
		})
	}
}

func TestMisspeltVariables(t *testing.T) {
	class := testClass()
	class.Spec.Variables = []clusterv1.ClusterClassVariable{
		variable("site", clusterv1.JSONSchemaProps{Type: "string"}),
		variable("proxy", clusterv1.JSONSchemaProps{Type: "object", Properties: map[string]clusterv1.JSONSchemaProps{"http": {Type: "string"}}}),
		variable("mounts", clusterv1.JSONSchemaProps{Type: "array", Items: &clusterv1.JSONSchemaProps{Type: "object",
			Properties: map[string]clusterv1.JSONSchemaProps{"source": {Type: "string"}}}}),
		variable("labels", clusterv1.JSONSchemaProps{Type: "object", AdditionalProperties: &clusterv1.JSONSchemaProps{Type: "string"}}),
	}
	for text, want := range map[string]string{
		"{{ .site }}":                                             "",
		"{{ if .sitte }}x{{ end }}":                               `patch "p" reads .sitte, but there is no such variable; did you mean site? (in 2 places)`,
		"{{ .proxy.http }}":                                       "",
		"{{ .proxy.htpp }}":                                       `patch "p" reads .proxy.htpp, but there is no such variable; did you mean proxy.http? (in 2 places)`,
		"{{ range .mounts }}{{ .sauce }}{{end}}":                  `patch "p" reads .mounts[].sauce, but there is no such variable; did you mean mounts[].source? (in 2 places)`,
		"{{ .labels.anything }}":                                  "",
		"{{ .builtin.cluster.name }}":                             "",
		"{{ .builtin.cluster.metadata.labels.x }}":                "",
		"{{ .builtin.machineDeployment.infrastructureRef.name }}": "",
		"{{ .builtin.cluster.topology.verson }}":                  `patch "p" reads .builtin.cluster.topology.verson, but there is no such variable; did you mean builtin.cluster.topology.version? (in 2 places)`,
		"{{ .bultin.cluster.name }}":                              `patch "p" reads .bultin, but there is no such variable; did you mean builtin? (in 2 places)`,
		`{{ hasKey . "other" }}`:                                  "",
		"{{ .somethingElse }}":                                    `patch "p" reads .somethingElse, but there is no such variable (in 2 places)`,
	} {
		t.Run(text, func(t *testing.T) {
			g := NewWithT(t)
			class := class.DeepCopy()
			blueprint := Blueprint{Class: class}
			jsonPatch(blueprint, "p", text, clusterv1.JSONPatch{Op: "add", Path: "/spec/x", ValueFrom: &clusterv1.JSONPatchValue{Template: text}})
			problems := misspelt(class)
			if want == "" {
				g.Expect(problems).To(BeEmpty())
				return
			}
			g.Expect(problems).To(Equal([]Problem{{Class: true, Field: "spec.patches[0].enabledIf", Message: want}}))
		})
	}
}

// A runtime extension may define any variable, but no builtin one.
func TestVariablesOfExtensionsAreNotMisspelt(t *testing.T) {
	g := NewWithT(t)
	class := testClass()
	blueprint := Blueprint{Class: class}
	for _, text := range []string{"{{ .discovered }}", "{{ .builtin.cluster.nam }}"} {
		jsonPatch(blueprint, "p", "", clusterv1.JSONPatch{Op: "add", Path: "/spec/x", ValueFrom: &clusterv1.JSONPatchValue{Template: text}})
	}
	class.Spec.Patches = append(class.Spec.Patches, clusterv1.ClusterClassPatch{
		Name: "elsewhere", External: &clusterv1.ExternalPatchDefinition{DiscoverVariablesExtension: "discover.example"},
	})
	g.Expect(misspelt(class)).To(ConsistOf(HaveField("Message", ContainSubstring("builtin.cluster.nam, but"))))
}

// Nothing that is in use by upstream is taken for misspelt.
func TestUpstreamClassesAreNotMisspelt(t *testing.T) {
	for _, file := range []string{"clusterclass-quick-start.yaml", "clusterclass-in-memory.yaml"} {
		if problems := misspelt(upstreamBlueprint(t, file).Class); len(problems) > 0 {
			t.Errorf("%s: %v", file, problems)
		}
	}
}

// A patch that lacks a variable blames the cluster.
func TestRenderWithoutValue(t *testing.T) {
	for name, value := range map[string]clusterv1.JSONPatchValue{
		"variable":  {Variable: "sites"},
		"list item": {Variable: "sites[0]"},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			blueprint := kubeadmBlueprint(t, newControlPlane, newBootstrap)
			blueprint.Class.Spec.Variables = []clusterv1.ClusterClassVariable{variable("sites", clusterv1.JSONSchemaProps{Type: "object",
				Properties: map[string]clusterv1.JSONSchemaProps{"first": {Type: "string"}}})}
			jsonPatch(blueprint, "sites", "", clusterv1.JSONPatch{Op: "add", Path: "/spec/template/spec/kubeadmConfigSpec/format", ValueFrom: &value})
			_, problems := Render(t.Context(), blueprint, testCluster(nil), nil)
			g.Expect(problems).To(HaveLen(1))
			g.Expect(problems[0].Field).To(Equal("spec.topology.variables"))
			g.Expect(problems[0].Message).To(MatchRegexp(`^no value is set for sites.*, and there is no default; patch "sites" of the class needs it$`))
		})
	}
}

// Values of variables stay out of messages.
func TestRenderKeepsValuesOut(t *testing.T) {
	g := NewWithT(t)
	blueprint := kubeadmBlueprint(t, newControlPlane, newBootstrap)
	blueprint.Class.Spec.Variables = []clusterv1.ClusterClassVariable{variable("password", clusterv1.JSONSchemaProps{Type: "string"})}
	jsonPatch(blueprint, "user", "", clusterv1.JSONPatch{Op: "add", Path: "/spec/template/spec/kubeadmConfigSpec/users",
		ValueFrom: &clusterv1.JSONPatchValue{Template: `[{"name": "{{ .password }}`}})
	_, problems := Render(t.Context(), blueprint, testCluster(setVariable("password", `"hunter2"`)), nil)
	g.Expect(problems).To(HaveLen(1))
	g.Expect(problems[0].Message).To(And(ContainSubstring(`patch "user"`), Not(ContainSubstring("hunter2"))))
}

func TestMisspeltVariableOfCluster(t *testing.T) {
	g := NewWithT(t)
	class := testClass()
	required := func(name string) clusterv1.ClusterClassVariable {
		v := variable(name, clusterv1.JSONSchemaProps{Type: "string", Default: raw(`"x"`)})
		v.Required = new(true)
		return v
	}
	class.Spec.Variables = []clusterv1.ClusterClassVariable{required("size"), required("site")}
	_, problems := ValidateCluster(t.Context(), Reconciled(class), nil, testCluster(setVariable("sitte", `"x"`)))
	g.Expect(problems).To(HaveLen(1))
	g.Expect(problems[0].Field).To(Equal("spec.topology.variables[sitte]"))
	g.Expect(problems[0].Message).To(HaveSuffix("variable is not defined; did you mean site?"))

	// A fault of another variable shows all the same.
	cluster := testCluster(setVariable("sitte", `"x"`))
	cluster.Spec.Topology.Variables = append(cluster.Spec.Topology.Variables, clusterv1.ClusterVariable{Name: "size", Value: *raw("1")})
	_, problems = ValidateCluster(t.Context(), Reconciled(class), nil, cluster)
	g.Expect(slices.IndexFunc(problems, func(p Problem) bool { return strings.HasPrefix(p.Field, "spec.topology.variables[size]") })).To(BeNumerically(">=", 0))
	g.Expect(problems).To(HaveLen(2))
}
