// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package apifields

import (
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"

	"github.com/terraform-capi/terraform-provider-capi/internal/redact"
	"github.com/terraform-capi/terraform-provider-capi/internal/tfkit"
	"github.com/terraform-capi/terraform-provider-capi/internal/topology"
)

// Diagnostics binds problems with fields of the API object to the attributes that
// the fields are made from, and warns of what is not known. object is what Encode
// returned.
func (f Fields) Diagnostics(summary string, attributeTypes map[string]attr.Type, object map[string]any, problems []topology.Problem) diag.Diagnostics {
	diags := UnknownDiagnostics(problems)
	for _, problem := range topology.Known(problems) {
		attribute := f.AttributePath(attributeTypes, object, problem.Field)
		if len(attribute.Steps()) > 0 {
			// Terraform shows the line on which the outermost attribute begins.
			diags.AddAttributeError(attribute, summary, attribute.String()+": "+inside(problem.Field)+Sentence(problem.Message))
			continue
		}
		diags.AddError(summary, strings.TrimPrefix(problem.Field+": "+Sentence(problem.Message), ": "))
	}
	return diags
}

// UnknownDiagnostics warns of what a plan cannot tell, and leaves out what is known.
func UnknownDiagnostics(problems []topology.Problem) diag.Diagnostics {
	var diags diag.Diagnostics
	for _, problem := range topology.Unknown(problems) {
		diags.AddWarning("Plan is incomplete", "The plan cannot tell all that an apply does. "+Sentence(problem.Message)+
			" What depends on it is unknown in the plan, and is not validated.")
	}
	return diags
}

// inside is the part of a variable's value that a field is about. Values are
// dynamic, so that no attribute is of such a part.
func inside(field string) string {
	_, part, found := strings.Cut(field, "].value.")
	if !found {
		return ""
	}
	return part + ": "
}

// Sentence makes a sentence of an error's text.
func Sentence(text string) string {
	if text == "" {
		return ""
	}
	text = redact.Text(tfkit.Capitalize(text))
	if strings.HasSuffix(text, "?") {
		return text
	}
	return strings.TrimSuffix(text, ".") + "."
}
