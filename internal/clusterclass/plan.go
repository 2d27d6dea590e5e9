// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package clusterclass

import (
	"context"
	"errors"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/terraform-capi/terraform-provider-capi/internal/classes"
	"github.com/terraform-capi/terraform-provider-capi/internal/management"
	"github.com/terraform-capi/terraform-provider-capi/internal/tfkit"
	"github.com/terraform-capi/terraform-provider-capi/internal/topology"
)

// onlineTimeout bounds what a plan asks the management cluster. A plan can do
// without the answers.
const onlineTimeout = 15 * time.Second

// ModifyPlan plans the names of the templates, refuses what Cluster API would
// refuse, and remembers the class for the plans of its clusters.
func (r *Resource) ModifyPlan(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	known, diags := tfkit.ReadRecord[tfkit.Record](ctx, req.Private)
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() {
		return
	}
	if !req.State.Raw.IsNull() {
		tfkit.ManageRecorded(r.session, known.UID, known)
	}
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
	if resp.Diagnostics.HasError() || plan.Name.IsUnknown() || plan.Namespace.IsUnknown() {
		return
	}
	desired, err := plan.ToAPI()
	if errors.Is(err, tfkit.ErrUnknown) {
		classes.Remember(r.session, plan.ManagementCluster, plan.key(), classes.Planned{Before: declaredIn(state, plan.key()), Changes: true})
		resp.Diagnostics.Append(resp.Plan.SetAttribute(ctx, path.Root("templates"), types.MapUnknown(types.StringType))...)
		resp.Diagnostics.Append(resp.Plan.SetAttribute(ctx, path.Root("left_out"), types.ListUnknown(types.StringType))...)
		resp.Diagnostics.Append(resp.Plan.SetAttribute(ctx, path.Root("ready"), types.BoolUnknown())...)
		return
	}
	if err != nil {
		resp.Diagnostics.Append(plan.invalid(err))
		return
	}
	resp.Diagnostics.Append(r.planKnown(ctx, plan, state, known, desired, req, resp)...)
	unfinished, diags := tfkit.IsWaitUnfinished(ctx, req.Private)
	resp.Diagnostics.Append(diags...)
	if state != nil && unfinished && !state.Ready.ValueBool() {
		resp.Diagnostics.Append(resp.Plan.SetAttribute(ctx, path.Root("ready"), types.BoolUnknown())...)
	}
}

// planKnown plans a class all of which is known.
func (r *Resource) planKnown(ctx context.Context, plan model, state *model, known tfkit.Record, desired *rendered, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) diag.Diagnostics {
	if state != nil && state.key() == plan.key() {
		desired.rename(desired.kept(state))
	}
	blueprint, err := desired.blueprint()
	if err != nil {
		return diag.Diagnostics{plan.invalid(err)}
	}
	diags := resp.Plan.SetAttribute(ctx, path.Root("templates"), names(desired.names()))
	diags.Append(resp.Plan.SetAttribute(ctx, path.Root("left_out"), desired.leftOut())...)
	if state != nil {
		// A value that is written differently but means the same is no change, which
		// the framework cannot know when it makes computed attributes unknown.
		diags.Append(resp.Plan.SetAttribute(ctx, path.Root("ready"), state.Ready)...)
	}
	changes := !resp.Plan.Raw.Equal(req.State.Raw)
	if changes || known.Creation != "" {
		diags.Append(resp.Plan.SetAttribute(ctx, path.Root("ready"), types.BoolUnknown())...)
	}
	after := asReconciled(blueprint)
	planned := classes.Planned{Before: after, After: after, Changes: changes}
	if changes {
		planned.Before = declaredIn(state, plan.key())
	}
	classes.Remember(r.session, plan.ManagementCluster, plan.key(), planned)
	if changes {
		diags.Append(desired.manifestWarnings()...)
		diags.Append(r.validate(ctx, plan, state, known, resp.Private, desired, blueprint, planned)...)
	}
	return diags
}

