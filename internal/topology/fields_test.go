// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package topology

import (
	"strings"
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

// A field that another version has is found where it went; other names that are near.
func TestFieldsInstead(t *testing.T) {
	for name, tc := range map[string]struct{ object, want string }{
		"health check": {"{apiVersion: cluster.x-k8s.io/v1beta2, kind: ClusterClass, spec: {controlPlane: {machineHealthCheck: {maxUnhealthy: 40%}}}}",
			"; in v1beta2 there is spec.controlPlane.healthCheck.remediation.triggerIf.unhealthyLessThanOrEqualTo instead"},
		"health check of the new kind": {"{apiVersion: cluster.x-k8s.io/v1beta2, kind: ClusterClass, spec: {controlPlane: {machineHealthCheck: {checks: {nodeStartupTimeoutSeconds: 1}}}}}",
			"; in v1beta2 there is spec.controlPlane.healthCheck instead"},
		"of the second worker class": {"{apiVersion: cluster.x-k8s.io/v1beta2, kind: ClusterClass, spec: {workers: {machineDeployments: [{class: a}, {class: b, template: {metadata: {labels: {a: b, c: d}}, bootstrap: {ref: {kind: XTemplate, name: x}}}}]}}}",
			"; in v1beta2 there is spec.workers.machineDeployments[1].bootstrap.templateRef, spec.workers.machineDeployments[1].metadata.labels instead"},
		"reference": {"{apiVersion: cluster.x-k8s.io/v1beta2, kind: ClusterClass, spec: {controlPlane: {machineInfrastructure: {ref: {apiVersion: a.b/v1, kind: BoxTemplate, name: box}}}}}",
			"; in v1beta2 there is spec.controlPlane.machineInfrastructure.templateRef instead"},
		"class of a cluster": {"{apiVersion: cluster.x-k8s.io/v1beta2, kind: Cluster, spec: {topology: {class: quick}}}",
			"; in v1beta2 there is spec.topology.classRef.name instead"},
		"strategy": {"{apiVersion: controlplane.cluster.x-k8s.io/v1beta2, kind: KubeadmControlPlaneTemplate, spec: {template: {spec: {rolloutStrategy: {type: RollingUpdate, rollingUpdate: {maxSurge: 1}}}}}}",
			"; in v1beta2 there is spec.template.spec.rollout.strategy instead"},
		"time-out of bootstrap": {"{apiVersion: bootstrap.cluster.x-k8s.io/v1beta2, kind: KubeadmConfigTemplate, spec: {template: {spec: {useExperimentalRetryJoin: true}}}}", ""},
		"older version": {"{apiVersion: controlplane.cluster.x-k8s.io/v1beta1, kind: KubeadmControlPlaneTemplate, spec: {template: {spec: {rollout: {strategy: {type: RollingUpdate, rollingUpdate: {maxSurge: 1}}}}}}}",
			"; in v1beta1 there is spec.template.spec.rolloutStrategy instead"},
		"misspelt":        {"{apiVersion: infrastructure.cluster.x-k8s.io/v1beta2, kind: DockerMachineTemplate, spec: {template: {spec: {customimage: x}}}}", "; did you mean customImage?"},
		"nothing like it": {"{apiVersion: infrastructure.cluster.x-k8s.io/v1beta2, kind: DockerMachineTemplate, spec: {template: {spec: {flavor: x}}}}", ""},
		"wrong value":     {"{apiVersion: cluster.x-k8s.io/v1beta2, kind: ClusterClass, spec: {controlPlane: {machineHealthCheck: 1}}}", "; in v1beta2 there is spec.controlPlane.healthCheck instead"},
	} {
		t.Run(name, func(t *testing.T) {
			content := map[string]any{}
			if err := yaml.Unmarshal([]byte(tc.object), &content); err != nil {
				t.Fatal(err)
			}
			var found []string
			for _, problem := range ValidateFields(t.Context(), &unstructured.Unstructured{Object: content}) {
				if text, isUnknown := strings.CutPrefix(problem.Message, noSuchField); isUnknown {
					found = append(found, text)
				}
			}
			if len(found) != 1 || found[0] != tc.want {
				t.Errorf("got %q, want %q", found, tc.want)
			}
		})
	}
}
