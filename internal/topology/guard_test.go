// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package topology

import (
	"errors"
	"maps"
	"testing"

	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
)

// Whatever upstream's code panics with, the answer is that it is not known. Here it
// panics because it is given what no configuration can hold.
func TestPanicsAreUnknownProblems(t *testing.T) {
	var noClass *clusterv1.ClusterClass
	var noCluster *clusterv1.Cluster
	blueprint := quickStart(t)
	rendering, problems := Render(t.Context(), blueprint, quickStartCluster(), nil)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	// What is rendered again is compared with what has no template.
	broken := *rendering.state.MachineDeployments["md-0"]
	broken.BootstrapTemplate = nil
	state := *rendering.state
	state.MachineDeployments = maps.Clone(state.MachineDeployments)
	damaged := &Rendering{Cluster: rendering.Cluster, state: &state}
	damaged.state.MachineDeployments["md-0"] = &broken
	noJSON := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": clusterv1.GroupVersion.String(), "kind": clusterv1.ClusterKind, "spec": map[string]any{"paused": 1}}}
	for name, tc := range map[string]struct {
		run        func() []Problem
		code, text string
	}{
		"class": {func() []Problem { return ValidateClass(t.Context(), nil, noClass, nil) }, classAdmission, "nil pointer dereference"},
		"blueprint": {func() []Problem {
			return ValidateBlueprint(t.Context(), nil, Blueprint{Class: blueprint.Class, Templates: []*unstructured.Unstructured{nil}}, nil)
		}, "", "nil pointer dereference"},
		"cluster": {func() []Problem { _, problems := ValidateCluster(t.Context(), nil, nil, noCluster); return problems }, clusterAdmission, "nil pointer dereference"},
		"rebase":  {func() []Problem { return ValidateRebase(t.Context(), noClass, blueprint.Class) }, clusterAdmission, "nil pointer dereference"},
		"use":     {func() []Problem { return ValidateUse(t.Context(), Blueprint{}, blueprint, quickStartCluster()) }, topologyGenerator, "nil pointer dereference"},
		"rendering": {func() []Problem {
			_, problems := Render(t.Context(), Blueprint{}, quickStartCluster(), nil)
			return problems
		}, topologyGenerator, "nil pointer dereference"},
		"fields":     {func() []Problem { return ValidateFields(t.Context(), noJSON) }, "Kubernetes' validation of a Cluster", "cannot deep copy int"},
		"comparison": {func() []Problem { _, problems := Compare(rendering, damaged); return problems }, "Cluster API's comparison of machines", "nil pointer dereference"},
		"upgrade": {func() []Problem {
			_, problems := NewUpgrade(noCluster, quickStartCluster(), blueprint.Class, nil)
			return problems
		}, upgradePlanner, "nil pointer dereference"},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			problems := tc.run()
			g.Expect(problems).To(HaveLen(1))
			g.Expect(problems[0].Unknown).To(BeTrue())
			g.Expect(problems[0].Message).To(And(ContainSubstring(tc.code+" panicked in "), ContainSubstring(tc.text), ContainSubstring("report it")))
			g.Expect(Known(problems)).To(BeEmpty())
			g.Expect(Unknown(problems)).To(Equal(problems))
		})
	}
}

func TestGuard(t *testing.T) {
	g := NewWithT(t)
	run := func(fault func()) (err error) {
		defer Guard("code", &err)
		fault()
		return nil
	}
	g.Expect(run(func() {})).To(Succeed())
	var panicked *PanicError
	g.Expect(errors.As(run(explode), &panicked)).To(BeTrue())
	g.Expect(panicked.Value).To(Equal("bang"))
	g.Expect(panicked.Function).To(HaveSuffix("topology.explode"))
}

//go:noinline
func explode() { panic("bang") }