// validate refuses what Cluster API would refuse: by its own admission code,
// and by the management cluster if it answers. What the change does to clusters it
// announces.
func (r *Resource) validate(ctx context.Context, plan model, state *model, known tfkit.Record, private tfkit.PrivateState, desired *rendered, blueprint topology.Blueprint, planned classes.Planned) diag.Diagnostics {
	if r.session == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, onlineTimeout)
	defer cancel()
	mgmt, diags := tfkit.ConnectAtPlan(ctx, r.session, plan.ManagementCluster, state == nil)
	if state == nil && !plan.ManagementCluster.IsUnknown() {
		if diags.Append(checkNew(ctx, r.session, mgmt, plan, known, private)...); diags.HasError() {
			return diags
		}
	}
	if diags.Append(desired.validateFields(ctx, mgmt)...); diags.HasError() {
		return diags
	}
	if mgmt != nil {
		if diags.Append(desired.unserved(mgmt)...); diags.HasError() {
			return diags
		}
	}
	before, clusters := r.before(ctx, mgmt, plan, state)
	sample, problems := topology.Sample(ctx, before, blueprint, clusters)
	diags.Append(desired.problemDiagnostics(problems)...)
	if mgmt != nil && !diags.HasError() {
		diags.Append(dryRun(ctx, mgmt, desired)...)
	}
	if !diags.HasError() {
		diags.Append(desired.problemDiagnostics(classes.CheckPatched(ctx, mgmt, sample))...)
	}
	if !diags.HasError() {
		diags.Append(announce(ctx, plan, planned.Before, planned.After, clusters)...)
	}
	return diags
}

// before is the class that the planned one replaces, and the clusters that use
// it. Without a management cluster the state has to do, which knows no clusters.
func (r *Resource) before(ctx context.Context, mgmt *management.Cluster, plan model, state *model) (*topology.Blueprint, []clusterv1.Cluster) {
	if state == nil || state.key() != plan.key() {
		return nil, nil
	}
	if mgmt != nil {
		live := &clusterv1.ClusterClass{}
		clusters, err := classes.Users(ctx, mgmt, plan.key())
		if err == nil && mgmt.Get(ctx, plan.key(), live) == nil {
			return &topology.Blueprint{Class: live}, clusters
		}
	}
	return declaredIn(state, plan.key()), nil
}

// declaredIn is the class that a state declares, nil if it is another or none.
func declaredIn(state *model, key client.ObjectKey) *topology.Blueprint {
	if state == nil || state.key() != key {
		return nil
	}
	rendered, err := state.ToAPI()
	if err != nil {
		return nil
	}
	blueprint, err := rendered.blueprint()
	if err != nil {
		return nil
	}
	return asReconciled(blueprint)
}

// asReconciled is a class as its controller will have understood it, or nil if
// only runtime extensions can say what its variables are.
func asReconciled(blueprint topology.Blueprint) *topology.Blueprint {
	if topology.HasExternalVariables(blueprint.Class) {
		return nil
	}
	blueprint.Class = topology.Reconciled(blueprint.Class)
	return &blueprint
}

// dryRun lets the management cluster say whether it would take the templates and
// the class, without giving it any.
func dryRun(ctx context.Context, mgmt *management.Cluster, desired *rendered) diag.Diagnostics {
	var diags diag.Diagnostics
	for role, template := range desired.templates {
		err := mgmt.Apply(ctx, template.DeepCopy(), client.DryRunAll)
		if tfkit.IsNotPermitted(err) {
			return append(diags, tfkit.NotTriedOut(desired.class.GetKind()+" "+client.ObjectKeyFromObject(desired.class).String()+" and its templates", err))
		}
		if topology.IsFaulty(err) {
			diags.Append(desired.templateDiagnostic(role, topology.Problems(err)))
		}
	}
	if diags.HasError() {
		return diags
	}
	err := mgmt.Apply(ctx, desired.class.DeepCopy(), client.DryRunAll)
	switch {
	case tfkit.IsNotPermitted(err):
		diags.Append(tfkit.NotTriedOut(desired.class.GetKind()+" "+client.ObjectKeyFromObject(desired.class).String(), err))
	case topology.IsRefusal(err):
		diags.Append(desired.problemDiagnostics(topology.Problems(err))...)
	}
	return diags
}
