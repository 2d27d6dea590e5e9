// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package managementcluster

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/terraform-capi/terraform-provider-capi/internal/container"
	"github.com/terraform-capi/terraform-provider-capi/internal/management"
	"github.com/terraform-capi/terraform-provider-capi/internal/management/kind"
	"github.com/terraform-capi/terraform-provider-capi/internal/session"
	"github.com/terraform-capi/terraform-provider-capi/internal/tfkit"
)

// ResourceType is the name of the resource in configurations.
const ResourceType = "capi_management_cluster"

var (
	_ resource.ResourceWithConfigure   = (*Resource)(nil)
	_ resource.ResourceWithModifyPlan  = (*Resource)(nil)
	_ resource.ResourceWithImportState = (*Resource)(nil)
)

// Most of the time goes into pulling the node image, where it is not here yet.
var defaultTimeouts = tfkit.Timeouts{Create: 10 * time.Minute, Delete: 5 * time.Minute}

// Clusters is what the resource needs of KinD. *kind.Clusters has it.
type Clusters interface {
	Engine(ctx context.Context) (kind.Engine, error)
	Exists(ctx context.Context, name string) (bool, error)
	Create(ctx context.Context, config kind.Config) error
	Describe(ctx context.Context, name string) (*kind.Description, error)
	Start(ctx context.Context, name string) error
	ExportKubeConfig(ctx context.Context, name, path string) error
	Runtime(ctx context.Context) (container.Runtime, error)
	Delete(ctx context.Context, name string) error
}

// Resource is capi_management_cluster.
type Resource struct {
	clusters Clusters
	session  *session.Session
}

// NewResource returns the resource for the KinD clusters of this machine.
func NewResource() resource.Resource { return NewResourceFor(kind.New()) }

// NewResourceFor returns the resource for other KinD clusters, as tests have them.
func NewResourceFor(clusters Clusters) resource.Resource { return &Resource{clusters: clusters} }

// Metadata names the resource.
func (r *Resource) Metadata(_ context.Context, _ resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = ResourceType
}

// Configure takes the session over from the provider.
func (r *Resource) Configure(_ context.Context, req resource.ConfigureRequest, resp *resource.ConfigureResponse) {
	s, diags := tfkit.ProviderData(req.ProviderData)
	resp.Diagnostics.Append(diags...)
	r.session = s
}

// Create makes the cluster. The state is saved as soon as the cluster works;
// before that there is nothing to save, because a failed creation leaves nothing.
func (r *Resource) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	var plan model
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	config, diags := plan.toConfig(ctx)
	resp.Diagnostics.Append(diags...)
	timeout, diags := plan.Timeouts.Create(ctx, defaultTimeouts.Create)
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() {
		return
	}
	resp.Diagnostics.Append(r.warnOfOrphans(ctx)...)
	createCtx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	// The client of a cluster of this name that was replaced just now is stale.
	id := management.KindID(config.Name)
	r.session.Forget(id)
	if err := r.clusters.Create(createCtx, config); err != nil {
		resp.Diagnostics.Append(createDiagnostic(config, err))
		return
	}
	plan.ID = types.StringValue(id)
	resp.Diagnostics.Append(resp.Private.SetKey(ctx, privateKey, privateValue)...)
	description, err := r.clusters.Describe(ctx, config.Name)
	if err != nil {
		resp.Diagnostics.Append(describeError(config.Name, err))
		description = &kind.Description{Status: statusUnreachable, Config: config}
	}
	resp.Diagnostics.Append(plan.fromDescription(ctx, description)...)
	resp.Diagnostics.Append(r.exportKubeconfig(ctx, plan)...)
	resp.Diagnostics.Append(resp.State.Set(ctx, plan)...)
}

// Read looks at the cluster's containers and whether its API answers.
func (r *Resource) Read(ctx context.Context, req resource.ReadRequest, resp *resource.ReadResponse) {
	var state model
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	if resp.Diagnostics.HasError() {
		return
	}
	name := state.Name.ValueString()
	imported := state.NodeImage.IsNull()
	description, err := r.clusters.Describe(ctx, name)
	switch {
	case errors.Is(err, kind.ErrNotFound):
		r.session.Forget(management.KindID(name))
		resp.State.RemoveResource(ctx)
		return
	case err != nil && imported:
		resp.Diagnostics.Append(describeError(name, err))
		return
	case err != nil:
		resp.Diagnostics.Append(describeWarning(name, err))
		return
	case description.Status != kind.StatusRunning && imported:
		resp.Diagnostics.Append(notImportable(description))
		return
	case description.Status == kind.StatusRunning:
		resp.Diagnostics.Append(state.fromDescription(ctx, description)...)
		r.readContext(&state)
	}
	state.Status = types.StringValue(string(r.status(ctx, description)))
	resp.Diagnostics.Append(statusWarnings(state)...)
	resp.Diagnostics.Append(resp.Private.SetKey(ctx, privateKey, privateValue)...)
	resp.Diagnostics.Append(resp.State.Set(ctx, state)...)
}

