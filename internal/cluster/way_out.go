// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework/diag"
)

// wayOut says how to destroy or replace a cluster although its plan fails.
// Terraform plans the configuration before it destroys or replaces anything, so
// that an error of the plan is in the way of both.
func (m *model) wayOut() string {
	return fmt.Sprintf("Nothing is changed. To destroy %s all the same, run terraform destroy -refresh=false -target=ADDRESS, "+
		"where ADDRESS is the one of this resource, such as %s.NAME. To replace it, run terraform taint ADDRESS before the next apply.",
		m.object(), ResourceType)
}

// withWayOut adds the way out to each error about a cluster that exists.
func (p *planning) withWayOut(diags diag.Diagnostics) diag.Diagnostics {
	if p.state == nil {
		return diags
	}
	worded := make(diag.Diagnostics, len(diags))
	for i, d := range diags {
		worded[i] = d
		if d.Severity() != diag.SeverityError {
			continue
		}
		detail := d.Detail() + "\n\n" + p.state.wayOut()
		worded[i] = diag.NewErrorDiagnostic(d.Summary(), detail)
		if bound, ok := d.(diag.DiagnosticWithPath); ok {
			worded[i] = diag.NewAttributeErrorDiagnostic(bound.Path(), d.Summary(), detail)
		}
	}
	return worded
}

// asWarnings turns errors into warnings where the apply may know better.
func asWarnings(diags diag.Diagnostics) diag.Diagnostics {
	var warnings diag.Diagnostics
	for _, d := range diags {
		if bound, ok := d.(diag.DiagnosticWithPath); ok {
			warnings.AddAttributeWarning(bound.Path(), d.Summary(), d.Detail())
		} else {
			warnings.AddWarning(d.Summary(), d.Detail())
		}
	}
	return warnings
}
