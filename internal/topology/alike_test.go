// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package topology

import (
	"fmt"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	"k8s.io/utils/ptr"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
)

// mixedCluster has machine deployments of which some are alike.
func mixedCluster() *clusterv1.Cluster {
	return testCluster(func(c *clusterv1.Cluster) {
		c.Spec.Topology.ControlPlane.Replicas = ptr.To[int32](3)
		md := func(name string, replicas int32, size string) clusterv1.MachineDeploymentTopology {
			md := clusterv1.MachineDeploymentTopology{Name: name, Class: "default-worker", Replicas: ptr.To(replicas)}
			if name == "f" {
				md.Class = "other-worker"
			}
			md.Metadata.Labels = map[string]string{"own": name}
			if size != "" {
				md.Variables.Overrides = []clusterv1.ClusterVariable{{Name: "size", Value: *raw(size)}}
			}
			return md
		}
		c.Spec.Topology.Workers.MachineDeployments = []clusterv1.MachineDeploymentTopology{
			md("a", 1, ""), md("b", 1, "2"), md("c", 1, ""), md("d", 2, ""), md("e", 1, "2"), md("f", 1, "")}
	})
}

// likeIn is what is alike in a mixed cluster of a class with one patch.
func likeIn(t *testing.T, change func(*clusterv1.ClusterClass, *clusterv1.PatchDefinition)) map[string]string {
	t.Helper()
	blueprint, _ := manyPatches(t, 1, 1)
	change(blueprint.Class, &blueprint.Class.Spec.Patches[0].Definitions[0])
	resolved, problems := blueprint.resolve()
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	return alike(resolved, &mixedCluster().Spec.Topology)
}

func TestAlike(t *testing.T) {
	usual := map[string]string{"c": "a", "d": "a", "e": "b", "f": "a"}
	for template, want := range map[string]map[string]string{
		"{{ .size }}": usual,
		"{{ .builtin.cluster.name }}-{{ .builtin.machineDeployment.version }}": usual,
		"{{ .builtin.machineDeployment.replicas }}":                            {"c": "a", "e": "b", "f": "a"},
		"{{ .builtin.machineDeployment.class }}":                               {"c": "a", "d": "a", "e": "b"},
		"{{ .builtin.machineDeployment.topologyName }}":                        nil,
		"{{ .builtin.machineDeployment }}":                                     nil,
		`{{ (index .builtin "machineDeployment").name }}`:                      nil,
		"{{ toJson .builtin }}":                                                nil,
		"{{ toJson . }}":                                                       nil,
		"{{ toJson $ }}":                                                       nil,
		"{{ with .builtin }}{{ .machineDeployment.name }}{{ end }}":            nil,
		"{{ range $k, $v := . }}{{ $k }}{{ end }}":                             nil,
	} {
		t.Run(template, func(t *testing.T) {
			g := NewWithT(t)
			g.Expect(likeIn(t, func(_ *clusterv1.ClusterClass, d *clusterv1.PatchDefinition) {
				d.JSONPatches[0].ValueFrom.Template = template
			})).To(Equal(want))
		})
	}
	g := NewWithT(t)
	g.Expect(likeIn(t, func(_ *clusterv1.ClusterClass, d *clusterv1.PatchDefinition) {
		d.JSONPatches[0].ValueFrom = &clusterv1.JSONPatchValue{Variable: "builtin.machineDeployment.name"}
	})).To(BeNil())
	g.Expect(likeIn(t, func(c *clusterv1.ClusterClass, _ *clusterv1.PatchDefinition) { c.Spec.Patches = nil })).To(BeNil())
	names := func(names ...string) map[string]string {
		return likeIn(t, func(_ *clusterv1.ClusterClass, d *clusterv1.PatchDefinition) {
			d.Selector.MatchResources.MachineDeploymentClass.Names = names
		})
	}
	g.Expect(names("*")).To(Equal(usual))
	g.Expect(names("default-worker")).To(Equal(map[string]string{"c": "a", "d": "a", "e": "b"}))
	g.Expect(names("default-*")).To(Equal(map[string]string{"c": "a", "d": "a", "e": "b"}))
	g.Expect(likeIn(t, func(c *clusterv1.ClusterClass, _ *clusterv1.PatchDefinition) {
		c.Spec.Workers.MachineDeployments[1].Infrastructure.TemplateRef = c.Spec.Infrastructure.TemplateRef
	})).To(Equal(map[string]string{"c": "a", "d": "a", "e": "b"}))
}

// What is rendered once for all that are alike is what Cluster API makes of each.
func TestRenderAlike(t *testing.T) {
	g := NewWithT(t)
	blueprint, _ := manyPatches(t, 1, 3)
	for i := range blueprint.Class.Spec.Patches {
		blueprint.Class.Spec.Patches[i].Definitions[0].JSONPatches[0].ValueFrom.Template = "{{ .size }}-{{ .builtin.cluster.name }}"
	}
	before, problems := Render(t.Context(), blueprint, mixedCluster(), nil)
	g.Expect(problems).To(BeEmpty())
	g.Expect(before.like).To(HaveLen(4))
	together, problems := Render(t.Context(), blueprint, mixedCluster(), before)
	g.Expect(problems).To(BeEmpty())
	resolved, problems := Blueprint{Class: Reconciled(blueprint.Class), Templates: blueprint.Templates}.resolve()
	g.Expect(problems).To(BeEmpty())
	resolved.Topology = together.Cluster.Spec.Topology
	one, err := generate(t.Context(), newScope(together.Cluster.DeepCopy(), resolved, before))
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(together.state.MachineDeployments).To(HaveLen(6))
	for name, md := range one.MachineDeployments {
		other := together.state.MachineDeployments[name]
		g.Expect(other.Object).To(Equal(md.Object))
		for _, templates := range [][2]map[string]any{
			{other.BootstrapTemplate.Object, md.BootstrapTemplate.Object},
			{other.InfrastructureMachineTemplate.Object, md.InfrastructureMachineTemplate.Object},
		} {
			g.Expect(fmt.Sprint(templates[0])).To(Equal(fmt.Sprint(templates[1])))
		}
	}
	size := func(name string) string {
		return fmt.Sprint(together.state.MachineDeployments[name].InfrastructureMachineTemplate.Object)
	}
	g.Expect(strings.Contains(size("c"), "1-web")).To(BeTrue())
	g.Expect(strings.Contains(size("e"), "2-web")).To(BeTrue())
	g.Expect(together.parts(true)).To(HaveLen(3 + 12))
	g.Expect(together.parts(false)).To(HaveLen(3 + 4))
	g.Expect(Compare(before, together)).To(BeEmpty())
}
