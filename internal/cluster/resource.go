// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/terraform-capi/terraform-provider-capi/internal/classes"
	"github.com/terraform-capi/terraform-provider-capi/internal/live"
	"github.com/terraform-capi/terraform-provider-capi/internal/management"
	"github.com/terraform-capi/terraform-provider-capi/internal/session"
	"github.com/terraform-capi/terraform-provider-capi/internal/tfkit"
)

// ResourceType is the name of the resource in configurations.
const ResourceType = "capi_cluster"

var (
	_ resource.ResourceWithConfigure   = (*Resource)(nil)
	_ resource.ResourceWithModifyPlan  = (*Resource)(nil)
	_ resource.ResourceWithIdentity    = (*Resource)(nil)
	_ resource.ResourceWithImportState = (*Resource)(nil)
)

// Resource is capi_cluster.
type Resource struct {
	session *session.Session
}

// NewResource returns the resource.
func NewResource() resource.Resource { return &Resource{} }

// Metadata names the resource. A cluster that is moved gets another identity.
func (r *Resource) Metadata(_ context.Context, _ resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = ResourceType
	resp.ResourceBehavior.MutableIdentity = true
}

// Configure takes the session over from the provider.
func (r *Resource) Configure(_ context.Context, req resource.ConfigureRequest, resp *resource.ConfigureResponse) {
	s, diags := tfkit.ProviderData(req.ProviderData)
	resp.Diagnostics.Append(diags...)
	r.session = s
}

// Create makes the Cluster object, saves the state, and then waits.
func (r *Resource) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	var plan model
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	if resp.Diagnostics.HasError() {
		return
	}
	waitCtx, cancel, mgmt, err := tfkit.Begin(ctx, r.session, plan.Timeouts.Create, defaultTimeouts.Create, plan.ManagementCluster, management.Identity{})
	defer cancel()
	if err != nil {
		resp.Diagnostics.Append(tfkit.ConnectError(err))
		return
	}
	defer live.ListerOf(r.session, mgmt).Forget()
	if !r.session.Claim(session.Create, ResourceType, plan.id()) {
		resp.Diagnostics.Append(tfkit.CreatedTwice(path.Root("name"), plan.object()))
		return
	}
	creation, cluster, diags := create(waitCtx, mgmt, plan)
	resp.Diagnostics.Append(diags...)
	if creation == nil {
		return
	}
	// From here on the cluster exists, and whatever happens it must be in the state.
	resp.Diagnostics.Append(resp.Identity.Set(ctx, plan.identity())...)
	plan.observe(&live.Facts{Cluster: cluster})
	plan.Ready = types.BoolValue(false)
	known := record{}
	resp.Diagnostics.Append(resp.State.Set(ctx, plan)...)
	resp.Diagnostics.Append(tfkit.NoteWait(ctx, resp.Private, false)...)
	diags = setUpCNI(waitCtx, mgmt, plan, req.Config, cni{}, cluster)
	resp.Diagnostics.Append(diags...)
	found, finished, diags := finish(ctx, waitCtx, mgmt, &plan, len(diags) == 0, nil)
	resp.Diagnostics.Append(diags...)
	known.note(ctx, r.session, mgmt, cmp.Or(found, cluster))
	resp.Diagnostics.Append(resp.State.Set(ctx, plan)...)
	resp.Diagnostics.Append(tfkit.NoteWait(ctx, resp.Private, finished)...)
	if tfkit.FinishCreation(ctx, creation, plan.object(), &known.Record, resp) {
		resp.Diagnostics.Append(tfkit.WriteRecord(ctx, r.session, resp.Private, known.UID, known)...)
	}
}

// Read takes over what changed of the declared attributes, and looks how the
// cluster is.
func (r *Resource) Read(ctx context.Context, req resource.ReadRequest, resp *resource.ReadResponse) {
	var state model
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	if resp.Diagnostics.HasError() {
		return
	}
	resp.Diagnostics.Append(resp.Identity.Set(ctx, state.identity())...)
	known, diags := readRecord(ctx, req.Private, state)
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() {
		return
	}
	imported := state.Topology.IsNull()
	mgmt, err := r.session.Reconnect(ctx, state.ManagementCluster.ValueString(), known.Management)
	if err != nil {
		notRead(ctx, resp, state, known, err, imported)
		return
	}
	f, err := live.ListerOf(r.session, mgmt).Observe(ctx, state.key())
	switch {
	case management.IsAbsent(err):
		if !imported {
			err = known.Absence(ctx, mgmt, clusterKind, err)
		}
		notRead(ctx, resp, state, known, err, imported)
		return
	case err != nil:
		resp.Diagnostics.Append(tfkit.ReadError(state.object(), err, imported))
		return
	case !known.isOf(ctx, mgmt, f.Cluster):
		resp.Diagnostics.Append(tfkit.AnotherObject(state.object(), known.UID, f.Cluster.UID))
		return
	}
	resp.Diagnostics.Append(state.read(ctx, mgmt, f)...)
	if resp.Diagnostics.HasError() {
		return
	}
	known.note(ctx, r.session, mgmt, f.Cluster)
	resp.Diagnostics.Append(tfkit.WriteRecord(ctx, r.session, resp.Private, known.UID, known)...)
	resp.Diagnostics.Append(noteClass(ctx, r.session, mgmt, f.Cluster.GetClassKey(), resp.Private)...)
	resp.Diagnostics.Append(resp.State.Set(ctx, state)...)
}

