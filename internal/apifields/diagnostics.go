// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package apifields

import (
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"

	"github.com/terraform-capi/terraform-provider-capi/internal/topology"
)

// Diagnostics binds problems with fields of the API object to the attributes that
// the fields are made from. object is what Encode returned.
func (f Fields) Diagnostics(summary string, attributeTypes map[string]attr.Type, object map[string]any, problems []topology.Problem) diag.Diagnostics {
	var diags diag.Diagnostics
	for _, problem := range problems {
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
	return strings.ToUpper(text[:1]) + strings.TrimSuffix(text[1:], ".") + "."
}
