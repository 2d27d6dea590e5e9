// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package topology

import (
	"testing"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
)

// kubeadmPatch sets a field of the control plane's or the workers' kubeadm configuration.
func kubeadmPatch(b Blueprint, name, path string, value *clusterv1.JSONPatchValue, constant string) {
	operation := clusterv1.JSONPatch{Op: "add", Path: path, ValueFrom: value}
	if value == nil {
		operation.Value = raw(constant)
	}
	jsonPatch(b, name, "", operation)
}

// workerPatch adds a patch of the bootstrap template of the workers.
func workerPatch(b Blueprint, name string, operation clusterv1.JSONPatch) {
	worker := b.Class.Spec.Workers.MachineDeployments[0]
	ref := worker.Bootstrap.TemplateRef
	b.Class.Spec.Patches = append(b.Class.Spec.Patches, clusterv1.ClusterClassPatch{Name: name, Definitions: []clusterv1.PatchDefinition{{
		Selector: clusterv1.PatchSelector{APIVersion: ref.APIVersion, Kind: ref.Kind, MatchResources: clusterv1.PatchSelectorMatch{
			MachineDeploymentClass: &clusterv1.PatchSelectorMatchMachineDeploymentClass{Names: []string{worker.Class}}}},
		JSONPatches: []clusterv1.JSONPatch{operation},
	}}})
}

func TestFaults(t *testing.T) {
	const config = "/spec/template/spec/kubeadmConfigSpec"
	for name, tc := range map[string]struct {
		change func(Blueprint, *clusterv1.Cluster)
		want   Problem
		// sample says that the class alone shows it.
		sample bool
	}{
		"nothing": {change: func(b Blueprint, _ *clusterv1.Cluster) {
			kubeadmPatch(b, "fine", config+"/format", nil, `"cloud-config"`)
		}},
		"no such field": {func(b Blueprint, _ *clusterv1.Cluster) {
			kubeadmPatch(b, "fine", config+"/format", nil, `"cloud-config"`)
			kubeadmPatch(b, "misspelt", config+"/formatt", nil, `"cloud-config"`)
			kubeadmPatch(b, "later", config+"/verbosity", nil, `1`)
		}, Problem{Class: true, Field: "spec.patches[1]",
			Message: `patch "misspelt" makes an invalid KubeadmControlPlane: spec.kubeadmConfigSpec.formatt: there is no such field; did you mean format?`}, true},
		"wrong type": {func(b Blueprint, _ *clusterv1.Cluster) {
			kubeadmPatch(b, "type", config+"/verbosity", nil, `"very"`)
		}, Problem{Class: true, Field: "spec.patches[0]",
			Message: `patch "type" makes an invalid KubeadmControlPlane: spec.kubeadmConfigSpec.verbosity: Invalid value: spec.kubeadmConfigSpec.verbosity in body must be of type integer: "string"`}, true},
		"not one of those allowed, of a variable": {func(b Blueprint, c *clusterv1.Cluster) {
			kubeadmPatch(b, "format", config+"/format", &clusterv1.JSONPatchValue{Variable: "format"}, "")
			b.Class.Spec.Variables = []clusterv1.ClusterClassVariable{variable("format", clusterv1.JSONSchemaProps{Type: "string", Default: raw(`"cloud-config"`)})}
			setVariable("format", `"secret"`)(c)
		}, Problem{Class: true, Field: "spec.patches[0]",
			Message: `patch "format" makes an invalid KubeadmControlPlane: spec.kubeadmConfigSpec.format: Unsupported value: supported values: "cloud-config", "ignition"`}, false},
		"of workers": {func(b Blueprint, _ *clusterv1.Cluster) {
			workerPatch(b, "worker", clusterv1.JSONPatch{Op: "add", Path: "/spec/template/spec/users", Value: raw(`[{"sudo": "ALL"}]`)})
		}, Problem{Class: true, Field: "spec.patches[0]",
			Message: `patch "worker" makes an invalid KubeadmConfigTemplate in machine deployment class "default-worker": spec.template.spec.users[0].name: Required value`}, true},
		"what a webhook fills in": {change: func(b Blueprint, _ *clusterv1.Cluster) {
			kubeadmPatch(b, "surge", "/spec/template/spec/rollout", nil, `{"strategy": {"rollingUpdate": {"maxSurge": 1}}}`)
		}},
		"no value": {func(b Blueprint, _ *clusterv1.Cluster) {
			b.Class.Spec.Variables = []clusterv1.ClusterClassVariable{
				variable("site", clusterv1.JSONSchemaProps{Type: "string"}), variable("zone", clusterv1.JSONSchemaProps{Type: "string"})}
			kubeadmPatch(b, "motd", config+"/preKubeadmCommands", &clusterv1.JSONPatchValue{
				Template: `["echo {{ .site }}{{ if .zone }}{{ .zone }}{{ end }}"]`}, "")
		}, Problem{Field: "spec.topology.variables",
			Message: `no value is set for site, and there is no default; patch "motd" of the class prints it into spec.kubeadmConfigSpec.preKubeadmCommands[0] of the KubeadmControlPlane`}, false},
		"field of the cluster that the control plane's version does not have": {func(b Blueprint, c *clusterv1.Cluster) {
			*b.template(t, "cp") = *kubeadmBlueprint(t, oldControlPlane, oldBootstrap).template(t, "cp")
			b.Class.Spec.ControlPlane.TemplateRef.APIVersion = b.template(t, "cp").GetAPIVersion()
			c.Spec.Topology.ControlPlane.Rollout.After = metav1.Now()
		}, Problem{Field: "spec.topology.controlPlane", Message: "the KubeadmControlPlane (controlplane.cluster.x-k8s.io/v1beta1) that comes of it is invalid: " +
			"spec.rollout: there is no such field; in v1beta1 there is spec.rolloutAfter instead"}, false},
		"optional variables": {change: func(b Blueprint, _ *clusterv1.Cluster) {
			b.Class.Spec.Variables = []clusterv1.ClusterClassVariable{variable("zone", clusterv1.JSONSchemaProps{Type: "string"})}
			kubeadmPatch(b, "motd", config+"/preKubeadmCommands", &clusterv1.JSONPatchValue{
				Template: `["echo {{ if .zone }}{{ .zone }}{{ end }}{{ with .zone }}{{ . }}{{ end }}{{ default "x" .zone }}"]`}, "")
		}},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			blueprint, cluster := kubeadmBlueprint(t, newControlPlane, newBootstrap), testCluster(nil)
			tc.change(blueprint, cluster)
			sample, problems := Sample(t.Context(), nil, blueprint, nil)
			g.Expect(problems).To(BeEmpty())
			rendering, problems := Render(t.Context(), blueprint, cluster, nil)
			g.Expect(problems).To(BeEmpty())
			var want []Problem
			if tc.want.Message != "" {
				want = []Problem{tc.want}
			}
			g.Expect(explained(t, rendering)).To(Equal(want))
			if !tc.sample {
				want = nil
			}
			g.Expect(explained(t, sample)).To(Equal(want))
		})
	}
}

