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
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"

	"github.com/terraform-capi/terraform-provider-capi/internal/classes"
	"github.com/terraform-capi/terraform-provider-capi/internal/live"
	"github.com/terraform-capi/terraform-provider-capi/internal/management"
	"github.com/terraform-capi/terraform-provider-capi/internal/session"
	"github.com/terraform-capi/terraform-provider-capi/internal/tfkit"
	"github.com/terraform-capi/terraform-provider-capi/internal/topology"
)

// onlineTimeout bounds what a plan asks the management cluster. A plan can do
// without the answers.
const onlineTimeout = 15 * time.Second

// planning is a cluster while it is planned, and what is known around it.
type planning struct {
	plan model
	// state is nil for a cluster that does not exist yet, or is replaced.
	state *model
	// changes says that the configuration differs from the state.
	changes bool
	// desired is nil as long as not all of the configuration is known.
	desired *unstructured.Unstructured
	cluster *clusterv1.Cluster
	// applied is what the management cluster would make of it, nil if it was not
	// asked.
	applied *clusterv1.Cluster
	// mgmt is nil if the management cluster cannot be asked.
	mgmt *management.Cluster
	// class is that of the configuration, oldClass that of the state.
	class, oldClass classes.Planned
	// noted is the class as it was last read, if nothing better is known.
	noted *clusterv1.ClusterClass
	// networkKept says that the network of the state does not change.
	networkKept bool
	// abandons says that the planned version takes the place of one that no machine
	// has ever run.
	abandons bool
}

// ModifyPlan refuses what Cluster API would refuse, announces what will roll, and
// plans to resume a wait that ended too early.
func (r *Resource) ModifyPlan(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	p := &planning{changes: !req.Plan.Raw.Equal(req.State.Raw)}
	if !req.State.Raw.IsNull() {
		p.state = &model{}
		resp.Diagnostics.Append(req.State.Get(ctx, p.state)...)
	}
	known, diags := tfkit.ReadRecord[record](ctx, req.Private)
	resp.Diagnostics.Append(diags...)
	if p.state != nil {
		tfkit.ManageRecorded(r.session, known.UID, known)
	}
	if req.Plan.Raw.IsNull() {
		resp.Diagnostics.Append(planDeletion(*p.state)...)
		return
	}
	resp.Diagnostics.Append(req.Plan.Get(ctx, &p.plan)...)
	if resp.Diagnostics.HasError() {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, onlineTimeout)
	defer cancel()
	if p.state != nil {
		resp.Diagnostics.Append(cniWarning(p.plan, *p.state)...)
		resp.Diagnostics.Append(r.planPlace(ctx, p, known, resp)...)
	}
	resp.Diagnostics.Append(p.withWayOut(p.look(ctx, r.session))...)
	if req.State.Raw.IsNull() {
		resp.Diagnostics.Append(p.checkNew(ctx, r.session, known, resp.Private)...)
	}
	if p.cluster != nil && p.mgmt == nil && p.class.After == nil {
		p.noted = notedClass(ctx, p.cluster.GetClassKey(), req.Private)
	}
	resp.Diagnostics.Append(p.convert()...)
	resp.Diagnostics.Append(p.withWayOut(p.checkNetwork(ctx, known))...)
	resp.Diagnostics.Append(p.withWayOut(checkManifests(p.plan, p.state))...)
	resp.Diagnostics.Append(p.withWayOut(checkWriteOnly(ctx, req.Config, p.plan, p.state))...)
	resp.Diagnostics.Append(p.withWayOut(p.validate(ctx))...)
	if !resp.Diagnostics.HasError() {
		resp.Diagnostics.Append(p.withWayOut(p.announce(ctx))...)
	}
	unfinished, diags := tfkit.IsWaitUnfinished(ctx, req.Private)
	resp.Diagnostics.Append(diags...)
	if p.state != nil && (known.Creation != "" || unfinished && !p.state.Ready.ValueBool() && p.plan.waits()) {
		p.plan.forgetStatus()
	}
	resp.Diagnostics.Append(resp.Plan.Set(ctx, p.plan)...)
}

