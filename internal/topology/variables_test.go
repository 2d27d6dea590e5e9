// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package topology

import (
	"encoding/json"
	"testing"

	. "github.com/onsi/gomega"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/utils/ptr"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
)

func TestVariablesTemplate(t *testing.T) {
	g := NewWithT(t)
	required := func(name string, schema clusterv1.JSONSchemaProps) clusterv1.ClusterClassVariable {
		v := variable(name, schema)
		v.Required = ptr.To(true)
		return v
	}
	class := testClass()
	class.Spec.Variables = []clusterv1.ClusterClassVariable{
		variable("defaulted", clusterv1.JSONSchemaProps{Type: "string", Default: raw(`"d"`), Example: raw(`"e"`)}),
		variable("optional", clusterv1.JSONSchemaProps{Type: "string", Example: raw(`"e"`)}),
		required("example", clusterv1.JSONSchemaProps{Type: "string", Example: raw(`"e"`)}),
		required("enumerated", clusterv1.JSONSchemaProps{Type: "string", Enum: []apiextensionsv1.JSON{*raw(`"small"`), *raw(`"big"`)}}),
		required("text", clusterv1.JSONSchemaProps{Type: "string"}),
		required("number", clusterv1.JSONSchemaProps{Type: "integer", Minimum: ptr.To[int64](3)}),
		required("flag", clusterv1.JSONSchemaProps{Type: "boolean"}),
		required("list", clusterv1.JSONSchemaProps{Type: "array"}),
		required("object", clusterv1.JSONSchemaProps{Type: "object", Required: []string{"zone"}, Properties: map[string]clusterv1.JSONSchemaProps{
			"zone": {Type: "string"}, "size": {Type: "integer", Default: raw("2")}, "left": {Type: "string"}}}),
	}
	g.Expect(VariablesTemplate(class)).To(Equal(map[string]any{
		"defaulted": "d", "optional": nil, "example": "e", "enumerated": "small", "text": "<text>", "number": float64(3),
		"flag": false, "list": []any{}, "object": map[string]any{"zone": "<zone>", "size": float64(2)},
	}))
}

// What the template has of upstream's class is a valid beginning.
func TestVariablesTemplateIsValid(t *testing.T) {
	g := NewWithT(t)
	class := quickStart(t).Class
	cluster := quickStartCluster()
	for name, value := range VariablesTemplate(class) {
		if value == nil {
			continue
		}
		encoded, err := json.Marshal(value)
		g.Expect(err).NotTo(HaveOccurred())
		cluster.Spec.Topology.Variables = append(cluster.Spec.Topology.Variables, clusterv1.ClusterVariable{Name: name, Value: *raw(string(encoded))})
	}
	g.Expect(cluster.Spec.Topology.Variables).NotTo(BeEmpty())
	_, problems := ValidateCluster(t.Context(), Reconciled(class), nil, cluster)
	g.Expect(problems).To(BeEmpty())
}
