// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package topology

import (
	"slices"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
)

// What infrastructure declares is found in the contracts' forms of it.
func TestFailureDomains(t *testing.T) {
	list := []any{map[string]any{"name": "fd2", "controlPlane": true}, map[string]any{"name": "fd1"}}
	for name, tc := range map[string]struct {
		domains any
		path    []string
		want    []string
	}{
		"none":        {nil, nil, nil},
		"list":        {list, []string{"failureDomains"}, []string{"fd1", "fd2"}},
		"map":         {map[string]any{"fd2": map[string]any{}, "fd1": map[string]any{}}, []string{"failureDomains"}, []string{"fd1", "fd2"}},
		"dev cluster": {list, []string{"backend", "docker", "failureDomains"}, []string{"fd1", "fd2"}},
	} {
		t.Run(name, func(t *testing.T) {
			blueprint := quickStart(t)
			template := blueprint.templateOf(t, "DevClusterTemplate").Object
			unstructured.RemoveNestedField(template, "spec", "template", "spec", "backend", "docker", "failureDomains")
			if tc.path != nil {
				if err := unstructured.SetNestedField(template, tc.domains, append([]string{"spec", "template", "spec"}, tc.path...)...); err != nil {
					t.Fatal(err)
				}
			}
			rendered, problems := Render(t.Context(), blueprint, quickStartCluster(), nil)
			if rendered == nil {
				t.Fatalf("not rendered: %v", problems)
			}
			if got := rendered.FailureDomains(); !slices.Equal(got, tc.want) {
				t.Errorf("failure domains are %q, want %q", got, tc.want)
			}
		})
	}
}

func TestValidateFailureDomains(t *testing.T) {
	cluster := quickStartCluster()
	workers := &cluster.Spec.Topology.Workers
	workers.MachineDeployments[1].FailureDomain = "nope"
	workers.MachinePools[0].FailureDomains = []string{"fd1", "neither"}
	wrong := []string{
		`spec.topology.workers.machineDeployments[1].failureDomain: no failure domain "nope"; it has fd1, fd2`,
		`spec.topology.workers.machinePools[0].failureDomains[1]: no failure domain "neither"`,
	}
	needProblems(t, ValidateFailureDomains(FailureDomainUses(nil, cluster), []string{"fd1", "fd2"}), wrong...)
	needProblems(t, ValidateFailureDomains(FailureDomainUses(nil, cluster), nil))
	// What a cluster has already is not judged again, wherever it stands by now.
	before := cluster.DeepCopy()
	workers.MachineDeployments = append([]clusterv1.MachineDeploymentTopology{{Name: "new", FailureDomain: "nor this"}}, workers.MachineDeployments...)
	needProblems(t, ValidateFailureDomains(FailureDomainUses(before, cluster), []string{"fd1", "fd2"}),
		`spec.topology.workers.machineDeployments[0].failureDomain: no failure domain "nor this"`)
}
