// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package clusterclass

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"

	"github.com/terraform-capi/terraform-provider-capi/internal/apifields"
	"github.com/terraform-capi/terraform-provider-capi/internal/management"
	"github.com/terraform-capi/terraform-provider-capi/internal/topology"
)

// templateDiagnostic binds what is wrong about a template to the attribute that
// has its content.
func (r *rendered) templateDiagnostic(role string, problems []topology.Problem) diag.Diagnostic {
	var messages []string
	for _, problem := range problems {
		messages = append(messages, strings.TrimPrefix(problem.Field+": "+problem.Message, ": "))
	}
	attribute, which := rolePath(role), "this "+r.templates[role].GetKind()
	if r.fromManifest {
		attribute, which = manifestPath, fmt.Sprintf("the %s for %s in the manifest", r.templates[role].GetKind(), role)
	}
	return diag.NewAttributeErrorDiagnostic(attribute, "Invalid template",
		fmt.Sprintf("Kubernetes does not take %s: %s.", which, strings.TrimSuffix(strings.Join(messages, "; "), ".")))
}

// validateFields refuses what an API server would refuse before any webhook. What
// fields templates have a management cluster that answers knows best: its
// providers may be of other versions than the bundled ones.
func (r *rendered) validateFields(ctx context.Context, mgmt *management.Cluster) diag.Diagnostics {
	diags := r.problemDiagnostics(topology.ValidateFields(ctx, r.class))
	if mgmt != nil {
		return diags
	}
	for _, role := range slices.Sorted(maps.Keys(r.templates)) {
		problems := append(topology.ValidateFields(ctx, r.templates[role]), topology.RefusedByDocker(ctx, r.templates[role])...)
		diags.Append(apifields.UnknownDiagnostics(problems)...)
		if known := topology.Known(problems); len(known) > 0 {
			diags.Append(r.templateDiagnostic(role, known))
		}
	}
	return diags
}

// rolePath is the attribute of the template with the given role.
func rolePath(role string) path.Path {
	switch role {
	case roleInfrastructure:
		return path.Root("infrastructure").AtName("template").AtName("spec")
	case roleControlPlane:
		return path.Root("control_plane").AtName("template").AtName("spec")
	case roleControlPlaneMachine:
		return path.Root("control_plane").AtName("machine_infrastructure").AtName("template").AtName("spec")
	}
	class, part, _ := strings.Cut(role, workerRoleSeparator)
	for _, set := range workerSets {
		for attribute, r := range set.roles {
			if r == part {
				return path.Root("workers").AtName(set.attribute).AtMapKey(class).AtName(attribute).AtName("template").AtName("spec")
			}
		}
	}
	return path.Empty()
}

// problemDiagnostics binds problems with fields of the class to the attributes
// that the fields are made from. What is not known is a warning.
func (r *rendered) problemDiagnostics(problems []topology.Problem) diag.Diagnostics {
	if !r.fromManifest {
		return fields.Diagnostics("Invalid cluster class", shape, r.class.Object, problems)
	}
	diags := apifields.UnknownDiagnostics(problems)
	for _, problem := range topology.Known(problems) {
		diags.AddAttributeError(manifestPath, "Invalid cluster class",
			fmt.Sprintf("In the ClusterClass of the manifest: %s", strings.TrimPrefix(problem.Field+": "+apifields.Sentence(problem.Message), ": ")))
	}
	return diags
}

func invalidConfiguration(err error) diag.Diagnostic {
	return diag.NewErrorDiagnostic("Invalid cluster class", apifields.Sentence(err.Error()))
}
