// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package topology

import (
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
	"sigs.k8s.io/cluster-api/util/contract"

	"github.com/terraform-capi/terraform-provider-capi/controllers/config"
)

func TestRender(t *testing.T) {
	g := NewWithT(t)
	blueprint, cluster := quickStart(t), quickStartCluster()
	unchanged, declared := blueprint.deepCopy(), cluster.DeepCopy()
	first, problems := Render(t.Context(), blueprint, cluster, nil)
	g.Expect(problems).To(BeEmpty())
	g.Expect(first.Cluster.Spec.Topology.Variables).To(HaveLen(3), "defaults of the class")
	g.Expect(first.state.MachineDeployments).To(HaveLen(2))

	second, problems := Render(t.Context(), blueprint, cluster, first)
	g.Expect(problems).To(BeEmpty())
	g.Expect(second.state.MachineDeployments["md-0"].Object.Name).To(Equal(first.state.MachineDeployments["md-0"].Object.Name))
	g.Expect(second.state.ControlPlane.Object.GetName()).To(Equal(first.state.ControlPlane.Object.GetName()))

	g.Expect(cluster).To(Equal(declared), "arguments do not change")
	g.Expect(blueprint).To(Equal(unchanged), "arguments do not change")
}

func TestRenderProblems(t *testing.T) {
	for name, tc := range map[string]struct {
		change func(Blueprint, *clusterv1.Cluster)
		want   Problem
	}{
		"template": {func(b Blueprint, _ *clusterv1.Cluster) { b.template(t, "worker-machinetemplate").SetName("other") }, Problem{
			Class: true, Field: "spec.workers.machineDeployments[0].infrastructure.templateRef",
			Message: `there is no DevMachineTemplate (infrastructure.cluster.x-k8s.io/v1beta2) named "quick-start-default-worker-machinetemplate" beside the class`}},
		"patch": {func(b Blueprint, _ *clusterv1.Cluster) {
			b.Class.Spec.Patches = nil
			jsonPatch(b, `a "patch"`, "", clusterv1.JSONPatch{Op: "remove", Path: "/spec/template/spec/nowhere"})
		}, Problem{Class: true, Field: "spec.patches[0]", Message: `patch "a \"patch\"": failed to apply patch`}},
		"value": {func(b Blueprint, _ *clusterv1.Cluster) {
			b.Class.Spec.Patches = nil
			jsonPatch(b, "value", "", clusterv1.JSONPatch{Op: "add", Path: "/spec/template/spec/x", ValueFrom: &clusterv1.JSONPatchValue{Variable: "nope"}})
		}, Problem{Class: true, Field: "spec.patches[0]", Message: `patch "value": failed to generate JSON patches`}},
		"class of workers": {func(_ Blueprint, c *clusterv1.Cluster) { firstMD(c).Class = "nope" },
			Problem{Message: "Cluster API cannot make the cluster's objects: failed to compute MachineDeployments"}},
		"even number of control plane nodes": {func(_ Blueprint, c *clusterv1.Cluster) { c.Spec.Topology.ControlPlane.Replicas = new(int32(2)) },
			Problem{Field: "spec.topology.controlPlane.replicas", Message: "Forbidden: cannot be an even number when etcd is stacked"}},
		"variable that makes an invalid control plane": {func(_ Blueprint, c *clusterv1.Cluster) { setVariable("etcdImageTag", `"not a tag"`)(c) },
			Problem{Field: "spec.topology.controlPlane", Message: "the KubeadmControlPlane that comes of the class and its variables is invalid: spec.kubeadmConfigSpec.clusterConfiguration.etcd.local.imageTag: "}},
		"field of the control plane that cannot change": {func(b Blueprint, _ *clusterv1.Cluster) {
			jsonPatch(b, "add", "", clusterv1.JSONPatch{Op: "add", Path: "/spec/template/spec/kubeadmConfigSpec/clusterConfiguration/certificatesDir", Value: raw(`"/x"`)})
		}, Problem{Field: "spec.topology.controlPlane", Message: "the KubeadmControlPlane that comes of the class and its variables is invalid: spec.kubeadmConfigSpec.clusterConfiguration.certificatesDir: Forbidden: cannot be modified"}},
		"bootstrap template": {func(b Blueprint, c *clusterv1.Cluster) {
			c.Spec.Topology.Workers.MachineDeployments = c.Spec.Topology.Workers.MachineDeployments[:1]
			setField(t, b.template(t, "worker-bootstraptemplate"), []any{map[string]any{"path": "/a"}, map[string]any{"path": "/a"}}, "spec", "template", "spec", "files")
		}, Problem{Field: "spec.topology.workers.machineDeployments[0]", Message: `the KubeadmConfigTemplate that comes of machine deployment class "default-worker" and its variables is invalid: spec.template.spec.files[1].path: Invalid value`}},
		"kind of workers": {func(b Blueprint, c *clusterv1.Cluster) {
			other := *b.Class.Spec.Workers.MachineDeployments[0].DeepCopy()
			other.Class, other.Infrastructure.TemplateRef.Kind = "other", "DockerMachineTemplate"
			b.Class.Spec.Workers.MachineDeployments = append(b.Class.Spec.Workers.MachineDeployments, other)
			b.template(t, "worker-machinepooltemplate").SetKind("DockerMachineTemplate")
			b.template(t, "worker-machinepooltemplate").SetName(other.Infrastructure.TemplateRef.Name)
			b.Class.Spec.Workers.MachinePools, c.Spec.Topology.Workers.MachinePools = nil, nil
			c.Spec.Topology.Workers.MachineDeployments[1].Class = "other"
		}, Problem{Field: "spec.topology.workers.machineDeployments[1].class",
			Message: `the machine template of machine deployment "md-1" is a DevMachineTemplate, and cannot become a DockerMachineTemplate in place`}},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			blueprint, cluster := quickStart(t), quickStartCluster()
			before, problems := Render(t.Context(), blueprint, cluster, nil)
			g.Expect(problems).To(BeEmpty())
			tc.change(blueprint, cluster)
			_, problems = Render(t.Context(), blueprint, cluster, before)
			g.Expect(problems).To(HaveLen(1))
			g.Expect(problems[0].Field).To(Equal(tc.want.Field))
			g.Expect(problems[0].Class).To(Equal(tc.want.Class))
			g.Expect(problems[0].Message).To(HavePrefix(tc.want.Message))
		})
	}
}

