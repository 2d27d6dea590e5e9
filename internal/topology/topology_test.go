// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package topology

import (
	"encoding/json"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
)

func testClass() *clusterv1.ClusterClass {
	template := func(group, kind string) clusterv1.ClusterClassTemplateReference {
		return clusterv1.ClusterClassTemplateReference{APIVersion: group + ".cluster.x-k8s.io/v1beta2", Kind: kind, Name: "t"}
	}
	class := &clusterv1.ClusterClass{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "quick-start"}}
	class.Spec.Infrastructure.TemplateRef = template("infrastructure", "DockerClusterTemplate")
	class.Spec.ControlPlane.TemplateRef = template("controlplane", "KubeadmControlPlaneTemplate")
	class.Spec.ControlPlane.MachineInfrastructure.TemplateRef = template("infrastructure", "DockerMachineTemplate")
	worker := clusterv1.MachineDeploymentClass{Class: "default-worker"}
	worker.Bootstrap.TemplateRef = template("bootstrap", "KubeadmConfigTemplate")
	worker.Infrastructure.TemplateRef = template("infrastructure", "DockerMachineTemplate")
	class.Spec.Workers.MachineDeployments = []clusterv1.MachineDeploymentClass{worker}
	class.Spec.Variables = []clusterv1.ClusterClassVariable{
		variable("imageRepository", clusterv1.JSONSchemaProps{Type: "string", Default: raw(`""`)}),
		variable("size", clusterv1.JSONSchemaProps{Type: "integer", Minimum: ptr.To[int64](1), Maximum: ptr.To[int64](9)}),
	}
	return class
}

func variable(name string, schema clusterv1.JSONSchemaProps) clusterv1.ClusterClassVariable {
	return clusterv1.ClusterClassVariable{Name: name, Required: ptr.To(false), Schema: clusterv1.VariableSchema{OpenAPIV3Schema: schema}}
}

func raw(value string) *apiextensionsv1.JSON { return &apiextensionsv1.JSON{Raw: []byte(value)} }

func testCluster(change func(*clusterv1.Cluster)) *clusterv1.Cluster {
	cluster := &clusterv1.Cluster{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "web"}}
	cluster.Spec.Topology = clusterv1.Topology{
		ClassRef: clusterv1.ClusterClassRef{Name: "quick-start"},
		Version:  "v1.34.3",
		Workers:  clusterv1.WorkersTopology{MachineDeployments: []clusterv1.MachineDeploymentTopology{{Name: "md-0", Class: "default-worker"}}},
	}
	if change != nil {
		change(cluster)
	}
	return cluster
}

func setVariable(name, value string) func(*clusterv1.Cluster) {
	return func(c *clusterv1.Cluster) {
		c.Spec.Topology.Variables = []clusterv1.ClusterVariable{{Name: name, Value: *raw(value)}}
	}
}

func TestValidateCluster(t *testing.T) {
	for name, tc := range map[string]struct {
		class        *clusterv1.ClusterClass
		cluster      *clusterv1.Cluster
		wantField    string
		wantMessage  string
		wantProblems int
	}{
		"valid":                  {class: testClass(), cluster: testCluster(nil)},
		"valid variable":         {class: testClass(), cluster: testCluster(setVariable("size", "3"))},
		"unknown variable":       {testClass(), testCluster(setVariable("nope", "3")), "spec.topology.variables[nope]", "not defined; the class has imageRepository, size", 1},
		"variable of wrong type": {testClass(), testCluster(setVariable("size", `"big"`)), "spec.topology.variables[size].value", "integer", 1},
		"variable out of range":  {testClass(), testCluster(setVariable("size", "10")), "spec.topology.variables[size].value", "less than or equal to 9", 1},
		"unknown worker class": {testClass(), testCluster(func(c *clusterv1.Cluster) {
			c.Spec.Topology.Workers.MachineDeployments[0].Class = "gpu"
		}), "spec.topology.workers.machineDeployments[0].class", "the class has default-worker", 1},
		"network": {testClass(), testCluster(func(c *clusterv1.Cluster) {
			c.Spec.ClusterNetwork.Pods.CIDRBlocks = []string{"10.0.0.0"}
		}), "spec.clusterNetwork.pods.cidrBlocks[0]", "invalid CIDR", 1},
		"without a class only what needs none is said": {nil, testCluster(func(c *clusterv1.Cluster) {
			c.Spec.Topology.Workers.MachineDeployments[0].Class = "gpu"
			c.Spec.ClusterNetwork.Pods.CIDRBlocks = []string{"10.0.0.0"}
			setVariable("nope", "3")(c)
		}), "spec.clusterNetwork.pods.cidrBlocks[0]", "invalid CIDR", 1},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			class := tc.class
			if class != nil {
				class = Reconciled(class)
			}
			before := tc.cluster.DeepCopy()
			_, problems := ValidateCluster(t.Context(), class, nil, tc.cluster)
			g.Expect(tc.cluster).To(Equal(before), "the argument must not change")
			g.Expect(problems).To(HaveLen(tc.wantProblems))
			for _, problem := range problems {
				g.Expect(problem.Field).To(HavePrefix(tc.wantField))
				g.Expect(problem.Message).To(ContainSubstring(tc.wantMessage))
			}
		})
	}
}