// notRead is tfkit.NotRead, but keeps a cluster that outlived its Cluster object.
func notRead(ctx context.Context, resp *resource.ReadResponse, state model, known record, err error, imported bool) {
	err = known.outlived(ctx, state.ManagementCluster.ValueString(), err)
	if errors.Is(err, errMoved) {
		summary, detail := movedText(state.object()+" is kept in the state", err)
		resp.Diagnostics.AddAttributeWarning(tfkit.ManagementClusterPath, summary, detail)
		return
	}
	tfkit.NotRead(ctx, resp, state.object(), err, imported)
}

// read takes everything over from the facts.
func (m *model) read(ctx context.Context, mgmt *management.Cluster, f *live.Facts) diag.Diagnostics {
	var diags diag.Diagnostics
	if !f.Cluster.DeletionTimestamp.IsZero() {
		if err := f.ObserveRest(ctx, mgmt); err != nil {
			diags.Append(tfkit.RequestError("read "+m.object(), err))
			return diags
		}
		diags.Append(beingDeleted(*m, f))
	}
	imported := m.Topology.IsNull()
	if err := m.FromAPI(f.Object); err != nil { //nolint:contextcheck // Converting values waits for nothing.
		diags.Append(tfkit.RequestError("read "+m.object(), err))
		return diags
	}
	if imported && m.Topology.IsNull() {
		diags.AddError("Not a cluster of a ClusterClass", fmt.Sprintf("%s has no spec.topology. Only clusters made from a ClusterClass can be imported.", m.object()))
		return diags
	}
	if imported || !m.CNI.IsNull() {
		declared, err := m.cni()
		if err == nil {
			declared, err = readCNI(ctx, mgmt, f.Cluster, declared)
		}
		if err != nil {
			diags.Append(tfkit.RequestError("read the network plugin of "+m.object(), err))
			return diags
		}
		m.CNI = declared.value()
	}
	m.observe(f)
	m.dropForecast()
	diags.Append(m.notAsDeclared(f)...)
	return diags
}

// Update applies the changed Cluster object and waits until it is so.
func (r *Resource) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	var plan, state model
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	known, diags := readRecord(ctx, req.Private, state)
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() {
		return
	}
	planned := plan
	resp.Diagnostics.Append(resp.Identity.Set(ctx, plan.identity())...)
	if plan.id() != state.id() {
		// The plan has seen the cluster there.
		known.Management = management.Identity{}
	}
	waitCtx, cancel, mgmt, err := tfkit.Begin(ctx, r.session, plan.Timeouts.Update, defaultTimeouts.Update, plan.ManagementCluster, known.Management)
	defer cancel()
	if err != nil {
		resp.Diagnostics.Append(tfkit.ConnectError(err))
		return
	}
	defer live.ListerOf(r.session, mgmt).Forget()
	cluster, diags := update(waitCtx, mgmt, plan, &known)
	resp.Diagnostics.Append(diags...)
	if cluster == nil {
		return
	}
	before, err := state.cni()
	if err != nil {
		before = cni{}
	}
	diags = setUpCNI(waitCtx, mgmt, plan, req.Config, before, cluster)
	resp.Diagnostics.Append(diags...)
	plan.observe(&live.Facts{Cluster: cluster})
	plan.settle()
	noted := plan.announced(classes.GenerationsBefore(r.session, plan.ManagementCluster, cluster.GetClassKey(), plan.key()))
	found, finished, diags := finish(ctx, waitCtx, mgmt, &plan, len(diags) == 0, noted)
	resp.Diagnostics.Append(diags...)
	plan.keepPlanned(planned)
	known.note(ctx, r.session, mgmt, cmp.Or(found, cluster))
	resp.Diagnostics.Append(resp.State.Set(ctx, plan)...)
	resp.Diagnostics.Append(tfkit.WriteRecord(ctx, r.session, resp.Private, known.UID, known)...)
	resp.Diagnostics.Append(tfkit.NoteWait(ctx, resp.Private, finished)...)
}
