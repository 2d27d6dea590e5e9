// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package capiprovider

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/terraform-capi/terraform-provider-capi/controllers/config"
	"github.com/terraform-capi/terraform-provider-capi/internal/management"
	"github.com/terraform-capi/terraform-provider-capi/internal/management/kind"
	"github.com/terraform-capi/terraform-provider-capi/internal/session"
	"github.com/terraform-capi/terraform-provider-capi/internal/tfkit"
)

// ResourceType is the name of the resource in configurations.
const ResourceType = "capi_provider"

var (
	_ resource.ResourceWithConfigure   = (*Resource)(nil)
	_ resource.ResourceWithModifyPlan  = (*Resource)(nil)
	_ resource.ResourceWithImportState = (*Resource)(nil)
)

var defaultTimeouts = tfkit.Timeouts{Create: 10 * time.Minute, Update: 10 * time.Minute, Delete: 10 * time.Minute}

// Resource is capi_provider.
type Resource struct {
	bundle  Bundle
	session *session.Session
}

// NewResource returns the resource for the providers in this binary.
func NewResource() resource.Resource { return NewResourceFor(Bundled(kind.New())) }

// NewResourceFor returns the resource for another bundle, as tests have them.
func NewResourceFor(bundle Bundle) resource.Resource { return &Resource{bundle: bundle} }

// Metadata names the resource.
func (r *Resource) Metadata(_ context.Context, _ resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = ResourceType
}

// Schema describes the resource.
func (r *Resource) Schema(ctx context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "A Cluster API provider in a management cluster: its kinds, its webhooks and its controllers. " +
			"The controllers are part of this Terraform provider's own executable, so nothing is downloaded; " +
			"a new version of the Terraform provider shows as an update in place.\n\n" +
			"A working Cluster API takes one of each type. A provider refuses to be destroyed while objects of its kinds exist.",
		Attributes: map[string]schema.Attribute{
			"id":                 tfkit.IDAttribute("`[MANAGEMENT_CLUSTER/]NAME`"),
			"management_cluster": tfkit.ManagementClusterAttribute(),
			"name": schema.StringAttribute{
				MarkdownDescription: "Name of the provider, one of `cluster-api`, `bootstrap-kubeadm`, `control-plane-kubeadm` and " +
					"`infrastructure-docker`. A change replaces the provider.",
				Required:      true,
				Validators:    []validator.String{stringvalidator.OneOf(config.Names()...)},
				PlanModifiers: []planmodifier.String{stringplanmodifier.RequiresReplace()},
			},
			"image": schema.StringAttribute{
				MarkdownDescription: "Image of the controllers. Set it to a reference in a registry if the management cluster is not a KinD cluster " +
					"on this machine, or if this machine does not run Linux. Default: this provider's own executable, which is loaded into the node. " +
					"A change is made in place.",
				Optional:   true,
				Computed:   true,
				Validators: []validator.String{tfkit.ImageReference()},
			},
			"timeouts": defaultTimeouts.Attribute(ctx),
			"namespace": schema.StringAttribute{
				MarkdownDescription: "Namespace of the controllers.",
				Computed:            true,
			},
			"type": schema.StringAttribute{
				MarkdownDescription: "Type of the provider: `CoreProvider`, `BootstrapProvider`, `ControlPlaneProvider` or `InfrastructureProvider`.",
				Computed:            true,
			},
			"version": schema.StringAttribute{
				MarkdownDescription: "Version of Cluster API that the provider is made from.",
				Computed:            true,
			},
			"ready": schema.BoolAttribute{
				MarkdownDescription: "Whether the controllers are available and the webhooks answer. If not, the next apply installs the provider again and waits.",
				Computed:            true,
			},
		},
	}
}

// Configure takes the session over from the provider.
func (r *Resource) Configure(_ context.Context, req resource.ConfigureRequest, resp *resource.ConfigureResponse) {
	session, diags := tfkit.ProviderData(req.ProviderData)
	resp.Diagnostics.Append(diags...)
	r.session = session
}

// Create installs the provider. The state is saved before the wait, whose end is
// a warning at most: a provider that is slow to start must not be destroyed for it.
func (r *Resource) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	var plan model
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	timeout, diags := plan.Timeouts.Create(ctx, defaultTimeouts.Create)
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	cluster, err := r.session.Connect(ctx, plan.ManagementCluster.ValueString())
	if err != nil {
		resp.Diagnostics.Append(tfkit.ConnectError(err))
		return
	}
	resp.Diagnostics.Append(r.checkForeign(ctx, cluster, plan)...)
	resp.Diagnostics.Append(r.checkDocker(ctx, plan)...)
	if resp.Diagnostics.HasError() {
		return
	}
	resp.Diagnostics.Append(r.install(ctx, cluster, &plan)...)
	if resp.Diagnostics.HasError() {
		return
	}
	resp.Diagnostics.Append(resp.State.Set(ctx, plan)...)
	resp.Diagnostics.Append(r.waitReady(ctx, cluster, &plan)...)
	resp.Diagnostics.Append(resp.State.Set(ctx, plan)...)
}

