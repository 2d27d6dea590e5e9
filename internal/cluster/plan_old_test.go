// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package cluster_test

import (
	"testing"

	"github.com/hashicorp/terraform-plugin-go/tftypes"
	"sigs.k8s.io/yaml"

	"github.com/terraform-capi/terraform-provider-capi/internal/acctest"
	"github.com/terraform-capi/terraform-provider-capi/internal/cluster"
	"github.com/terraform-capi/terraform-provider-capi/internal/clusterclass"
)

// oldControlPlane is a configuration whose control plane is of kubeadm's version
// v1beta1, and no machines are of bundled kinds.
func oldControlPlane(strategy object) *configuration {
	c := newConfiguration("old")
	box := func() object {
		return object{"template": object{"api_version": "infrastructure.example.com/v1", "kind": "BoxTemplate", "spec": object{"size": 1}}}
	}
	c.class["patches"] = nil
	in(c.cluster, "topology", "control_plane")["replicas"] = 3
	c.class["infrastructure"] = object{"template": object{"api_version": "infrastructure.example.com/v1", "kind": "NetTemplate", "spec": object{}}}
	c.class["control_plane"] = object{"machine_infrastructure": box(), "template": object{
		"api_version": "controlplane.cluster.x-k8s.io/v1beta1", "kind": "KubeadmControlPlaneTemplate",
		"spec": object{"kubeadmConfigSpec": object{}, "rolloutStrategy": strategy},
	}}
	worker := in(c.class, "workers", "machine_deployments", "default-worker")
	worker["infrastructure"] = box()
	in(worker, "bootstrap", "template")["api_version"] = "bootstrap.cluster.x-k8s.io/v1beta1"
	return c
}

func surge(n int) object {
	return object{"type": "RollingUpdate", "rollingUpdate": object{"maxSurge": n}}
}

// A class whose control plane is of an older version is planned, and its clusters
// are told what rolls as others are.
func TestPlanOfOldControlPlane(t *testing.T) {
	before, moreSurge, upgraded := oldControlPlane(surge(1)), oldControlPlane(surge(0)), oldControlPlane(surge(1))
	in(upgraded.cluster, "topology")["version"] = "v1.35.0"
	for name, tc := range map[string]struct {
		after     *configuration
		wantRolls int
	}{
		"another strategy": {moreSurge, 0},
		"another version":  {upgraded, 2},
	} {
		t.Run(name, func(t *testing.T) {
			changes := planUpdate(t, before, tc.after)
			for resource, change := range changes {
				for _, d := range change.Diagnostics {
					t.Errorf("%s: %s: %s", resource, d.Summary, d.Detail)
				}
			}
			if t.Failed() {
				return
			}
			var rolls []tftypes.Value
			if err := changes[cluster.ResourceType].Attribute(t, "rollout").As(&rolls); err != nil {
				t.Fatal(err)
			}
			if len(rolls) != tc.wantRolls {
				t.Fatalf("the plan announces %v", rolls)
			}
			for _, roll := range rolls {
				var fields map[string]tftypes.Value
				if err := roll.As(&fields); err != nil {
					t.Fatal(err)
				}
				if !fields["strategy"].Equal(tftypes.NewValue(tftypes.String, "RollingUpdate")) || !fields["max_surge"].Equal(tftypes.NewValue(tftypes.String, "1")) {
					t.Errorf("the plan announces %v", fields)
				}
			}
		})
	}
}

// The same class as a manifest.
func TestPlanOfOldControlPlaneInManifest(t *testing.T) {
	template := func(apiVersion, kind string) object {
		return object{"apiVersion": apiVersion, "kind": kind, "name": "a"}
	}
	documents := []object{
		{"apiVersion": "cluster.x-k8s.io/v1beta2", "kind": "ClusterClass", "metadata": object{"name": "old-class"}, "spec": object{
			"infrastructure": object{"templateRef": template("infrastructure.example.com/v1", "NetTemplate")},
			"controlPlane": object{
				"templateRef":           template("controlplane.example.com/v1beta1", "SomeControlPlaneTemplate"),
				"machineInfrastructure": object{"templateRef": template("infrastructure.example.com/v1", "BoxTemplate")},
			},
		}},
		{"apiVersion": "infrastructure.example.com/v1", "kind": "NetTemplate", "metadata": object{"name": "a"}, "spec": object{"template": object{"spec": object{}}}},
		{"apiVersion": "infrastructure.example.com/v1", "kind": "BoxTemplate", "metadata": object{"name": "a"}, "spec": object{"template": object{"spec": object{}}}},
		{"apiVersion": "controlplane.example.com/v1beta1", "kind": "SomeControlPlaneTemplate", "metadata": object{"name": "a"}, "spec": object{"template": object{"spec": object{}}}},
	}
	manifest := ""
	for _, document := range documents {
		raw, err := yaml.Marshal(document)
		if err != nil {
			t.Fatal(err)
		}
		manifest += "---\n" + string(raw)
	}
	protocol := newProtocol(t)
	for _, resource := range []struct {
		name    string
		content object
	}{
		{clusterclass.ResourceType, object{"management_cluster": "kind://none", "manifest": manifest}},
		{cluster.ResourceType, object{"management_cluster": "kind://none", "name": "one", "topology": object{
			"class": "old-class", "version": "v1.35.0", "control_plane": object{"replicas": 3}}}},
	} {
		change := protocol.Plan(t, resource.name, acctest.Value(t, protocol.Type(resource.name), resource.content), acctest.Object{})
		for _, d := range change.Diagnostics {
			t.Errorf("%s: %s: %s", resource.name, d.Summary, d.Detail)
		}
	}
}
