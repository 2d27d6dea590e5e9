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
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/terraform-capi/terraform-provider-capi/internal/classes"
	"github.com/terraform-capi/terraform-provider-capi/internal/live"
	"github.com/terraform-capi/terraform-provider-capi/internal/management"
	"github.com/terraform-capi/terraform-provider-capi/internal/session"
	"github.com/terraform-capi/terraform-provider-capi/internal/tfkit"
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
	// desired is nil as long as not all of the configuration is known, and cluster is the same as a Cluster.
	desired *unstructured.Unstructured
	cluster *clusterv1.Cluster
	// before is the Cluster that the state declares, nil if there is none.
	before *clusterv1.Cluster
	// existing is the Cluster in the management cluster, as the plan first saw it; see live.
	existing *clusterv1.Cluster
	// existingErr is why there is none, if it was looked for.
	existingErr error
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
	resp.Diagnostics.Append(p.withWayOut(p.look(ctx, r.session, req.Private))...)
	if req.State.Raw.IsNull() {
		resp.Diagnostics.Append(p.checkNew(ctx, r.session, known, resp.Private)...)
	}
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
func (p *planning) look(ctx context.Context, s *session.Session, private tfkit.PrivateReader) diag.Diagnostics {
	if s == nil || p.plan.Name.IsUnknown() || p.plan.Namespace.IsUnknown() {
		return nil
	}
	desired, err := p.plan.ToAPI()
	if errors.Is(err, tfkit.ErrUnknown) {
		return nil
	}
	if err != nil {
		return diag.Diagnostics{invalidConfiguration(err)}
	}
	var stated *unstructured.Unstructured
	if p.state != nil {
		stated, _ = p.state.ToAPI()
	}
	diags := p.lookAtClasses(ctx, s, classKey(desired), classKey(stated))
	class := classOf(p.class.After)
	if class == nil && p.mgmt == nil {
		p.noted = notedClass(ctx, classKey(desired), private)
		class = p.noted
	}
	if p.cluster, err = typedFor(class, desired); err != nil {
		return append(diags, invalidConfiguration(err))
	}
	p.desired = desired
	if stated != nil {
		p.before, _ = typedFor(classOf(p.oldClass.Before), stated)
	}
	return append(diags, p.missingClass(ctx, s)...)
}

// lookAtClasses finds the class of the configuration, and of the state if that is another one.
func (p *planning) lookAtClasses(ctx context.Context, s *session.Session, key, before client.ObjectKey) diag.Diagnostics {
	p.class = classes.ForPlan(ctx, s, nil, p.plan.ManagementCluster, key)
	if !p.changes && !p.class.Changes {
		return nil
	}
	mgmt, diags := tfkit.ConnectAtPlan(ctx, s, p.plan.ManagementCluster, p.state == nil)
	p.mgmt = mgmt
	p.class = classes.ForPlan(ctx, s, mgmt, p.plan.ManagementCluster, key)
	p.oldClass = p.class
	if before != (client.ObjectKey{}) && before != key {
		p.oldClass = classes.ForPlan(ctx, s, mgmt, p.plan.ManagementCluster, before)
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
	key := p.cluster.GetClassKey()
	if diags := checkNamespaces(ctx, p.mgmt, p.plan, key); len(diags) > 0 {
		return asWarnings(diags)
	}
	if _, err := classes.Live(ctx, s, p.mgmt, key); !apierrors.IsNotFound(err) {
		return nil
	}
	return asWarnings(diag.Diagnostics{classNotFound(ctx, p.mgmt, key)})
}

// live is the Cluster in the management cluster, which a plan asks for once. It is nil if that cannot be asked or does not have
// it: the error says which.
func (p *planning) live(ctx context.Context) (*clusterv1.Cluster, error) {
	if p.mgmt != nil && p.existing == nil && p.existingErr == nil {
		found := &clusterv1.Cluster{}
		if p.existingErr = p.mgmt.Get(ctx, p.plan.key(), found); p.existingErr == nil {
			p.existing = found
		}
	}
	return p.existing, p.existingErr
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