// look finds out what there is to know: all of the configuration, or not; the
// management cluster, if it answers; the classes. A plan that changes nothing
// asks for no more than the classes of the same configuration.
func (p *planning) look(ctx context.Context, s *session.Session) diag.Diagnostics {
	if s == nil || p.plan.Name.IsUnknown() || p.plan.Namespace.IsUnknown() {
		return nil
	}
	desired, err := p.plan.ToAPI()
	if errors.Is(err, tfkit.ErrUnknown) {
		return nil
	}
	if err == nil {
		p.cluster, err = typed(desired)
	}
	if err != nil {
		return diag.Diagnostics{invalidConfiguration(err)}
	}
	p.desired = desired
	key := p.cluster.GetClassKey()
	p.class = classes.ForPlan(ctx, s, nil, p.plan.ManagementCluster, key)
	if !p.changes && !p.class.Changes {
		return nil
	}
	mgmt, diags := tfkit.ConnectAtPlan(ctx, s, p.plan.ManagementCluster)
	p.mgmt = mgmt
	p.class = classes.ForPlan(ctx, s, mgmt, p.plan.ManagementCluster, key)
	p.oldClass = p.class
	if before := p.declaredBefore(); before != nil && before.GetClassKey() != key {
		p.oldClass = classes.ForPlan(ctx, s, mgmt, p.plan.ManagementCluster, before.GetClassKey())
	}
	return append(diags, p.missingClass(ctx, s)...)
}

// convert gives the variables the types that the class asks for.
func (p *planning) convert() (diags diag.Diagnostics) {
	if p.desired == nil {
		return nil
	}
	class := classOf(p.class.After)
	if class == nil {
		class = p.noted
	}
	topology.ConvertVariables(class, p.desired)
	var err error
	if p.cluster, err = typed(p.desired); err != nil {
		diags.Append(invalidConfiguration(err))
	}
	return diags
}

// missingClass warns of a namespace that does not exist, or of a class that is neither in the management cluster nor, as
// far as this plan has come, in the configuration: it may be that it is created in
// the same apply, and that Terraform does not know that the cluster needs them.
func (p *planning) missingClass(ctx context.Context, s *session.Session) diag.Diagnostics {
	if p.mgmt == nil || p.class.After != nil || p.class.Changes {
		return nil
	}
	if diags := checkNamespaces(ctx, p.mgmt, p.plan, p.cluster); len(diags) > 0 {
		return asWarnings(diags)
	}
	key := p.cluster.GetClassKey()
	if _, err := classes.Live(ctx, s, p.mgmt, key); !apierrors.IsNotFound(err) {
		return nil
	}
	return asWarnings(diag.Diagnostics{classNotFound(ctx, p.mgmt, key)})
}

// declaredBefore is the Cluster that the state declares, nil if there is none.
func (p *planning) declaredBefore() *clusterv1.Cluster {
	if p.state == nil {
		return nil
	}
	obj, err := p.state.ToAPI()
	if err != nil {
		return nil
	}
	topology.ConvertVariables(classOf(p.oldClass.Before), obj)
	cluster, err := typed(obj)
	if err != nil {
		return nil
	}
	return cluster
}

// waits says whether an apply waits for the cluster. Nothing happens to a paused
// one, so that there would be nothing to wait for.
func (m *model) waits() bool {
	return live.LevelOf(m.WaitFor.ValueString()) != live.LevelNone && !m.isPaused()
}

// isPaused says that the configuration pauses the cluster, in one way or the other.
func (m *model) isPaused() bool {
	_, annotated := m.Annotations.Elements()[clusterv1.PausedAnnotation]
	return annotated || m.Paused.ValueBool()
}

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
