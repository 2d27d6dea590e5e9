// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package topology

import (
	"encoding/json"
	"maps"
	"slices"
	"testing"

	. "github.com/onsi/gomega"
	"k8s.io/utils/ptr"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
	"sigs.k8s.io/yaml"
)

func TestVariablesTemplate(t *testing.T) {
	for name, test := range map[string]struct {
		schema string
		want   string
	}{
		"a default":                 {`{type: string, default: d, example: e}`, `"d"`},
		"an example":                {`{type: string, example: e, enum: [f, e]}`, `"e"`},
		"an enumeration":            {`{type: string, enum: [small, big]}`, `"small"`},
		"any text":                  {`{type: string}`, `"<it>"`},
		"a long text":               {`{type: string, minLength: 8}`, `"itxxxxxx"`},
		"a short text":              {`{type: string, maxLength: 3}`, `"it"`},
		"a text that is cut":        {`{type: string, maxLength: 1}`, `"i"`},
		"a pattern":                 {`{type: string, pattern: "^ami-[0-9a-f]{8}$"}`, `"ami-aaaaaaaa"`},
		"a pattern and a length":    {`{type: string, pattern: "^[a-z]+$", minLength: 4}`, `"aaaa"`},
		"a pattern with branches":   {`{type: string, pattern: "^$|^https://[^/]+$"}`, `"https://a"`},
		"a version":                 {`{type: string, pattern: '^v\d+\.\d+\.\d+$'}`, `"v1.1.1"`},
		"an address":                {`{type: string, format: ipv4}`, `"10.0.0.1"`},
		"a network":                 {`{type: string, format: cidr}`, `"10.0.0.0/16"`},
		"a text by rule":            {`{type: string, x-kubernetes-validations: [{rule: "self.size() == 2"}]}`, `"it"`},
		"any number":                {`{type: integer}`, `1`},
		"a least number":            {`{type: integer, minimum: 3}`, `3`},
		"more than a number":        {`{type: integer, minimum: 3, exclusiveMinimum: true}`, `4`},
		"at most a number":          {`{type: integer, maximum: -3}`, `-3`},
		"less than a number":        {`{type: integer, maximum: 0, exclusiveMaximum: true}`, `-1`},
		"between two whole numbers": {`{type: number, minimum: 3, maximum: 4, exclusiveMinimum: true, exclusiveMaximum: true}`, `3.5`},
		"a number by rule":          {`{type: integer, minimum: 3, x-kubernetes-validations: [{rule: "self % 2 == 0"}]}`, `4`},
		"a number or a text":        {`{x-kubernetes-int-or-string: true}`, `1`},
		"yes or no":                 {`{type: boolean}`, `false`},
		"yes by rule":               {`{type: boolean, x-kubernetes-validations: [{rule: self}]}`, `true`},
		"a list":                    {`{type: array, items: {type: string}}`, `[]`},
		"a list of two":             {`{type: array, minItems: 2, items: {type: integer, minimum: 5}}`, `[5, 5]`},
		"a list by rule":            {`{type: array, items: {type: string}, x-kubernetes-validations: [{rule: "self.size() > 0"}]}`, `["<it>"]`},
		"all properties": {`{type: object, required: [zone], properties: {zone: {type: string}, size: {type: integer, default: 2}, left: {type: object, properties: {deep: {type: boolean}}}}}`,
			`{"zone": "<zone>", "size": 2, "left": {"deep": false}}`},
		"not all properties": {`{type: object, properties: {a: {type: string}, b: {type: string}}, x-kubernetes-validations: [{rule: "!(has(self.a) && has(self.b))"}]}`,
			`{"b": "<b>"}`},
		"one of the properties": {`{type: object, properties: {a: {type: string}, b: {type: string}, c: {type: string}}, oneOf: [{required: [a]}, {required: [b]}, {required: [c]}]}`,
			`{"a": "<a>"}`},
		"at most one property":    {`{type: object, maxProperties: 1, properties: {a: {type: string}, b: {type: string}, c: {type: string}}}`, `{"a": "<a>"}`},
		"a map":                   {`{type: object, additionalProperties: {type: string}}`, `{}`},
		"a map that is not empty": {`{type: object, minProperties: 2, additionalProperties: {type: integer}}`, `{"key1": 1, "key2": 1}`},
		"anything":                {`{type: object, x-kubernetes-preserve-unknown-fields: true}`, `{}`},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			class := testClass()
			class.Spec.Variables = []clusterv1.ClusterClassVariable{variable("it", schemaOf(g, test.schema))}
			class.Spec.Variables[0].Required = ptr.To(true)
			cluster, values := withTemplate(g, class)
			g.Expect(string(cluster.Spec.Topology.Variables[0].Value.Raw)).To(MatchJSON(test.want), "%v", values)
			_, problems := ValidateCluster(t.Context(), Reconciled(class), nil, cluster)
			g.Expect(problems).To(BeEmpty())
		})
	}
}

