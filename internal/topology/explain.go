// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package topology

import (
	"cmp"
	"regexp"
	"slices"
	"strings"

	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
)

// undefinedVariable is how the admission code complains about a variable that the class
// does not define.
const undefinedVariable = "variable is not defined"

var named = regexp.MustCompile(`(?:with name "|\[)([^"\]]+)["\]]`)

// explain adds the near match, or else what the class has, to complaints of the
// admission code that a cluster names something that the class does not have.
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
			{undefinedVariable, variables},
			{"MachineDeploymentClass with name", deployments},
			{"MachinePoolClass with name", pools},
			{"version must match one of the versions defined", class.Spec.KubernetesVersions},
		} {
			if !strings.Contains(problem.Message, complaint.text) {
				continue
			}
			hint := "; the class has " + listOf(complaint.has)
			if names := named.FindAllStringSubmatch(problem.Field+problem.Message, -1); len(names) > 0 {
				hint = cmp.Or(didYouMean(names[len(names)-1][1], complaint.has), hint)
			}
			problem.Message = strings.TrimSuffix(problem.Message, ".") + hint
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