// Read looks at what is installed.
func (r *Resource) Read(ctx context.Context, req resource.ReadRequest, resp *resource.ReadResponse) {
	var state model
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	if resp.Diagnostics.HasError() {
		return
	}
	cluster, err := r.session.Connect(ctx, state.ManagementCluster.ValueString())
	switch {
	case errors.Is(err, management.ErrNotFound):
		resp.State.RemoveResource(ctx)
		return
	case err != nil:
		resp.Diagnostics.Append(tfkit.ConnectWarning(state.object(), err))
		return
	}
	status, err := r.bundle.Installed(ctx, cluster, state.Name.ValueString())
	switch {
	case management.IsConnectionError(err):
		resp.Diagnostics.Append(tfkit.ConnectWarning(state.object(), err))
		return
	case err != nil:
		resp.Diagnostics.Append(tfkit.RequestError("read "+state.object(), err))
		return
	case status == nil:
		resp.State.RemoveResource(ctx)
		return
	}
	provider, err := config.Find(state.Name.ValueString())
	if err != nil {
		resp.Diagnostics.AddAttributeError(path.Root("name"), "Unknown provider", err.Error())
		return
	}
	state.fromProvider(provider)
	state.fromStatus(status)
	// What cannot be looked at is not ready either: reinstalling repairs it.
	pending, err := r.bundle.Pending(ctx, cluster, provider.Name)
	state.Ready = types.BoolValue(pending == "" && err == nil)
	resp.Diagnostics.Append(resp.State.Set(ctx, state)...)
}

// Update installs the provider again, which brings it to what this binary holds.
func (r *Resource) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	var plan model
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	timeout, diags := plan.Timeouts.Update(ctx, defaultTimeouts.Update)
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() {
		return
	}
	if !plan.Ready.IsUnknown() {
		// Only the timeouts changed.
		resp.Diagnostics.Append(resp.State.Set(ctx, plan)...)
		return
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	cluster, err := r.session.Connect(ctx, plan.ManagementCluster.ValueString())
	if err != nil {
		resp.Diagnostics.Append(tfkit.ConnectError(err))
		return
	}
	resp.Diagnostics.Append(r.install(ctx, cluster, &plan)...)
	if resp.Diagnostics.HasError() {
		return
	}
	resp.Diagnostics.Append(r.waitReady(ctx, cluster, &plan)...)
	resp.Diagnostics.Append(resp.State.Set(ctx, plan)...)
}

// Delete uninstalls the provider when no object of its kinds is left.
func (r *Resource) Delete(ctx context.Context, req resource.DeleteRequest, resp *resource.DeleteResponse) {
	var state model
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	timeout, diags := state.Timeouts.Delete(ctx, defaultTimeouts.Delete)
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	cluster, err := r.session.Connect(ctx, state.ManagementCluster.ValueString())
	switch {
	case errors.Is(err, management.ErrNotFound):
		return
	case err != nil:
		resp.Diagnostics.Append(tfkit.ConnectError(err))
		return
	}
	resp.Diagnostics.Append(r.waitUnused(ctx, cluster, state)...)
	if resp.Diagnostics.HasError() {
		return
	}
	if err := r.bundle.Uninstall(ctx, cluster, state.Name.ValueString()); err != nil {
		resp.Diagnostics.Append(tfkit.RequestError("uninstall "+state.object(), err))
		return
	}
	resp.Diagnostics.Append(r.waitGone(ctx, cluster, state)...)
}

// ImportState takes [MANAGEMENT_CLUSTER/]NAME; Read fills in the rest.
func (r *Resource) ImportState(ctx context.Context, req resource.ImportStateRequest, resp *resource.ImportStateResponse) {
	managementCluster, name := management.SplitID(req.ID)
	if _, err := config.Find(name); err != nil || management.ValidateID(managementCluster) != nil {
		resp.Diagnostics.Append(tfkit.WrongImportID(req.ID, "[MANAGEMENT_CLUSTER/]NAME with the name of a bundled provider", "kind://mgmt/cluster-api"))
		return
	}
	resp.Diagnostics.Append(resp.State.SetAttribute(ctx, path.Root("id"), req.ID)...)
	resp.Diagnostics.Append(resp.State.SetAttribute(ctx, path.Root("name"), name)...)
	if managementCluster != "" {
		resp.Diagnostics.Append(resp.State.SetAttribute(ctx, path.Root("management_cluster"), managementCluster)...)
	}
}

// describe names the provider and where it is, for messages.
func describe(m model) string {
	return fmt.Sprintf("%s in %s", m.object(), management.Describe(m.ManagementCluster.ValueString()))
}
