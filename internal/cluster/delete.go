// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-log/tflog"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"

	"github.com/terraform-capi/terraform-provider-capi/internal/management"
	"github.com/terraform-capi/terraform-provider-capi/internal/tfkit"
)

// planDeletion refuses a plan that destroys or replaces a protected cluster, and
// says when destroying it would leave it running.
func planDeletion(ctx context.Context, req resource.ModifyPlanRequest) diag.Diagnostics {
	if req.State.Raw.IsNull() {
		return nil
	}
	var state model
	diags := req.State.Get(ctx, &state)
	destroys := req.Plan.Raw.IsNull()
	if !destroys && !diags.HasError() {
		var plan model
		diags.Append(req.Plan.Get(ctx, &plan)...)
		destroys = !plan.Name.Equal(state.Name) || !plan.Namespace.Equal(state.Namespace) || !plan.ManagementCluster.Equal(state.ManagementCluster)
	}
	if diags.HasError() || !destroys {
		return diags
	}
	if state.DeletionProtection.ValueBool() {
		diags.Append(protected(state))
	} else if state.DeletionPolicy.ValueString() == deletionPolicyOrphan {
		diags.Append(orphaned(state))
	}
	return diags
}

func protected(state model) diag.Diagnostic {
	return diag.NewAttributeErrorDiagnostic(path.Root("deletion_protection"), "Cluster is protected", state.object()+
		" has deletion_protection and cannot be destroyed or replaced. Apply deletion_protection = false first, if it really is to go.")
}

func orphaned(state model) diag.Diagnostic {
	return diag.NewAttributeWarningDiagnostic(path.Root("deletion_policy"), "Cluster is not deleted", fmt.Sprintf(
		"Terraform only forgets %s, which goes on running, because of deletion_policy = %q. To manage it again, import it as %s.",
		state.object(), deletionPolicyOrphan, state.id()))
}

// Delete deletes the Cluster object only: Cluster API takes down what belongs to
// it in the order that works, and lets the object go last.
func (r *Resource) Delete(ctx context.Context, req resource.DeleteRequest, resp *resource.DeleteResponse) {
	var state model
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	timeout, diags := state.Timeouts.Delete(ctx, defaultTimeouts.Delete)
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() {
		return
	}
	// Not every replacement comes by the plan of a destroy: -replace does not.
	switch {
	case state.DeletionProtection.ValueBool():
		resp.Diagnostics.Append(protected(state))
		return
	case state.DeletionPolicy.ValueString() == deletionPolicyOrphan:
		resp.Diagnostics.Append(orphaned(state))
		return
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	mgmt, err := r.session.Connect(ctx, state.ManagementCluster.ValueString())
	if errors.Is(err, management.ErrNotFound) {
		return
	}
	if err != nil {
		resp.Diagnostics.Append(tfkit.ConnectError(err))
		return
	}
	defer listerOf(r.session, mgmt).forget()
	cluster := &clusterv1.Cluster{}
	cluster.Namespace, cluster.Name = state.key().Namespace, state.key().Name
	if err := mgmt.Delete(ctx, cluster); err != nil && !management.IsAbsent(err) {
		resp.Diagnostics.Append(tfkit.RequestError("delete "+state.object(), err))
		return
	}
	resp.Diagnostics.Append(waitGone(ctx, mgmt, state)...)
}

// waitGone returns when the Cluster object no longer exists, which Cluster API
// lets happen last.
func waitGone(ctx context.Context, mgmt *management.Cluster, state model) diag.Diagnostics {
	ctx = tflog.SetField(ctx, "cluster", state.key().String())
	// The attribute has been validated.
	forceAfter, _ := time.ParseDuration(state.ForceDeleteAfter.ValueString())
	var forced []string
	err := tfkit.Wait(ctx, func(ctx context.Context) (bool, string, error) {
		f, err := observeDeletion(ctx, mgmt, state.key())
		if management.IsAbsent(err) {
			return true, "", nil
		}
		if err != nil {
			return false, "", err
		}
		if deleted := f.cluster.DeletionTimestamp; forceAfter > 0 && deleted != nil && time.Since(deleted.Time) >= forceAfter {
			removed, err := f.force(ctx, mgmt)
			forced = append(forced, removed...)
			if err != nil {
				return false, "", err
			}
		}
		return false, f.remaining(), nil
	})
	var diags diag.Diagnostics
	if len(forced) > 0 {
		diags.AddAttributeWarning(path.Root("force_delete_after"), "Finalizers removed", fmt.Sprintf(
			"The deletion of %s took longer than %s. These finalizers were removed, because what they wait for no longer exists:\n\n  %s\n\n"+
				"Find out why their controllers did not: they may not be running.",
			state.object(), forceAfter, strings.Join(forced, "\n  ")))
	}
	var timedOut *tfkit.TimeoutError
	switch {
	case errors.As(err, &timedOut):
		diags.Append(tfkit.TimeoutErrorDiagnostic(state.object()+" to be gone", timedOut,
			"It goes on being deleted. Look at what holds these objects, and destroy again to go on waiting. "+
				"If the controllers that should let them go are gone themselves, force_delete_after helps, but not with infrastructure that still exists."))
	case err != nil:
		diags.Append(tfkit.RequestError("wait for the deletion of "+state.object(), err))
	}
	return diags
}
