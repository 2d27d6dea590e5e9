// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package topology

import (
	"testing"

	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
	"sigs.k8s.io/yaml"
)

func TestConvertVariables(t *testing.T) {
	for name, test := range map[string]struct{ schema, value, want string }{
		"a number as text":      {`{type: string}`, `5`, `"5"`},
		"a fraction as text":    {`{type: string}`, `0.5`, `"0.5"`},
		"a boolean as text":     {`{type: string}`, `true`, `"true"`},
		"text":                  {`{type: string}`, `"05"`, `"05"`},
		"a whole number":        {`{type: integer}`, `"5"`, `5`},
		"no whole number":       {`{type: integer}`, `"5.5"`, `"5.5"`},
		"a number":              {`{type: number}`, `"5.5"`, `5.5`},
		"no number":             {`{type: number}`, `"NaN"`, `"NaN"`},
		"a boolean":             {`{type: boolean}`, `"false"`, `false`},
		"no boolean":            {`{type: boolean}`, `"yes"`, `"yes"`},
		"a number, not boolean": {`{type: boolean}`, `1`, `1`},
		"left open":             {`{x-kubernetes-int-or-string: true}`, `"5"`, `"5"`},
		"anything":              {`{type: object, x-kubernetes-preserve-unknown-fields: true}`, `{"a": 5}`, `{"a": 5}`},
		"deep": {`{type: object, properties: {a: {type: array, items: {type: string}}}, additionalProperties: {type: integer}}`,
			`{"a": [1, "b"], "c": "7"}`, `{"a": ["1", "b"], "c": 7}`},
		"null": {`{type: string}`, `null`, `null`},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			class := testClass()
			class.Spec.Variables = []clusterv1.ClusterClassVariable{variable("it", schemaOf(g, test.schema))}
			content := map[string]any{}
			variables := "[{name: it, value: " + test.value + "}, {name: other, value: 1}]"
			g.Expect(yaml.Unmarshal([]byte(`
spec:
  topology:
    variables: `+variables+`
    controlPlane: {variables: {overrides: `+variables+`}}
    workers:
      machineDeployments: [{name: a}, {variables: {overrides: `+variables+`}}]
      machinePools: [{variables: {overrides: `+variables+`}}]
`), &content)).To(Succeed())
			encoded, err := copied(content)
			g.Expect(err).NotTo(HaveOccurred())
			for _, converts := range []*clusterv1.ClusterClass{class, Reconciled(class)} {
				cluster := (&unstructured.Unstructured{Object: asMap(encoded)}).DeepCopy()
				ConvertVariables(converts, cluster)
				topology := asMap(asMap(cluster.Object["spec"])["topology"])
				workers := asMap(topology["workers"])
				deployments, _ := workers["machineDeployments"].([]any)
				pools, _ := workers["machinePools"].([]any)
				for _, list := range []any{
					topology["variables"],
					asMap(asMap(topology["controlPlane"])["variables"])["overrides"],
					asMap(asMap(deployments[1])["variables"])["overrides"],
					asMap(asMap(pools[0])["variables"])["overrides"],
				} {
					text, err := yaml.Marshal(list)
					g.Expect(err).NotTo(HaveOccurred())
					g.Expect(text).To(MatchYAML("[{name: it, value: " + test.want + "}, {name: other, value: 1}]"))
				}
			}
		})
	}
}

func TestConvertFields(t *testing.T) {
	for name, test := range map[string]struct{ object, want string }{
		"a template": {
			`{apiVersion: infrastructure.cluster.x-k8s.io/v1beta2, kind: DockerMachineTemplate, spec: {template: {spec: {customImage: 5, extraMounts: [{readOnly: "true"}]}}}}`,
			`{customImage: "5", extraMounts: [{readOnly: true}]}`,
		},
		"a template of another provider": {
			`{apiVersion: example.com/v1, kind: BoxTemplate, spec: {template: {spec: {customImage: 5}}}}`, `{customImage: 5}`,
		},
		"a field that there is not": {
			`{apiVersion: infrastructure.cluster.x-k8s.io/v1beta2, kind: DockerMachineTemplate, spec: {template: {spec: {nope: 5}}}}`, `{nope: 5}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			var content any
			g.Expect(yaml.Unmarshal([]byte(test.object), &content)).To(Succeed())
			content, err := copied(content)
			g.Expect(err).NotTo(HaveOccurred())
			obj := &unstructured.Unstructured{Object: asMap(content)}
			ConvertFields(obj)
			text, err := yaml.Marshal(asMap(asMap(obj.Object["spec"])["template"])["spec"])
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(text).To(MatchYAML(test.want))
		})
	}
}
