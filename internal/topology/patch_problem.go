// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package topology

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
)

var (
	patchName = regexp.MustCompile(`(?:patches for|variables for|validation of) patch ("(?:[^"\\]|\\.)*"): (.*)`)
	// renderedText is what a template made of variables.
	renderedText = regexp.MustCompile(`rendered template: "(?:[^"\\]|\\.)*"`)
)

// renderProblem finds the patch in an error of the generator, which names it in
// its text only. Values of variables are left out: they may be secret.
func renderProblem(class *clusterv1.ClusterClass, cluster *clusterv1.Cluster, err error) Problem {
	message := renderedText.ReplaceAllString(strings.ReplaceAll(err.Error(), "\n", " "), "what a template made as YAML")
	match := patchName.FindStringSubmatch(message)
	if match == nil {
		return Problem{Message: "Cluster API cannot make the cluster's objects: " + message}
	}
	name, _ := strconv.Unquote(match[1])
	if variables := variablesThatFailed(class, cluster, name, match[2]); len(variables) > 0 {
		return Problem{Field: "spec.topology.variables", Message: fmt.Sprintf(
			"no value is set for %s, and there is no default; patch %q of the class needs it", strings.Join(variables, ", "), name)}
	}
	problem := Problem{Class: true, Field: "spec.patches", Message: fmt.Sprintf("patch %q: %s", name, match[2])}
	if i := patchIndex(class, name); i >= 0 {
		problem.Field = fmt.Sprintf("spec.patches[%d]", i)
	}
	return problem
}

func patchIndex(class *clusterv1.ClusterClass, name string) int {
	return slices.IndexFunc(class.Spec.Patches, func(p clusterv1.ClusterClassPatch) bool { return p.Name == name })
}

// variablesThatFailed are those without a value for which a patch fails.
func variablesThatFailed(class *clusterv1.ClusterClass, cluster *clusterv1.Cluster, patch, message string) []string {
	var kind string
	switch {
	case strings.Contains(message, "does not exist"):
		kind = ".variable"
	case strings.Contains(message, "nil pointer evaluating"):
		kind = ".template"
	default:
		return nil
	}
	uses := slices.DeleteFunc(usesOfVariables(class), func(use variableUse) bool {
		what, _ := undefined(class, use.path)
		return use.patch != patch || !strings.HasSuffix(use.field, kind) || use.probed || what != ""
	})
	var names []string
	for _, use := range withoutValue(cluster, nil, uses) {
		if name := dotted(use.path); !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}
