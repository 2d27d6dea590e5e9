// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package topology

import (
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

func TestValidateFields(t *testing.T) {
	for name, tc := range map[string]struct{ object, field string }{
		"good":          {"{apiVersion: infrastructure.cluster.x-k8s.io/v1beta2, kind: DockerMachineTemplate, spec: {template: {spec: {customImage: x}}}}", ""},
		"unknown kind":  {"{apiVersion: a.b/v1, kind: SomeTemplate, spec: {a: b}}", ""},
		"unknown field": {"{apiVersion: infrastructure.cluster.x-k8s.io/v1beta2, kind: DockerMachineTemplate, spec: {template: {spec: {image: x}}}}", "spec.template.spec.image"},
		"wrong type":    {"{apiVersion: infrastructure.cluster.x-k8s.io/v1beta2, kind: DockerMachineTemplate, spec: {template: {spec: {customImage: 1}}}}", "spec.template.spec.customImage"},
		"old version":   {"{apiVersion: bootstrap.cluster.x-k8s.io/v1beta1, kind: KubeadmConfigTemplate, spec: {template: {spec: {formt: x}}}}", "spec.template.spec.formt"},
		"rule": {"{apiVersion: bootstrap.cluster.x-k8s.io/v1beta2, kind: KubeadmConfigTemplate, spec: {template: {spec: {initConfiguration: {nodeRegistration: {kubeletExtraArgs: [{name: a, value: b}, {name: a, value: b}]}}}}}}",
			"spec.template.spec.initConfiguration.nodeRegistration.kubeletExtraArgs[1]"},
		"key twice": {"{apiVersion: cluster.x-k8s.io/v1beta2, kind: Cluster, spec: {topology: {classRef: {name: a}, version: v1.35.0, controlPlane: {taints: [{key: a, effect: NoExecute, propagation: Always}, {key: a, effect: NoExecute, propagation: Always}]}}}}",
			"spec.topology.controlPlane.taints[1]"},
		"condition": {"{apiVersion: cluster.x-k8s.io/v1beta2, kind: Cluster, spec: {topology: {classRef: {name: a}, version: v1.35.0, controlPlane: {healthCheck: {checks: {unhealthyMachineConditions: [{type: Ready, status: Unknown, timeoutSeconds: 1}]}}}}}}",
			"spec.topology.controlPlane.healthCheck.checks.unhealthyMachineConditions[0].type"},
	} {
		t.Run(name, func(t *testing.T) {
			content := map[string]any{}
			if err := yaml.Unmarshal([]byte(tc.object), &content); err != nil {
				t.Fatal(err)
			}
			problems := ValidateFields(t.Context(), &unstructured.Unstructured{Object: content})
			switch {
			case tc.field == "" && len(problems) > 0:
				t.Errorf("refused: %v", problems)
			case tc.field != "" && (len(problems) == 0 || problems[0].Field != tc.field):
				t.Errorf("got %v, want a problem with %s", problems, tc.field)
			}
		})
	}
}
