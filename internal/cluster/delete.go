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
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/terraform-capi/terraform-provider-capi/internal/live"
	"github.com/terraform-capi/terraform-provider-capi/internal/management"
	"github.com/terraform-capi/terraform-provider-capi/internal/tfkit"
	"github.com/terraform-capi/terraform-provider-capi/internal/waiter"
)

// planDeletion refuses a plan that destroys or replaces a protected cluster, and
// says when destroying it would leave it running or is going to be refused.
func planDeletion(state model) diag.Diagnostics {
	switch {
	case state.DeletionProtection.ValueBool():
		return diag.Diagnostics{protected(state)}
	case state.DeletionPolicy.ValueString() == deletionPolicyOrphan:
		return diag.Diagnostics{orphaned(state)}
	case state.isPaused():
		return asWarnings(diag.Diagnostics{paused(state)})
	}
	return nil
}

func paused(state model) diag.Diagnostic {
	return diag.NewAttributeErrorDiagnostic(path.Root("paused"), "Cluster is paused", fmt.Sprintf(
		"%s is not destroyed: %s", state.object(), pausedText))
}

// pausedText says how to go on with the deletion of a cluster that is paused.
const pausedText = "Cluster API does nothing about a cluster that is paused, and does not delete it either. " +
	"Set paused = false, take away the annotation " + clusterv1.PausedAnnotation + " if it has it, and apply. Then destroy it."

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
	known, diags := readRecord(ctx, req.Private, state)
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() {
		return
	}
	ctx, cancel, mgmt, err := tfkit.Begin(ctx, r.session, state.Timeouts.Delete, defaultTimeouts.Delete, state.ManagementCluster, known.Management)
	defer cancel()
	if errors.Is(err, management.ErrGone) {
		resp.Diagnostics.Append(known.checkGone(ctx, state, err)...)
		return
	}
	if err != nil {
		resp.Diagnostics.Append(tfkit.ConnectError(err))
		return
	}
	defer live.ListerOf(r.session, mgmt).Forget()
	exists, diags := deleteCluster(ctx, mgmt, state, &known)
	resp.Diagnostics.Append(diags...)
	if exists {
		resp.Diagnostics.Append(waitGone(ctx, mgmt, state, known)...)
	}
}

// checkGone refuses to take a cluster for deleted that is not proven to be gone, or
// that lives without its Cluster object.
func (r *record) checkGone(ctx context.Context, state model, err error) diag.Diagnostics {
	err = r.outlived(ctx, state.ManagementCluster.ValueString(), err)
	switch {
	case errors.Is(err, management.ErrGone):
		return nil
	case errors.Is(err, errMoved):
		return diag.Diagnostics{movedError(state.object()+" was not deleted", err)}
	}
	return diag.Diagnostics{tfkit.Undecided(state.object(), err)}
}

// deleteCluster deletes the Cluster object of the record and no other one. It says
// whether there is one whose end is to be waited for, and records which one.
func deleteCluster(ctx context.Context, mgmt *management.Cluster, state model, known *record) (bool, diag.Diagnostics) {
	cluster := &clusterv1.Cluster{}
	err := mgmt.Get(ctx, state.key(), cluster)
	switch {
	case management.IsAbsent(err):
		return false, known.checkGone(ctx, state, known.Absence(ctx, mgmt, clusterKind, err))
	case err != nil:
		return false, diag.Diagnostics{tfkit.RequestError("read "+state.object(), err)}
	case known.UID == "":
		return false, diag.Diagnostics{tfkit.Unrecorded(state.object())}
	case !known.isOf(ctx, mgmt, cluster):
		return false, diag.Diagnostics{tfkit.AnotherObject(state.object(), known.UID, cluster.UID)}
	case live.IsPaused(cluster):
		return false, diag.Diagnostics{paused(state)}
	}
	if err := mgmt.Delete(ctx, cluster, client.Preconditions{UID: &cluster.UID}); client.IgnoreNotFound(err) != nil {
		return false, diag.Diagnostics{tfkit.RequestError("delete "+state.object(), err)}
	}
	// One that was moved away and back has another UID than was recorded.
	known.UID = cluster.UID
	return true, nil
}

// errPaused ends the wait for a deletion: nothing more comes of it.
var errPaused = errors.New("the cluster is paused")

// waitGone returns when the Cluster object no longer exists, which Cluster API
// lets happen last.
func waitGone(ctx context.Context, mgmt *management.Cluster, state model, known record) diag.Diagnostics {
	ctx = tflog.SetField(ctx, "cluster", state.key().String())
	// The attribute has been validated.
	forceAfter, _ := time.ParseDuration(state.ForceDeleteAfter.ValueString())
	var forced []string
	err := waiter.Wait(ctx, func(ctx context.Context) (bool, string, error) {
		f, err := live.ObserveDeletion(ctx, mgmt, state.key())
		if management.IsAbsent(err) {
			unproven := mgmt.ProveAbsent(ctx, known.Management, clusterKind, err)
			return management.IsObjectNotFound(err) || unproven == nil, fmt.Sprint(unproven), nil
		}
		if err != nil {
			return false, "", err
		}
		if f.Cluster.UID != known.UID {
			return true, "", nil
		}
		if live.IsPaused(f.Cluster) {
			return false, "", errPaused
		}
		if deleted := f.Cluster.DeletionTimestamp; forceAfter > 0 && deleted != nil && time.Since(deleted.Time) >= forceAfter {
			removed, err := f.Force(ctx, mgmt)
			forced = append(forced, removed...)
			if err != nil {
				return false, "", err
			}
		}
		return false, f.Remaining(), nil
	})
	var diags diag.Diagnostics
	if len(forced) > 0 {
		diags.AddAttributeWarning(path.Root("force_delete_after"), "Finalizers removed", fmt.Sprintf(
			"The deletion of %s took longer than %s. These finalizers were removed, because what they wait for no longer exists:\n\n  %s\n\n"+
				"Find out why their controllers did not: they may not be running.",
			state.object(), forceAfter, strings.Join(forced, "\n  ")))
	}
	var timedOut *waiter.TimeoutError
	switch {
	case errors.Is(err, errPaused):
		diags.Append(diag.NewAttributeErrorDiagnostic(path.Root("paused"), "Cluster is paused", fmt.Sprintf(
			"%s is being deleted, and was paused meanwhile. %s", state.object(), pausedText)))
	case errors.As(err, &timedOut):
		diags.Append(tfkit.TimeoutErrorDiagnostic(state.object()+" to be gone", timedOut,
			"It goes on being deleted. Look at what holds these objects, and destroy again to go on waiting. "+
				"If the controllers that should let them go are gone themselves, force_delete_after helps, but not with infrastructure that still exists."))
	case err != nil:
		diags.Append(tfkit.RequestError("wait for the deletion of "+state.object(), err))
	}
	return diags
}