// status adds to what the containers tell whether the API answers.
func (r *Resource) status(ctx context.Context, description *kind.Description) kind.Status {
	if description.Status != kind.StatusRunning {
		return description.Status
	}
	if _, err := r.session.Connect(ctx, management.KindID(description.Config.Name)); err != nil {
		return statusUnreachable
	}
	return kind.StatusRunning
}

// readContext notices that the context has gone from the kubeconfig, so that the
// next apply writes it again.
func (r *Resource) readContext(state *model) {
	if state.KubeconfigPath.ValueString() == "" {
		return
	}
	path, err := management.ExpandHome(state.KubeconfigPath.ValueString())
	if err != nil || !kind.HasContext(path, state.Name.ValueString(), state.Endpoint.ValueString()) {
		state.KubeconfigPath = types.StringNull()
	}
}

// Update repairs a cluster that does not run, and moves the kubeconfig. All else
// replaces the cluster.
func (r *Resource) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	var plan, state model
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	timeout, diags := plan.Timeouts.Create(ctx, defaultTimeouts.Create)
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() {
		return
	}
	if plan.Status.IsUnknown() {
		repairCtx, cancel := context.WithTimeout(ctx, timeout)
		defer cancel()
		resp.Diagnostics.Append(r.repair(repairCtx, plan.Name.ValueString())...)
		if resp.Diagnostics.HasError() {
			return
		}
		plan.Status = types.StringValue(string(kind.StatusRunning))
	}
	if !plan.KubeconfigPath.Equal(state.KubeconfigPath) {
		resp.Diagnostics.Append(removeContext(state)...)
		resp.Diagnostics.Append(r.exportKubeconfig(ctx, plan)...)
	}
	resp.Diagnostics.Append(resp.State.Set(ctx, plan)...)
}

// Delete deletes the cluster when no Cluster object is left in it, and what it left behind all the same.
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
	name := state.Name.ValueString()
	resp.Diagnostics.Append(r.waitEmpty(ctx, name)...)
	if resp.Diagnostics.HasError() {
		return
	}
	uid := r.uid(ctx, name)
	if err := r.clusters.Delete(ctx, name); err != nil {
		resp.Diagnostics.Append(describeError(name, err))
		return
	}
	r.session.Forget(management.KindID(name))
	resp.Diagnostics.Append(removeContext(state)...)
	resp.Diagnostics.Append(r.removeOrphans(ctx, name, uid)...)
}

// ImportState takes NAME or kind://NAME; Read fills in the rest.
func (r *Resource) ImportState(ctx context.Context, req resource.ImportStateRequest, resp *resource.ImportStateResponse) {
	name, ok := management.ParseKindID(req.ID)
	if !ok {
		name = req.ID
	}
	exists, err := r.clusters.Exists(ctx, name)
	if err != nil {
		resp.Diagnostics.Append(describeError(name, err))
		return
	}
	if !exists {
		resp.Diagnostics.AddError("KinD cluster not found",
			fmt.Sprintf("There is no KinD cluster %q to import. kind get clusters, or docker ps --filter label=%s, lists those that exist.", name, kind.Label))
		return
	}
	resp.Diagnostics.Append(resp.State.SetAttribute(ctx, path.Root("id"), management.KindID(name))...)
	resp.Diagnostics.Append(resp.State.SetAttribute(ctx, path.Root("name"), name)...)
}

// exportKubeconfig writes the kubeconfig that the model asks for. Failing that is
// a warning: the cluster works, and Read notices that the context is missing.
func (r *Resource) exportKubeconfig(ctx context.Context, m model) diag.Diagnostics {
	if m.KubeconfigPath.ValueString() == "" {
		return nil
	}
	path, err := management.ExpandHome(m.KubeconfigPath.ValueString())
	if err == nil {
		err = r.clusters.ExportKubeConfig(ctx, m.Name.ValueString(), path)
	}
	return kubeconfigWarning("Kubeconfig not written", err)
}

func removeContext(m model) diag.Diagnostics {
	if m.KubeconfigPath.ValueString() == "" {
		return nil
	}
	path, err := management.ExpandHome(m.KubeconfigPath.ValueString())
	if err == nil {
		err = kind.RemoveContext(path, m.Name.ValueString())
	}
	return kubeconfigWarning("Kubeconfig not cleaned up", err)
}
