// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package topology

import (
	"testing"

	. "github.com/onsi/gomega"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
	"sigs.k8s.io/cluster-api/feature"
)

// A gate that Cluster API adds is looked at before a plan refuses what is behind it.
func TestEveryGateIsClassified(t *testing.T) {
	if err := enableFeatures(); err != nil {
		t.Fatal(err)
	}
	upstream := feature.MutableGates.GetAll()
	for name := range upstream {
		// Kubernetes' own, which set all others at once.
		if name == "AllAlpha" || name == "AllBeta" {
			continue
		}
		gate, found := gates[name]
		if !found || gate.reason == "" {
			t.Errorf("nobody has said whether the gate %s is open at plan, and why", name)
		}
		if gate.open != nil && feature.Gates.Enabled(name) != *gate.open {
			t.Errorf("gate %s is not as it is said to be", name)
		}
	}
	for name := range gates {
		if _, found := upstream[name]; !found {
			t.Errorf("Cluster API has no gate %s any more", name)
		}
	}
}

// What a management cluster decides about passes at plan.
func TestGatedFieldsPass(t *testing.T) {
	for name, change := range map[string]func(Blueprint, *clusterv1.Cluster){
		"Ignition": func(b Blueprint, _ *clusterv1.Cluster) {
			for _, template := range []string{"cp", "join"} {
				path := []string{"spec", "template", "spec", "format"}
				if template == "cp" {
					path = []string{"spec", "template", "spec", "kubeadmConfigSpec", "format"}
				}
				setField(t, b.template(t, template), "ignition", path...)
			}
		},
		"Ignition, old version": func(b Blueprint, _ *clusterv1.Cluster) {
			*b.template(t, "cp") = *kubeadmBlueprint(t, oldControlPlane, oldBootstrap).template(t, "cp")
			b.Class.Spec.ControlPlane.TemplateRef.APIVersion = b.template(t, "cp").GetAPIVersion()
			setField(t, b.template(t, "cp"), "ignition", "spec", "template", "spec", "kubeadmConfigSpec", "format")
		},
		"taints": func(_ Blueprint, c *clusterv1.Cluster) {
			c.Spec.Topology.ControlPlane.Taints = []clusterv1.MachineTaint{{Key: "a", Effect: "NoSchedule", Propagation: clusterv1.MachineTaintPropagationAlways}}
		},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			blueprint, cluster := kubeadmBlueprint(t, newControlPlane, newBootstrap), testCluster(nil)
			change(blueprint, cluster)
			g.Expect(ValidateBlueprint(t.Context(), nil, blueprint, nil)).To(BeEmpty())
			_, problems := ValidateCluster(t.Context(), Reconciled(blueprint.Class), nil, cluster)
			g.Expect(problems).To(BeEmpty())
			rendering, problems := Render(t.Context(), blueprint, cluster, nil)
			g.Expect(problems).To(BeEmpty())
			g.Expect(rendering).NotTo(BeNil())
		})
	}
}