func TestValidateClusterDefaults(t *testing.T) {
	g := NewWithT(t)
	defaulted, problems := ValidateCluster(t.Context(), Reconciled(testClass()), nil, testCluster(nil))
	g.Expect(problems).To(BeEmpty())
	g.Expect(defaulted.Spec.Topology.Variables).To(ConsistOf(clusterv1.ClusterVariable{Name: "imageRepository", Value: *raw(`""`)}))
}

func TestValidateClass(t *testing.T) {
	without := func(class *clusterv1.ClusterClass) *clusterv1.ClusterClass {
		class.Spec.Workers.MachineDeployments = nil
		return class
	}
	for name, tc := range map[string]struct {
		old, class *clusterv1.ClusterClass
		clusters   []clusterv1.Cluster
		want       string
	}{
		"valid":     {class: testClass()},
		"unchanged": {old: testClass(), class: testClass(), clusters: []clusterv1.Cluster{*testCluster(nil)}},
		"type of a variable": {class: func() *clusterv1.ClusterClass {
			class := testClass()
			class.Spec.Variables[0].Schema.OpenAPIV3Schema.Type = "strange"
			return class
		}(), want: "strange"},
		"removed worker class, unused": {old: testClass(), class: without(testClass())},
		"removed worker class, in use": {old: testClass(), class: without(testClass()),
			clusters: []clusterv1.Cluster{*testCluster(nil)}, want: "used by Cluster"},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			problems := ValidateClass(t.Context(), tc.old, tc.class, tc.clusters)
			if tc.want == "" {
				g.Expect(problems).To(BeEmpty())
				return
			}
			g.Expect(problems).NotTo(BeEmpty())
			g.Expect(problems[0].Message).To(ContainSubstring(tc.want))
		})
	}
}

func TestUpgradePath(t *testing.T) {
	offered := []string{"v1.33.1", "v1.34.0", "v1.34.3", "v1.35.0", "v1.36.1"}
	for name, tc := range map[string]struct {
		from, to string
		versions []string
		want     []string
		wantErr  string
	}{
		"same":                    {from: "v1.34.3", to: "v1.34.3"},
		"patch":                   {from: "v1.34.0", to: "v1.34.3", want: []string{"v1.34.3"}},
		"minor":                   {from: "v1.34.3", to: "v1.35.0", want: []string{"v1.35.0"}},
		"two minors":              {from: "v1.34.3", to: "v1.36.0", wantErr: "one minor version at a time: from v1.34.3 the next is v1.35"},
		"downgrade":               {from: "v1.35.0", to: "v1.34.3", wantErr: "cannot be downgraded"},
		"downgrade, offered":      {from: "v1.35.0", to: "v1.34.3", versions: offered, wantErr: "cannot be downgraded"},
		"not offered":             {from: "v1.34.3", to: "v1.35.2", versions: offered, wantErr: "offers the versions"},
		"through what is offered": {from: "v1.33.1", to: "v1.36.1", versions: offered, want: []string{"v1.34.3", "v1.35.0", "v1.36.1"}},
		"gap in what is offered":  {from: "v1.33.1", to: "v1.36.1", versions: []string{"v1.33.1", "v1.34.0", "v1.36.1"}, wantErr: "no version of v1.35"},
		"no v":                    {from: "1.34.3", to: "v1.35.0", wantErr: "does not start with"},
		"not a version":           {from: "v1.34.3", to: "v1.35", wantErr: "not a semantic version"},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			path, err := UpgradePath(tc.from, tc.to, tc.versions)
			if tc.wantErr != "" {
				g.Expect(err).To(MatchError(ContainSubstring(tc.wantErr)))
				return
			}
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(path).To(Equal(tc.want))
		})
	}
}

