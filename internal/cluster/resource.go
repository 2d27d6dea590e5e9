// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"errors"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/terraform-capi/terraform-provider-capi/internal/clusterclass"
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

// Metadata names the resource.
func (r *Resource) Metadata(_ context.Context, _ resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = ResourceType
}

// Configure takes the session over from the provider.
func (r *Resource) Configure(_ context.Context, req resource.ConfigureRequest, resp *resource.ConfigureResponse) {
	session, diags := tfkit.ProviderData(req.ProviderData)
	resp.Diagnostics.Append(diags...)
	r.session = session
}

// Create makes the Cluster object, saves the state, and then waits.
func (r *Resource) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	var plan model
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	timeout, diags := plan.Timeouts.Create(ctx, defaultTimeouts.Create)
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() {
		return
	}
	waitCtx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	mgmt, diags := r.connect(waitCtx, plan)
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() {
		return
	}
	defer listerOf(r.session, mgmt).forget()
	resp.Diagnostics.Append(checkNew(waitCtx, mgmt, plan)...)
	if resp.Diagnostics.HasError() {
		return
	}
	cluster, diags := apply(waitCtx, mgmt, plan)
	resp.Diagnostics.Append(diags...)
	if cluster == nil {
		return
	}
	settled := len(diags) == 0
	// From here on the cluster exists, and whatever happens it must be in the state.
	resp.Diagnostics.Append(resp.Identity.Set(ctx, plan.identity())...)
	plan.observe(&facts{cluster: cluster})
	plan.Ready = types.BoolValue(false)
	resp.Diagnostics.Append(resp.State.Set(ctx, plan)...)
	resp.Diagnostics.Append(resp.Private.SetKey(ctx, waitUnfinished, []byte("true"))...)
	if resp.Diagnostics.HasError() {
		return
	}
	finished, diags := finish(ctx, waitCtx, mgmt, &plan, settled, nil)
	resp.Diagnostics.Append(diags...)
	resp.Diagnostics.Append(resp.State.Set(ctx, plan)...)
	resp.Diagnostics.Append(resp.Private.SetKey(ctx, waitUnfinished, unfinishedNote(finished))...)
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
	mgmt, err := r.session.Connect(ctx, state.ManagementCluster.ValueString())
	switch {
	case errors.Is(err, management.ErrNotFound):
		resp.State.RemoveResource(ctx)
		return
	case err != nil && state.Topology.IsNull():
		resp.Diagnostics.Append(tfkit.ConnectError(err))
		return
	case err != nil:
		resp.Diagnostics.Append(tfkit.ConnectWarning(state.object(), err))
		return
	}
	f, err := listerOf(r.session, mgmt).observe(ctx, state.key())
	switch {
	case management.IsAbsent(err):
		resp.State.RemoveResource(ctx)
		return
	case management.IsConnectionError(err) && !state.Topology.IsNull():
		resp.Diagnostics.Append(tfkit.ConnectWarning(state.object(), err))
		return
	case err != nil:
		resp.Diagnostics.Append(tfkit.RequestError("read "+state.object(), err))
		return
	}
	resp.Diagnostics.Append(state.read(ctx, mgmt, f)...)
	if resp.Diagnostics.HasError() {
		return
	}
	resp.Diagnostics.Append(noteClass(ctx, r.session, mgmt, f.cluster.GetClassKey(), resp.Private)...)
	resp.Diagnostics.Append(resp.State.Set(ctx, state)...)
}

// read takes everything over from the facts.
func (m *model) read(ctx context.Context, mgmt *management.Cluster, f *facts) diag.Diagnostics {
	var diags diag.Diagnostics
	if !f.cluster.DeletionTimestamp.IsZero() {
		if err := f.observeRest(ctx, mgmt); err != nil {
			diags.Append(tfkit.RequestError("read "+m.object(), err))
			return diags
		}
		diags.Append(beingDeleted(*m, f))
	}
	imported := m.Topology.IsNull()
	if err := m.FromAPI(f.object); err != nil { //nolint:contextcheck // Converting values waits for nothing.
		diags.Append(tfkit.RequestError("read "+m.object(), err))
		return diags
	}
	if imported && m.Topology.IsNull() {
		diags.AddError("Not a cluster of a ClusterClass", fmt.Sprintf("%s has no spec.topology. Only clusters made from a ClusterClass can be imported.", m.object()))
		return diags
	}
	if imported || !m.CNI.IsNull() {
		plugin, err := readCNI(ctx, mgmt, f.cluster)
		if err != nil {
			diags.Append(tfkit.RequestError("read the network plugin of "+m.object(), err))
			return diags
		}
		m.CNI = plugin.value()
	}
	m.observe(f)
	m.dropForecast()
	return diags
}

// Update applies the changed Cluster object and waits until it is so.
func (r *Resource) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	var plan model
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	timeout, diags := plan.Timeouts.Update(ctx, defaultTimeouts.Update)
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() {
		return
	}
	planned := plan
	resp.Diagnostics.Append(resp.Identity.Set(ctx, plan.identity())...)
	waitCtx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	mgmt, diags := r.connect(waitCtx, plan)
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() {
		return
	}
	defer listerOf(r.session, mgmt).forget()
	cluster, diags := apply(waitCtx, mgmt, plan)
	resp.Diagnostics.Append(diags...)
	if cluster == nil {
		return
	}
	settled := len(diags) == 0
	plan.observe(&facts{cluster: cluster})
	plan.settle()
	noted := plan.announced(clusterclass.GenerationsBefore(r.session, plan.ManagementCluster, cluster.GetClassKey(), plan.key()))
	finished, diags := finish(ctx, waitCtx, mgmt, &plan, settled, noted)
	resp.Diagnostics.Append(diags...)
	plan.keepPlanned(planned)
	resp.Diagnostics.Append(resp.State.Set(ctx, plan)...)
	resp.Diagnostics.Append(resp.Private.SetKey(ctx, waitUnfinished, unfinishedNote(finished))...)
}

func (r *Resource) connect(ctx context.Context, plan model) (*management.Cluster, diag.Diagnostics) {
	mgmt, err := r.session.Connect(ctx, plan.ManagementCluster.ValueString())
	if err != nil {
		return nil, diag.Diagnostics{tfkit.ConnectError(err)}
	}
	return mgmt, nil
}