func TestRenderWithExtensions(t *testing.T) {
	g := NewWithT(t)
	blueprint := quickStart(t)
	blueprint.Class.Spec.Patches = append(blueprint.Class.Spec.Patches, clusterv1.ClusterClassPatch{
		Name: "elsewhere", External: &clusterv1.ExternalPatchDefinition{GeneratePatchesExtension: "x"}})
	rendering, problems := Render(t.Context(), blueprint, quickStartCluster(), nil)
	g.Expect(rendering).To(BeNil(), "nobody but the extension knows")
	g.Expect(problems).To(BeEmpty())
}

// All of upstream's classes come out, and rendering them again changes nothing.
func TestRenderUpstreamClasses(t *testing.T) {
	for _, file := range []string{"clusterclass-quick-start.yaml", "clusterclass-in-memory.yaml"} {
		t.Run(file, func(t *testing.T) {
			g := NewWithT(t)
			blueprint := upstreamBlueprint(t, file)
			g.Expect(ValidateBlueprint(t.Context(), nil, blueprint, nil)).To(BeEmpty())
			cluster := sampleCluster(blueprint.Class)
			before, problems := Render(t.Context(), blueprint, cluster, nil)
			g.Expect(problems).To(BeEmpty())
			after, problems := Render(t.Context(), blueprint, cluster, before)
			g.Expect(problems).To(BeEmpty())
			g.Expect(Compare(before, after)).To(BeEmpty())
		})
	}
}

// The contract that offlineClient assumes of a version is the one that the CRDs of
// all bundled kinds name.
func TestContractsOfBundledKinds(t *testing.T) {
	checked := 0
	for _, provider := range config.Providers {
		crds, err := provider.CRDs()
		if err != nil {
			t.Fatal(err)
		}
		for _, crd := range crds {
			for label, versions := range crd.Labels {
				for version := range strings.SplitSeq(versions, "_") {
					checked++
					if label != clusterv1.GroupVersion.Group+"/"+contractOf(version) {
						t.Errorf("%s: version %s follows %s", contract.CalculateCRDName(crd.Spec.Group, crd.Spec.Names.Kind), version, label)
					}
				}
			}
		}
	}
	if checked == 0 {
		t.Error("no CRD names a contract")
	}
}

func BenchmarkRender(b *testing.B) {
	blueprint, cluster := quickStart(b), quickStartCluster()
	before, problems := Render(b.Context(), blueprint, cluster, nil)
	if len(problems) > 0 {
		b.Fatal(problems)
	}
	for b.Loop() {
		if _, problems := Render(b.Context(), blueprint, cluster, before); len(problems) > 0 {
			b.Fatal(problems)
		}
	}
}

func BenchmarkCompare(b *testing.B) {
	before, problems := Render(b.Context(), quickStart(b), quickStartCluster(), nil)
	if len(problems) > 0 {
		b.Fatal(problems)
	}
	// The first comparison reads the schemas of all bundled kinds.
	rollsOf(b, before, before)
	for b.Loop() {
		rollsOf(b, before, before)
	}
}
