// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package topology

import (
	"fmt"
	"testing"

	"k8s.io/utils/ptr"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
)

// manyPatches is a class of many patches, and a cluster of many machine deployments.
func manyPatches(tb testing.TB, deployments, patches int) (Blueprint, *clusterv1.Cluster) {
	tb.Helper()
	blueprint := kubeadmBlueprint(tb, newControlPlane, newBootstrap)
	class := blueprint.Class
	other := class.Spec.Workers.MachineDeployments[0].DeepCopy()
	other.Class = "other-worker"
	class.Spec.Workers.MachineDeployments = append(class.Spec.Workers.MachineDeployments, *other)
	class.Spec.Variables = []clusterv1.ClusterClassVariable{variable("size", clusterv1.JSONSchemaProps{Type: "integer", Default: raw("1")})}
	machine := class.Spec.ControlPlane.MachineInfrastructure.TemplateRef
	for i := range patches {
		class.Spec.Patches = append(class.Spec.Patches, clusterv1.ClusterClassPatch{
			Name: fmt.Sprintf("patch-%d", i), EnabledIf: "{{ gt .size 0.0 }}", Definitions: []clusterv1.PatchDefinition{{
				Selector: clusterv1.PatchSelector{APIVersion: machine.APIVersion, Kind: machine.Kind, MatchResources: clusterv1.PatchSelectorMatch{
					ControlPlane:           ptr.To(true),
					MachineDeploymentClass: &clusterv1.PatchSelectorMatchMachineDeploymentClass{Names: []string{"default-worker", "other-worker"}},
				}},
				JSONPatches: []clusterv1.JSONPatch{{Op: "add", Path: fmt.Sprintf("/spec/template/spec/field%d", i),
					ValueFrom: &clusterv1.JSONPatchValue{Template: "{{ .size }}-{{ .builtin.cluster.name }}"}}},
			}},
		})
	}
	cluster := testCluster(func(c *clusterv1.Cluster) {
		c.Spec.Topology.ControlPlane.Replicas = ptr.To[int32](3)
		c.Spec.Topology.Workers.MachineDeployments = nil
		for i := range deployments {
			c.Spec.Topology.Workers.MachineDeployments = append(c.Spec.Topology.Workers.MachineDeployments,
				clusterv1.MachineDeploymentTopology{Name: fmt.Sprintf("md-%d", i), Class: "default-worker", Replicas: ptr.To[int32](1)})
		}
	})
	return blueprint, cluster
}

// BenchmarkManyPatches renders a cluster of sixty machine deployments with a class of two hundred patches.
func BenchmarkManyPatches(b *testing.B) {
	blueprint, cluster := manyPatches(b, 60, 200)
	for b.Loop() {
		if _, problems := Render(b.Context(), blueprint, cluster, nil); len(problems) > 0 {
			b.Fatal(problems)
		}
	}
}
