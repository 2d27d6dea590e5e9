// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package topology

import (
	"slices"
	"strings"

	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
)

// explain adds what the class has to complaints of the admission code that a
// cluster names something that the class does not have.
func explain(problems []Problem, class *clusterv1.ClusterClass) []Problem {
	var variables, deployments, pools []string
	for _, v := range class.Status.Variables {
		variables = append(variables, v.Name)
	}
	for _, md := range class.Spec.Workers.MachineDeployments {
		deployments = append(deployments, md.Class)
	}
	for _, mp := range class.Spec.Workers.MachinePools {
		pools = append(pools, mp.Class)
	}
	explained := slices.Clone(problems)
	for i := range explained {
		problem := &explained[i]
		for _, complaint := range []struct {
			text string
			has  []string
		}{
			{"variable is not defined", variables},
			{"MachineDeploymentClass with name", deployments},
			{"MachinePoolClass with name", pools},
			{"version must match one of the versions defined", class.Spec.KubernetesVersions},
		} {
			if strings.Contains(problem.Message, complaint.text) {
				problem.Message = strings.TrimSuffix(problem.Message, ".") + "; the class has " + listOf(complaint.has)
			}
		}
	}
	return explained
}

func listOf(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}
