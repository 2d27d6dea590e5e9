// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package topology

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/utils/ptr"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
	utilyaml "sigs.k8s.io/cluster-api/util/yaml"
)

// upstreamTemplates is where upstream's Docker provider has its cluster classes,
// in the module cache.
var upstreamTemplates = sync.OnceValues(func() (string, error) {
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "sigs.k8s.io/cluster-api/test").Output()
	return filepath.Join(strings.TrimSpace(string(out)), "infrastructure", "docker", "templates"), err
})

// upstreamBlueprint reads a cluster class as upstream publishes it.
func upstreamBlueprint(tb testing.TB, file string) Blueprint {
	tb.Helper()
	folder, err := upstreamTemplates()
	if err != nil {
		tb.Fatal(err)
	}
	content, err := os.ReadFile(filepath.Join(folder, file))
	if err != nil {
		tb.Fatal(err)
	}
	objects, err := utilyaml.ToUnstructured(content)
	if err != nil {
		tb.Fatal(err)
	}
	blueprint := Blueprint{}
	for _, object := range objects {
		object.SetNamespace("default")
		if object.GetKind() != "ClusterClass" {
			blueprint.Templates = append(blueprint.Templates, &object)
			continue
		}
		blueprint.Class = &clusterv1.ClusterClass{}
		if err := runtime.DefaultUnstructuredConverter.FromUnstructured(object.Object, blueprint.Class); err != nil {
			tb.Fatal(err)
		}
	}
	return blueprint
}

func quickStart(tb testing.TB) Blueprint {
	tb.Helper()
	return upstreamBlueprint(tb, "clusterclass-quick-start.yaml")
}

func (b Blueprint) deepCopy() Blueprint {
	c := Blueprint{Class: b.Class.DeepCopy()}
	for _, template := range b.Templates {
		c.Templates = append(c.Templates, template.DeepCopy())
	}
	return c
}

// template returns the template whose name ends like this, to be changed.
func (b Blueprint) template(tb testing.TB, suffix string) *unstructured.Unstructured {
	tb.Helper()
	for _, template := range b.Templates {
		if strings.HasSuffix(template.GetName(), suffix) {
			return template
		}
	}
	tb.Fatalf("there is no template %q", suffix)
	return nil
}

// quickStartCluster has three control plane nodes, two machine deployments and a
// machine pool.
func quickStartCluster() *clusterv1.Cluster {
	return testCluster(func(c *clusterv1.Cluster) {
		c.Spec.Topology.Version = "v1.34.3"
		c.Spec.Topology.ControlPlane.Replicas = ptr.To[int32](3)
		c.Spec.Topology.Workers = clusterv1.WorkersTopology{
			MachineDeployments: []clusterv1.MachineDeploymentTopology{
				{Name: "md-0", Class: "default-worker", Replicas: ptr.To[int32](2)},
				{Name: "md-1", Class: "default-worker", Replicas: ptr.To[int32](1)},
			},
			MachinePools: []clusterv1.MachinePoolTopology{{Name: "mp-0", Class: "default-worker", Replicas: ptr.To[int32](1)}},
		}
	})
}
