// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"

	"github.com/terraform-capi/terraform-provider-capi/internal/live"
	"github.com/terraform-capi/terraform-provider-capi/internal/tfkit"
	"github.com/terraform-capi/terraform-provider-capi/internal/waiter"
)

// beingDeleted says that the cluster is being deleted, by whomever. Terraform keeps
// it in the state until it is gone.
func beingDeleted(plan model, f *live.Facts) diag.Diagnostic {
	next := "When it is gone, the next apply makes it anew."
	if live.IsPaused(f.Cluster) {
		next = pausedText
	}
	return diag.NewWarningDiagnostic("Cluster is being deleted", fmt.Sprintf(
		"%s is being deleted, by an earlier destroy or outside of Terraform. %s\n\n%s", plan.object(), next, f.Remaining()))
}

// failedCreation says what an error after the creation means to Terraform.
const failedCreation = "If it was being created, Terraform regards it as failed and replaces it in the next apply, " +
	"unless terraform untaint tells it not to."

// waitDiagnostics words the end of a wait. A wait never fails the resource,
// unless the configuration wants that: Terraform would replace what it created.
// What is known about the cluster, if anything is, tells the likely causes.
func waitDiagnostics(plan model, err error, f *live.Facts) diag.Diagnostics {
	if err == nil {
		return nil
	}
	waitingFor := fmt.Sprintf("%s to come to wait_for = %q", plan.object(), plan.WaitFor.ValueString())
	remedy := "It goes on coming up. The next apply resumes the wait."
	if plan.OnTimeout.ValueString() == onTimeoutError {
		remedy = "It goes on coming up. " + failedCreation
	}
	var stuck *live.StuckError
	if errors.As(err, &stuck) {
		return diag.Diagnostics{stuckDiagnostic(plan, waitingFor, stuck, f)}
	}
	var timedOut *waiter.TimeoutError
	if !errors.As(err, &timedOut) {
		return diag.Diagnostics{diag.NewWarningDiagnostic("Wait interrupted",
			fmt.Sprintf("Waiting for %s ended early: %s. %s", waitingFor, err, remedy))}
	}
	if f != nil {
		remedy = strings.Join(append(f.Causes(!plan.CNI.IsNull()), remedy), "\n\n")
	}
	if plan.OnTimeout.ValueString() == onTimeoutError {
		return diag.Diagnostics{tfkit.TimeoutErrorDiagnostic(waitingFor, timedOut, remedy)}
	}
	return diag.Diagnostics{tfkit.TimeoutWarning(waitingFor, timedOut, remedy)}
}

// stuckDiagnostic says what failed, and what helps. What is known about the cluster,
// if anything is, tells the likely causes.
func stuckDiagnostic(plan model, waitingFor string, stuck *live.StuckError, f *live.Facts) diag.Diagnostic {
	texts := []string{
		fmt.Sprintf("%s failed:\n\n%s", stuck.Object, tfkit.Indent(stuck.Message)),
		fmt.Sprintf("Waited %s for %s, which does not come about unless the cause is corrected.", stuck.Waited.Round(time.Second), waitingFor),
	}
	if stuck.Tree != "" {
		texts = append(texts, tfkit.Indent(stuck.Tree))
	}
	if f != nil {
		texts = append(texts, f.Causes(!plan.CNI.IsNull())...)
		texts = append(texts, replacement(stuck, live.IsInitialized(f.Cluster))...)
	}
	if plan.OnTimeout.ValueString() == onTimeoutError {
		texts = append(texts, failedCreation)
		return diag.NewErrorDiagnostic("Cluster is stuck", strings.Join(texts, "\n\n"))
	}
	texts = append(texts, "The next apply resumes the wait.")
	return diag.NewWarningDiagnostic("Cluster is stuck", strings.Join(texts, "\n\n"))
}

// replacement says how a machine that failed gets replaced, once the cause is
// corrected.
func replacement(stuck *live.StuckError, initialized bool) []string {
	switch {
	case !strings.HasPrefix(stuck.Object, "Machine "):
		return nil
	case !initialized:
		return []string{"Cluster API does not replace the first machine of a control plane for a change. If topology.version is the cause, " +
			"correct it, and the apply replaces the machine. Otherwise correct the cause and delete the Machine with kubectl, " +
			"or destroy the cluster and create it again."}
	}
	return []string{"Cluster API replaces a failed machine for a change of its template or version, for a health_check, and when its Machine is deleted."}
}
