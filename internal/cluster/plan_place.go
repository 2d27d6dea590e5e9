// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"

	"github.com/terraform-capi/terraform-provider-capi/internal/management"
	"github.com/terraform-capi/terraform-provider-capi/internal/session"
	"github.com/terraform-capi/terraform-provider-capi/internal/tfkit"
)

// planPlace plans what happens to a cluster of the state whose name, namespace or
// management cluster changes: it is updated in place if it was moved there
// already, as by clusterctl move, and replaced else.
func (r *Resource) planPlace(ctx context.Context, p *planning, known record, resp *resource.ModifyPlanResponse) diag.Diagnostics {
	plan, state := &p.plan, p.state
	var changed []path.Path
	for _, attribute := range []struct {
		name          string
		before, after types.String
	}{
		{"management_cluster", state.ManagementCluster, plan.ManagementCluster},
		{"namespace", state.Namespace, plan.Namespace},
		{"name", state.Name, plan.Name},
	} {
		if !attribute.after.Equal(attribute.before) {
			changed = append(changed, path.Root(attribute.name))
		}
	}
	if len(changed) == 0 {
		return nil
	}
	if r.wasMoved(ctx, *plan, known) {
		plan.ID, plan.UID = types.StringValue(plan.id()), types.StringUnknown()
		plan.forgetStatus()
		diags := resp.Identity.Set(ctx, plan.identity())
		return append(diags, diag.NewAttributeWarningDiagnostic(changed[0], "Cluster was moved", fmt.Sprintf(
			"%s has this very cluster: the same control plane endpoint and certificate authority as %s had. Terraform manages it there from now on; no machine is replaced.",
			management.Describe(plan.ManagementCluster.ValueString()), state.id())))
	}
	diags := planDeletion(*state)
	if !diags.HasError() && diags.WarningsCount() == 0 {
		diags.Append(replaced(changed[0], *state))
	}
	resp.RequiresReplace = append(resp.RequiresReplace, changed...)
	p.state = nil
	return diags
}

// wasMoved says whether the cluster of the record exists where the plan has it.
func (r *Resource) wasMoved(ctx context.Context, plan model, known record) bool {
	if r.session == nil || plan.ManagementCluster.IsUnknown() || plan.Namespace.IsUnknown() || plan.Name.IsUnknown() {
		return false
	}
	mgmt, err := r.session.Connect(ctx, plan.ManagementCluster.ValueString())
	if err != nil {
		return false
	}
	cluster := &clusterv1.Cluster{}
	return mgmt.Get(ctx, plan.key(), cluster) == nil && known.isVery(ctx, mgmt, cluster)
}

func replaced(changed path.Path, state model) diag.Diagnostic {
	machines := "its machines"
	if n := len(state.Machines.Elements()); n > 0 {
		machines = fmt.Sprintf("its machines (%d)", n)
	}
	return diag.NewAttributeWarningDiagnostic(changed, "Cluster will be replaced", fmt.Sprintf(
		"A change of %s destroys %s with %s and all that runs on them, and creates a new cluster. "+
			"A cluster that was moved, as by clusterctl move, is updated in place instead if the management cluster that has it now answers at plan.",
		changed, state.object(), machines))
}

// movedError is the error that nothing was done to a cluster that lives without its
// Cluster object. consequence says what was not done, and err, an errMoved, why.
func movedError(consequence string, err error) diag.Diagnostic {
	summary, detail := movedText(consequence, err)
	return diag.NewAttributeErrorDiagnostic(tfkit.ManagementClusterPath, summary, detail)
}

func movedText(consequence string, err error) (summary, detail string) {
	return "Cluster is not where the state says", fmt.Sprintf(
		"%s, because %s. If it was moved, as by clusterctl move, set management_cluster and namespace to where it is, and apply. "+
			"If nothing manages it any more, remove it from the state with terraform state rm; its nodes keep running.", consequence, err)
}

// checkNew refuses to create a cluster that exists, or that another resource of the
// configuration creates, too. An object that a state has may be there because it is
// about to be replaced, and one that is marked because its creation was cut off: of
// these the apply decides.
func (p *planning) checkNew(ctx context.Context, s *session.Session, known record, private tfkit.PrivateState) diag.Diagnostics {
	if s == nil || p.desired == nil || p.plan.ManagementCluster.IsUnknown() {
		return nil
	}
	if !s.Claim(session.Plan, ResourceType, p.plan.id()) {
		return diag.Diagnostics{tfkit.CreatedTwice(path.Root("name"), p.plan.object())}
	}
	existing := &clusterv1.Cluster{}
	if p.mgmt == nil || p.mgmt.Get(ctx, p.plan.key(), existing) != nil {
		return nil
	}
	if s.MayCreate(ctx, existing, known.UID) {
		return tfkit.CarryRecord(ctx, s, private, known.UID, existing.UID)
	}
	return diag.Diagnostics{tfkit.AlreadyExists(path.Root("name"), p.plan.object(), ResourceType, p.plan.id())}
}
