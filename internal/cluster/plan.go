// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"errors"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/terraform-capi/terraform-provider-capi/internal/apifields"
	"github.com/terraform-capi/terraform-provider-capi/internal/clusterclass"
	"github.com/terraform-capi/terraform-provider-capi/internal/management"
	"github.com/terraform-capi/terraform-provider-capi/internal/tfkit"
	"github.com/terraform-capi/terraform-provider-capi/internal/topology"
)

// onlineTimeout bounds what a plan asks the management cluster. A plan can do
// without the answers.
const onlineTimeout = 15 * time.Second

// waitUnfinished is the key in the private state under which it is noted that a
// wait ended before the cluster was ready.
const waitUnfinished = "wait_unfinished"

// ModifyPlan refuses what Cluster API would refuse, and plans to resume a wait
// that ended too early.
func (r *Resource) ModifyPlan(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	if req.Plan.Raw.IsNull() {
		return
	}
	var plan model
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	var state *model
	if !req.State.Raw.IsNull() {
		state = &model{}
		resp.Diagnostics.Append(req.State.Get(ctx, state)...)
	}
	if resp.Diagnostics.HasError() {
		return
	}
	changes := !req.Plan.Raw.Equal(req.State.Raw)
	resp.Diagnostics.Append(r.validate(ctx, plan, state, changes)...)
	if state == nil {
		return
	}
	resp.Diagnostics.Append(cniWarning(plan, *state)...)
	unfinished, diags := req.Private.GetKey(ctx, waitUnfinished)
	resp.Diagnostics.Append(diags...)
	if string(unfinished) == "true" && !state.Ready.ValueBool() && plan.waits() {
		resp.Diagnostics.Append(resumeWait(ctx, resp)...)
	}
}

// resumeWait makes the plan an update, by not knowing what will have become of
// the cluster.
func resumeWait(ctx context.Context, resp *resource.ModifyPlanResponse) diag.Diagnostics {
	diags := resp.Plan.SetAttribute(ctx, path.Root("ready"), types.BoolUnknown())
	diags.Append(resp.Plan.SetAttribute(ctx, path.Root("phase"), types.StringUnknown())...)
	diags.Append(resp.Plan.SetAttribute(ctx, path.Root("kubernetes_versions"), types.ListUnknown(types.StringType))...)
	var endpoint types.Object
	diags.Append(resp.Plan.GetAttribute(ctx, path.Root("endpoint"), &endpoint)...)
	if endpoint.IsNull() {
		diags.Append(resp.Plan.SetAttribute(ctx, path.Root("endpoint"), types.ObjectUnknown(endpoint.AttributeTypes(ctx)))...)
	}
	return diags
}

// waits says whether an apply waits for the cluster. Nothing happens to a paused
// one, so that there would be nothing to wait for.
func (m *model) waits() bool { return m.Wait.ValueBool() && !m.Paused.ValueBool() }

// cniWarning says what changing the network plugin of a living cluster does not do.
func cniWarning(plan, state model) diag.Diagnostics {
	if plan.CNI.IsUnknown() || plan.CNI.Equal(state.CNI) || state.CNI.IsNull() {
		return nil
	}
	planned, _ := plan.cni()
	before, _ := state.cni()
	if planned.name == before.name {
		return nil
	}
	return diag.Diagnostics{diag.NewAttributeWarningDiagnostic(path.Root("cni"), "Network plugin stays installed",
		"The network plugin that was installed before is not removed from the cluster, and two of them do not get along. "+
			"Replace the cluster, or remove the old plugin by hand.")}
}