func explained(tb testing.TB, rendering *Rendering) []Problem {
	tb.Helper()
	faults, unknown := rendering.Faults(tb.Context())
	if len(unknown) > 0 {
		tb.Fatal(unknown)
	}
	return rendering.Explain(tb.Context(), faults)
}

// What upstream's classes make is as the API server wants it.
func TestNoFaultsOfUpstreamClasses(t *testing.T) {
	for _, file := range []string{"clusterclass-quick-start.yaml", "clusterclass-in-memory.yaml"} {
		g := NewWithT(t)
		sample, problems := Sample(t.Context(), nil, upstreamBlueprint(t, file), nil)
		g.Expect(problems).To(BeEmpty())
		g.Expect(explained(t, sample)).To(BeEmpty())
	}
}

// A cluster that lives without a value may go on, and so may its destruction.
func TestNoFaultsOfOld(t *testing.T) {
	g := NewWithT(t)
	blueprint := kubeadmBlueprint(t, newControlPlane, newBootstrap)
	blueprint.Class.Spec.Variables = []clusterv1.ClusterClassVariable{variable("site", clusterv1.JSONSchemaProps{Type: "string"})}
	kubeadmPatch(blueprint, "motd", "/spec/template/spec/kubeadmConfigSpec/preKubeadmCommands", &clusterv1.JSONPatchValue{Template: `["echo {{ .site }}"]`}, "")
	before, problems := Render(t.Context(), blueprint, testCluster(nil), nil)
	g.Expect(problems).To(BeEmpty())
	g.Expect(explained(t, before)).To(HaveLen(1))
	after, problems := Render(t.Context(), blueprint, testCluster(nil), before)
	g.Expect(problems).To(BeEmpty())
	g.Expect(explained(t, after)).To(BeEmpty())
}
