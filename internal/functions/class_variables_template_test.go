// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package functions_test

import (
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/types"
	. "github.com/onsi/gomega"

	"github.com/terraform-capi/terraform-provider-capi/internal/functions"
	"github.com/terraform-capi/terraform-provider-capi/internal/tfkit"
)

const manifest = `
apiVersion: cluster.x-k8s.io/v1beta2
kind: ClusterClass
metadata:
  name: small
spec:
  infrastructure:
    templateRef: {apiVersion: infrastructure.cluster.x-k8s.io/v1beta2, kind: DockerClusterTemplate, name: small}
  controlPlane:
    templateRef: {apiVersion: controlplane.cluster.x-k8s.io/v1beta2, kind: KubeadmControlPlaneTemplate, name: small}
  variables:
  - name: region
    required: true
    schema: {openAPIV3Schema: {type: string}}
  - name: size
    required: false
    schema: {openAPIV3Schema: {type: integer, default: 3}}
  - name: proxy
    required: false
    schema: {openAPIV3Schema: {type: string}}
---
apiVersion: infrastructure.cluster.x-k8s.io/v1beta2
kind: DockerClusterTemplate
metadata:
  name: small
spec:
  template:
    spec: {}
---
apiVersion: controlplane.cluster.x-k8s.io/v1beta2
kind: KubeadmControlPlaneTemplate
metadata:
  name: small
spec:
  template:
    spec: {kubeadmConfigSpec: {format: cloud-config}}
`

func TestClassVariablesTemplate(t *testing.T) {
	declared := map[string]any{
		"region": map[string]any{"required": true, "schema": map[string]any{"type": "string"}},
		"size":   map[string]any{"schema": map[string]any{"type": "integer", "default": int64(3)}},
		"proxy":  map[string]any{"schema": map[string]any{"type": "string"}},
	}
	read := map[string]any{
		"region": map[string]any{"required": true, "from": "inline", "schema": map[string]any{"type": "string"}},
		"size":   map[string]any{"required": false, "from": "inline", "schema": map[string]any{"type": "integer", "default": int64(3)}},
		"proxy":  map[string]any{"required": false, "from": "proxies", "schema": map[string]any{"type": "string"}},
	}
	for name, class := range map[string]types.Dynamic{
		"manifest":                 types.DynamicValue(types.StringValue(manifest)),
		"variables of a resource":  dynamic(t, declared),
		"variables of data source": dynamic(t, read),
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			result, err := run(t, functions.NewClassVariablesTemplate(), class)
			g.Expect(err).To(BeNil())
			values, convertErr := tfkit.ToAny(result)
			g.Expect(convertErr).NotTo(HaveOccurred())
			g.Expect(values).To(Equal(map[string]any{"region": "<region>", "size": int64(3), "proxy": nil}))
		})
	}
}

func TestClassVariablesTemplateRefuses(t *testing.T) {
	for name, test := range map[string]struct {
		class types.Dynamic
		want  string
	}{
		"no YAML":                {types.DynamicValue(types.StringValue("a: b: c")), "YAML"},
		"no class":               {types.DynamicValue(types.StringValue("apiVersion: v1\nkind: Secret\nmetadata: {name: a}\n")), "ClusterClass"},
		"something else":         {types.DynamicValue(types.BoolValue(true)), "variables"},
		"a variable of no shape": {dynamic(t, map[string]any{"region": map[string]any{"type": "string"}}), "variables.*.type: there is no such attribute"},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			_, err := run(t, functions.NewClassVariablesTemplate(), test.class)
			expect(g, err, test.want, 0)
		})
	}
}

func dynamic(t *testing.T, value any) types.Dynamic {
	t.Helper()
	converted, err := tfkit.DynamicFromAny(value)
	if err != nil {
		t.Fatal(err)
	}
	return converted
}
