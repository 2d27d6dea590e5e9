// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package clusterclass

import (
	"context"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

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
	return r.atTemplate(role, fmt.Sprintf("Kubernetes does not take the %s for %s: %s.",
		r.templates[role].GetKind(), r.describe(role), strings.TrimSuffix(strings.Join(messages, "; "), ".")))
}

// atTemplate is an error of the attribute that has the content of a template.
func (r *rendered) atTemplate(role, detail string) diag.Diagnostic {
	attribute := rolePath(role)
	if r.manifest != nil {
		attribute, detail = manifestPath, r.manifest.source.conceal(detail)
	}
	return diag.NewAttributeErrorDiagnostic(attribute, "Invalid template", detail)
}

func (r *rendered) describe(role string) string {
	if r.manifest != nil {
		return inWords(role) + " in the manifest"
	}
	return inWords(role)
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
	if r.manifest == nil {
		return fields.Diagnostics("Invalid cluster class", shape, r.class.Object, problems)
	}
	diags := apifields.UnknownDiagnostics(problems)
	for _, problem := range topology.Known(problems) {
		diags.AddAttributeError(manifestPath, "Invalid cluster class", r.manifest.source.conceal(fmt.Sprintf(
			"In the ClusterClass of the manifest: %s%s", r.item(problem), strings.TrimPrefix(problem.Field+": "+apifields.Sentence(problem.Message), ": "))))
	}
	return diags
}

var listItem = regexp.MustCompile(`^spec\.(variables|patches|workers\.machineDeployments|workers\.machinePools)\[(\d+)\]`)

// item names the variable, patch or worker class that a problem's field is in, which the
// field only numbers, unless the message does.
func (r *rendered) item(problem topology.Problem) string {
	match := listItem.FindStringSubmatch(problem.Field)
	if match == nil {
		return ""
	}
	value, _, _ := unstructured.NestedFieldNoCopy(r.class.Object, strings.Split("spec."+match[1], ".")...)
	list, _ := value.([]any)
	index, err := strconv.Atoi(match[2])
	if err != nil || index >= len(list) {
		return ""
	}
	fields, _ := list[index].(map[string]any)
	item := fmt.Sprintf("worker class %q", fields["class"])
	switch match[1] {
	case "variables":
		item = fmt.Sprintf("variable %q", fields["name"])
	case "patches":
		item = fmt.Sprintf("patch %q", fields["name"])
	}
	if strings.HasPrefix(problem.Message, item) {
		return ""
	}
	return item + ": "
}

// invalid says that the configured class cannot be made into objects.
func (m *model) invalid(err error) diag.Diagnostic {
	text := apifields.Sentence(err.Error())
	if source, _ := m.manifest(); source != nil {
		text = source.conceal(text)
	}
	return diag.NewErrorDiagnostic("Invalid cluster class", text)
}