// validate refuses what can be known to be wrong. What is unknown, or needs a
// management cluster that does not answer, is left for the apply. A cluster that
// does not change itself may still become wrong with its class.
func (r *Resource) validate(ctx context.Context, plan model, state *model, changes bool) diag.Diagnostics {
	if r.resolver == nil || plan.Name.IsUnknown() || plan.Namespace.IsUnknown() {
		return nil
	}
	desired, err := plan.ToAPI()
	if errors.Is(err, tfkit.ErrUnknown) {
		return validateVersion(plan, state)
	}
	if err != nil {
		return diag.Diagnostics{invalidConfiguration(err)}
	}
	cluster, err := typed(desired)
	if err != nil {
		return diag.Diagnostics{invalidConfiguration(err)}
	}
	planned := clusterclass.PlannedIn(r.resolver, plan.ManagementCluster, cluster.GetClassKey())
	if !changes && !planned.Changes {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, onlineTimeout)
	defer cancel()
	mgmt, diags := tfkit.ConnectAtPlan(ctx, r.resolver, plan.ManagementCluster)
	class, settled := classFor(ctx, mgmt, planned, cluster.GetClassKey())
	diags.Append(validateOffline(ctx, class, before(plan, state), desired)...)
	if mgmt != nil && settled && changes && !diags.HasError() {
		diags.Append(dryRun(ctx, mgmt, desired)...)
	}
	return diags
}

// before is the Cluster that the state declares, nil if the plan makes a new one.
func before(plan model, state *model) *clusterv1.Cluster {
	if state == nil || state.key() != plan.key() {
		return nil
	}
	obj, err := state.ToAPI()
	if err != nil {
		return nil
	}
	cluster, err := typed(obj)
	if err != nil {
		return nil
	}
	return cluster
}

// classFor returns the ClusterClass as it will be when the cluster is applied: as
// planned in the same configuration, else as the management cluster has it. It is
// nil if it is not known. settled says that the management cluster has it like
// that already.
func classFor(ctx context.Context, mgmt *management.Cluster, planned clusterclass.Planned, key client.ObjectKey) (class *clusterv1.ClusterClass, settled bool) {
	switch {
	case planned.Found:
		return planned.Class, !planned.Changes
	case mgmt == nil:
		return nil, false
	}
	live := &clusterv1.ClusterClass{}
	if err := mgmt.Get(ctx, key, live); err != nil {
		return nil, false
	}
	return topology.Usable(live), true
}

func validateOffline(ctx context.Context, class *clusterv1.ClusterClass, before *clusterv1.Cluster, desired *unstructured.Unstructured) diag.Diagnostics {
	cluster, err := typed(desired)
	if err != nil {
		return diag.Diagnostics{invalidConfiguration(err)}
	}
	_, problems := topology.ValidateCluster(ctx, class, before, cluster)
	return problemDiagnostics(problems, desired)
}

// validateVersion compares versions when not everything else is known.
func validateVersion(plan model, state *model) diag.Diagnostics {
	if state == nil || plan.Topology.IsUnknown() {
		return nil
	}
	planned, _ := plan.Topology.Attributes()["version"].(types.String)
	before, _ := state.Topology.Attributes()["version"].(types.String)
	if planned.IsUnknown() || before.IsNull() || state.key() != plan.key() {
		return nil
	}
	return problemDiagnostics(topology.ValidateVersion(before.ValueString(), planned.ValueString(), nil), nil)
}

// dryRun lets the management cluster say whether it would take the Cluster,
// without giving it one.
func dryRun(ctx context.Context, mgmt *management.Cluster, desired *unstructured.Unstructured) diag.Diagnostics {
	err := mgmt.Apply(ctx, desired.DeepCopy(), client.DryRunAll)
	if !topology.IsRefusal(err) {
		return nil
	}
	return problemDiagnostics(topology.Problems(err), desired)
}

// problemDiagnostics binds problems with fields of the Cluster object to the
// attributes that the fields are made from.
func problemDiagnostics(problems []topology.Problem, object *unstructured.Unstructured) diag.Diagnostics {
	var content map[string]any
	if object != nil {
		content = object.Object
	}
	return fields.Diagnostics("Invalid cluster", shape, content, problems)
}

func invalidConfiguration(err error) diag.Diagnostic {
	return diag.NewErrorDiagnostic("Invalid cluster", apifields.Sentence(err.Error()))
}