// An optional variable without a default is declared if a patch cannot do without it.
func TestVariablesTemplateForPatches(t *testing.T) {
	for name, test := range map[string]struct {
		patch  string
		schema string
		want   any
	}{
		"none":                {`{}`, `{type: string}`, nil},
		"a variable":          {`{variable: it}`, `{type: string}`, "<it>"},
		"a property":          {`{variable: it.a}`, `{type: object, properties: {a: {type: string}, b: {type: string}}}`, map[string]any{"a": "<a>", "b": "<b>"}},
		"a part of a default": {`{variable: it.a}`, `{type: object, default: {b: x}, properties: {a: {type: string}, b: {type: string}}}`, map[string]any{"a": "<a>", "b": "x"}},
		"a key of a map":      {`{variable: it.zone}`, `{type: object, additionalProperties: {type: string}}`, map[string]any{"zone": "<zone>"}},
		"an item":             {`{variable: "it[1].a"}`, `{type: array, items: {type: object, properties: {a: {type: boolean}}}}`, []any{map[string]any{"a": false}, map[string]any{"a": false}}},
		"printed":             {`{template: "image: {{ .it | quote }}"}`, `{type: string}`, "<it>"},
		"printed in brackets": {`{template: "image: {{ printf \"%s\" (upper $.it) }}"}`, `{type: string}`, "<it>"},
		"printed if it is":    {`{template: "{{ if .it }}{{ .it }}{{ end }}"}`, `{type: string}`, nil},
		"with a fallback":     {`{template: "{{ .it | default 3 }}"}`, `{type: integer}`, nil},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			class := testClass()
			class.Spec.Variables = []clusterv1.ClusterClassVariable{variable("it", schemaOf(g, test.schema))}
			source := &clusterv1.JSONPatchValue{}
			g.Expect(yaml.UnmarshalStrict([]byte(test.patch), source)).To(Succeed())
			class.Spec.Patches = []clusterv1.ClusterClassPatch{{Definitions: []clusterv1.PatchDefinition{{
				JSONPatches: []clusterv1.JSONPatch{{Op: "add", Path: "/spec", ValueFrom: source}},
			}}}}
			_, values := withTemplate(g, class)
			if test.want == nil {
				g.Expect(values).To(HaveKeyWithValue("it", BeNil()))
			} else {
				g.Expect(values).To(HaveKeyWithValue("it", test.want))
			}
			class.Spec.Patches[0].EnabledIf = "{{ .builtin.cluster.name }}"
			_, values = withTemplate(g, class)
			if class.Spec.Variables[0].Schema.OpenAPIV3Schema.Default == nil {
				g.Expect(values).To(HaveKeyWithValue("it", BeNil()), "the patch need not be enabled")
			}
		})
	}
}

// What the template has of upstream's class is a valid beginning.
func TestVariablesTemplateIsValid(t *testing.T) {
	g := NewWithT(t)
	class := quickStart(t).Class
	cluster, _ := withTemplate(g, class)
	g.Expect(cluster.Spec.Topology.Variables).NotTo(BeEmpty())
	_, problems := ValidateCluster(t.Context(), Reconciled(class), nil, cluster)
	g.Expect(problems).To(BeEmpty())
}

// withTemplate returns a cluster with the values of the class's template, and these.
func withTemplate(g *WithT, class *clusterv1.ClusterClass) (*clusterv1.Cluster, map[string]any) {
	values, err := VariablesTemplate(class)
	g.Expect(err).NotTo(HaveOccurred())
	cluster := testCluster(nil)
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if values[name] == nil {
			continue
		}
		encoded, err := json.Marshal(values[name])
		g.Expect(err).NotTo(HaveOccurred())
		cluster.Spec.Topology.Variables = append(cluster.Spec.Topology.Variables, clusterv1.ClusterVariable{Name: name, Value: *raw(string(encoded))})
	}
	return cluster, values
}

func schemaOf(g *WithT, text string) clusterv1.JSONSchemaProps {
	var schema clusterv1.JSONSchemaProps
	g.Expect(yaml.UnmarshalStrict([]byte(text), &schema)).To(Succeed())
	return schema
}