func TestNextVersions(t *testing.T) {
	g := NewWithT(t)
	offered := []string{"v1.33.1", "v1.34.0", "v1.34.3", "v1.35.0", "v1.37.1"}
	g.Expect(NextVersions("v1.34.0", offered)).To(Equal([]string{"v1.34.3", "v1.35.0"}))
	g.Expect(NextVersions("v1.37.1", offered)).To(BeEmpty())
	g.Expect(NextVersions("1.34", offered)).To(BeEmpty())
	g.Expect(NextVersions("v1.34.0", nil)).To(BeEmpty())
}

func TestValidateVersion(t *testing.T) {
	class := func(change func(*clusterv1.ClusterClass)) *clusterv1.ClusterClass {
		class := testClass()
		change(class)
		return class
	}
	offering := class(func(c *clusterv1.ClusterClass) { c.Spec.KubernetesVersions = []string{"v1.34.3", "v1.35.0", "v1.36.1"} })
	planning := class(func(c *clusterv1.ClusterClass) { c.Spec.Upgrade.External.GenerateUpgradePlanExtension = "plan" })
	for name, tc := range map[string]struct {
		to    string
		class *clusterv1.ClusterClass
		wrong bool
	}{
		"same":                               {"v1.34.3", testClass(), false},
		"one minor":                          {"v1.35.0", testClass(), false},
		"two minors":                         {"v1.36.1", testClass(), true},
		"two minors that the class offers":   {"v1.36.1", offering, false},
		"two minors that an extension plans": {"v1.36.1", planning, false},
		"two minors, class unknown":          {"v1.36.1", nil, false},
		"downgrade":                          {"v1.33.0", testClass(), true},
		"downgrade with an extension":        {"v1.33.0", planning, true},
		"downgrade, class unknown":           {"v1.33.0", nil, true},
	} {
		problems := ValidateVersion("v1.34.3", tc.to, tc.class)
		if wrong := len(problems) > 0; wrong != tc.wrong {
			t.Errorf("%s: problems %v, want some: %t", name, problems, tc.wrong)
		}
		for _, problem := range problems {
			if problem.Field != "spec.topology.version" {
				t.Errorf("%s: the problem is with %s", name, problem.Field)
			}
		}
	}
}

func FuzzUpgradePath(f *testing.F) {
	f.Add("v1.34.3", "v1.35.0", "v1.34.3,v1.35.0")
	f.Add("v1.33.1", "v1.36.1", "v1.33.1,v1.34.0,v1.35.0,v1.36.1")
	f.Fuzz(func(t *testing.T, from, to, offered string) {
		var versions []string
		if offered != "" {
			versions = strings.Split(offered, ",")
		}
		path, err := UpgradePath(from, to, versions)
		if err != nil {
			return
		}
		start, errStart := ParseVersion(from)
		end, errEnd := ParseVersion(to)
		if errStart != nil || errEnd != nil || end.LT(start) {
			t.Fatalf("%s to %s must not be possible", from, to)
		}
		if len(path) > 0 && !start.EQ(end) && path[len(path)-1] != to && len(versions) == 0 {
			t.Fatalf("the path %v does not end with %s", path, to)
		}
	})
}

func TestTemplateName(t *testing.T) {
	g := NewWithT(t)
	content := func(text string) map[string]any {
		var value map[string]any
		g.Expect(json.Unmarshal([]byte(text), &value)).To(Succeed())
		return value
	}
	name := func(class, role, text string) string {
		name, err := TemplateName(class, role, content(text))
		g.Expect(err).NotTo(HaveOccurred())
		return name
	}
	first := name("c", "machine", `{"a": 1, "b": {"x": 1, "y": 2}}`)
	g.Expect(first).To(MatchRegexp("^c-machine-[0-9a-f]{10}$"))
	g.Expect(name("c", "machine", `{"b": {"y": 2, "x": 1}, "a": 1}`)).To(Equal(first), "order is no content")
	g.Expect(name("c", "machine", `{"a": 2, "b": {"x": 1, "y": 2}}`)).NotTo(Equal(first))
	g.Expect(len(name(strings.Repeat("c", 300), "machine", "{}"))).To(BeNumerically("<=", 253))
}

func BenchmarkValidateCluster(b *testing.B) {
	class, cluster := Reconciled(testClass()), testCluster(setVariable("size", "3"))
	for b.Loop() {
		if _, problems := ValidateCluster(b.Context(), class, nil, cluster); len(problems) > 0 {
			b.Fatal(problems)
		}
	}
}
