// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package topology

import (
	"testing"

	. "github.com/onsi/gomega"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
)

// jsonPatch adds a patch to the class that applies one operation to the control
// plane's template.
func jsonPatch(b Blueprint, name, enabledIf string, operation clusterv1.JSONPatch) {
	ref := b.Class.Spec.ControlPlane.TemplateRef
	b.Class.Spec.Patches = append(b.Class.Spec.Patches, clusterv1.ClusterClassPatch{
		Name: name, EnabledIf: enabledIf, Definitions: []clusterv1.PatchDefinition{{
			Selector: clusterv1.PatchSelector{APIVersion: ref.APIVersion, Kind: ref.Kind,
				MatchResources: clusterv1.PatchSelectorMatch{ControlPlane: new(true)}},
			JSONPatches: []clusterv1.JSONPatch{operation},
		}},
	})
}

func TestValidateBlueprint(t *testing.T) {
	nowhere := clusterv1.JSONPatch{Op: "replace", Path: "/spec/template/spec/nowhere/at/all", Value: raw(`1`)}
	for name, tc := range map[string]struct {
		change             func(Blueprint)
		wantField, wantMsg string
	}{
		"valid": {},
		"missing template": {func(b Blueprint) { b.template(t, "default-worker-machinetemplate").SetName("other") },
			"spec.workers.machineDeployments[0].infrastructure.templateRef", `no DevMachineTemplate (infrastructure.cluster.x-k8s.io/v1beta2) named "quick-start-default-worker-machinetemplate"`},
		"template of another version": {func(b Blueprint) { b.template(t, "-cluster").SetAPIVersion("infrastructure.cluster.x-k8s.io/v1beta1") },
			"spec.infrastructure.templateRef", "there is no DevClusterTemplate"},
		"patch without a place": {func(b Blueprint) {
			b.Class.Spec.Patches = nil
			jsonPatch(b, "lost", "", nowhere)
		}, "spec.patches[0]", `patch "lost": failed to apply patch`},
		"patch without a place, if some variable has some value": {func(b Blueprint) {
			jsonPatch(b, "lost", `{{ eq .imageRepository "" }}`, nowhere)
		}, "", ""},
		"patch whose place another patch may make": {func(b Blueprint) {
			jsonPatch(b, "place", `{{ ne .imageRepository "" }}`, clusterv1.JSONPatch{Op: "add", Path: "/spec/template/spec/nowhere", Value: raw(`{"at":{"all":0}}`)})
			jsonPatch(b, "found", "", nowhere)
		}, "", ""},
		"patch of an optional variable": {func(b Blueprint) {
			b.Class.Spec.Variables = append(b.Class.Spec.Variables, variable("optional", clusterv1.JSONSchemaProps{Type: "string"}))
			jsonPatch(b, "value", "", clusterv1.JSONPatch{Op: "add", Path: "/spec/template/spec/kubeadmConfigSpec/format",
				ValueFrom: &clusterv1.JSONPatchValue{Variable: "optional"}})
		}, "", ""},
		"patch of an unknown variable": {func(b Blueprint) {
			jsonPatch(b, "value", "", clusterv1.JSONPatch{Op: "add", Path: "/spec/template/spec/kubeadmConfigSpec/format",
				ValueFrom: &clusterv1.JSONPatchValue{Variable: "nope"}})
		}, "spec.patches[", "nope"},
		"extension": {func(b Blueprint) {
			b.Class.Spec.Patches = []clusterv1.ClusterClassPatch{{Name: "elsewhere", External: &clusterv1.ExternalPatchDefinition{
				GeneratePatchesExtension: "generate.example"}}}
		}, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			blueprint := quickStart(t)
			if tc.change != nil {
				tc.change(blueprint)
			}
			problems := ValidateBlueprint(t.Context(), nil, blueprint, nil)
			if tc.wantField == "" {
				g.Expect(problems).To(BeEmpty())
				return
			}
			g.Expect(problems).NotTo(BeEmpty())
			g.Expect(problems[0].Field).To(HavePrefix(tc.wantField))
			g.Expect(problems[0].Message).To(ContainSubstring(tc.wantMsg))
		})
	}
}

func TestValidateUse(t *testing.T) {
	for name, tc := range map[string]struct {
		change             func(Blueprint)
		wantField, wantMsg string
	}{
		"unchanged": {func(Blueprint) {}, "", ""},
		"patch that fails for it": {func(b Blueprint) {
			jsonPatch(b, "lost", `{{ eq .imageRepository "" }}`, clusterv1.JSONPatch{Op: "remove", Path: "/spec/template/spec/nowhere"})
		}, "spec.patches[", `cluster default/web uses the class: patch "lost"`},
		"variable whose default it has": {func(b Blueprint) {
			b.Class.Spec.Variables = b.Class.Spec.Variables[1:]
			b.Class.Spec.Patches = nil
		}, "", "spec.topology.variables[imageRepository]: Invalid value"},
		"variable that it would have to declare": {func(b Blueprint) {
			v := variable("owner", clusterv1.JSONSchemaProps{Type: "string"})
			v.Required = new(true)
			b.Class.Spec.Variables = append(b.Class.Spec.Variables, v)
		}, "", "spec.topology.variables: Required value"},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			blueprint := quickStart(t)
			tc.change(blueprint)
			problems := ValidateUse(t.Context(), quickStart(t), blueprint, quickStartCluster())
			if tc.wantMsg == "" {
				g.Expect(problems).To(BeEmpty())
				return
			}
			g.Expect(problems).To(HaveLen(1))
			g.Expect(problems[0].Field).To(HavePrefix(tc.wantField))
			g.Expect(problems[0].Message).To(ContainSubstring(tc.wantMsg))
		})
	}
}

func TestValidateRebase(t *testing.T) {
	g := NewWithT(t)
	old, class := quickStart(t).Class, quickStart(t).Class
	class.Name = "other"
	class.Spec.KubernetesVersions = []string{"v1.30.0"}
	g.Expect(ValidateRebase(t.Context(), old, class)).To(BeEmpty())

	class.Spec.ControlPlane.MachineInfrastructure.TemplateRef.Kind = "DockerMachineTemplate"
	problems := ValidateRebase(t.Context(), old, class)
	g.Expect(problems).To(HaveLen(1))
	g.Expect(problems[0].Field).To(Equal("spec.topology.classRef"))
	g.Expect(problems[0].Message).To(And(ContainSubstring(`class "other"`),
		ContainSubstring("spec.controlPlane.machineInfrastructure.templateRef.kind"), ContainSubstring("DockerMachineTemplate")))
}
