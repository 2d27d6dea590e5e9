// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package managementcluster

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"
	k8stypes "k8s.io/apimachinery/pkg/types"

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

// Clusters is what the resource needs of KinD. *kind.Clusters has it.
type Clusters interface {
	Engine(ctx context.Context) (kind.Engine, error)
	Exists(ctx context.Context, name string) (bool, error)
	Existing(ctx context.Context, ids []string) (names []string, err error)
	CheckName(ctx context.Context, name string) error
	Create(ctx context.Context, config kind.Config) (*kind.Creation, error)
	Describe(ctx context.Context, name string) (*kind.Description, error)
	Start(ctx context.Context, name string) error
	ExportKubeConfig(ctx context.Context, name, path string) error
	Runtime(ctx context.Context) (*container.Bounded, error)
	Delete(ctx context.Context, nodes []string) error
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

// Create makes the cluster. The state is saved as soon as the cluster works. A
// process that is killed before that leaves to the next creation what it made; a
// failed creation leaves nothing.
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
	// The client of a cluster of this name that was replaced just now is stale.
	id := management.KindID(config.Name)
	r.session.Forget(id)
	if !r.session.Claim(session.Create, ResourceType, id) {
		resp.Diagnostics.Append(tfkit.CreatedTwice(path.Root("name"), object(config.Name)))
		return
	}
	resp.Diagnostics.Append(r.warnOfOrphans(ctx)...)
	createCtx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	creation, err := r.clusters.Create(createCtx, config)
	if err != nil {
		resp.Diagnostics.Append(createDiagnostic(config, err))
		return
	}
	plan.ID = types.StringValue(id)
	resp.Diagnostics.Append(remainsWarnings(config.Name, creation.Remains)...)
	resp.Diagnostics.Append(plan.fromDescription(ctx, &creation.Description)...)
	resp.Diagnostics.Append(r.exportKubeconfig(ctx, plan)...)
	created := management.Identity{UID: r.uid(ctx, config.Name), KinD: &creation.Identity}
	resp.Diagnostics.Append(release(ctx, config.Name, creation)...)
	if resp.Diagnostics.HasError() {
		return
	}
	resp.Diagnostics.Append(tfkit.WriteRecord(ctx, r.session, resp.Private, created.UID, created)...)
	resp.Diagnostics.Append(resp.State.Set(ctx, plan)...)
}

// Read looks at the cluster's containers and whether its API answers.
func (r *Resource) Read(ctx context.Context, req resource.ReadRequest, resp *resource.ReadResponse) {
	var state model
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	recorded, diags := tfkit.ReadRecord[management.Identity](ctx, req.Private)
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() {
		return
	}
	name := state.Name.ValueString()
	imported := state.NodeImage.IsNull()
	description, err := r.find(ctx, state, recorded.KinD)
	var stranger *strangerError
	switch {
	case errors.Is(err, kind.ErrNotFound):
		r.session.Forget(management.KindID(name))
		resp.State.RemoveResource(ctx)
		return
	case err != nil && (imported || errors.As(err, &stranger)):
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
		readContext(&state)
	}
	state.Status = types.StringValue(string(r.status(ctx, description)))
	resp.Diagnostics.Append(statusWarnings(state.Status.ValueString(), description)...)
	resp.Diagnostics.Append(r.record(ctx, name, recorded, description, resp.Private)...)
	resp.Diagnostics.Append(resp.State.Set(ctx, state)...)
}

// record notes which cluster it is, and that it is in the state.
func (r *Resource) record(ctx context.Context, name string, recorded management.Identity, description *kind.Description, private tfkit.PrivateState) diag.Diagnostics {
	r.rememberNodes(description.Nodes)
	engine, err := r.clusters.Engine(ctx)
	if err != nil {
		return diag.Diagnostics{describeWarning(name, err)}
	}
	found := management.Identity{KinD: &kind.Identity{Engine: engine.ID, Nodes: description.Nodes}}
	if description.Status == kind.StatusRunning {
		found.UID = r.uid(ctx, name)
	}
	if err := checkUID(name, recorded.UID, found.UID); err != nil {
		return diag.Diagnostics{describeError(name, err)}
	}
	found.UID = cmp.Or(found.UID, recorded.UID)
	return tfkit.WriteRecord(ctx, r.session, private, found.UID, found)
}

// status adds to what the containers tell whether the API answers. A cluster of which
// the kubeconfig has gone is one that worked: without that it would not be in the state.
func (r *Resource) status(ctx context.Context, description *kind.Description) kind.Status {
	switch description.Status {
	case kind.StatusStopped, kind.StatusPaused:
		return description.Status
	case kind.StatusIncomplete:
		return statusUnreachable
	}
	if _, err := r.session.Connect(ctx, management.KindID(description.Config.Name)); err != nil {
		return statusUnreachable
	}
	return kind.StatusRunning
}

// Update repairs a cluster that does not run, and moves the kubeconfig. All else
// replaces the cluster.
func (r *Resource) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	var plan, state model
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	recorded, diags := tfkit.ReadRecord[management.Identity](ctx, req.Private)
	resp.Diagnostics.Append(diags...)
	timeout, diags := plan.Timeouts.Create(ctx, defaultTimeouts.Create)
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	description, err := r.find(ctx, state, recorded.KinD)
	if err != nil {
		resp.Diagnostics.Append(describeError(plan.Name.ValueString(), err))
		return
	}
	if plan.Status.IsUnknown() {
		resp.Diagnostics.Append(r.repair(ctx, plan.Name.ValueString(), description, recorded.UID)...)
		if resp.Diagnostics.HasError() {
			return
		}
		plan.Status = types.StringValue(string(kind.StatusRunning))
	}
	if !plan.KubeconfigPath.Equal(state.KubeconfigPath) {
		resp.Diagnostics.Append(removeContext(ctx, state)...)
		resp.Diagnostics.Append(r.exportKubeconfig(ctx, plan)...)
	}
	resp.Diagnostics.Append(resp.State.Set(ctx, plan)...)
}

// Delete deletes the cluster when no Cluster object is left in it, and what it left behind all the same.
func (r *Resource) Delete(ctx context.Context, req resource.DeleteRequest, resp *resource.DeleteResponse) {
	var state model
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	recorded, diags := tfkit.ReadRecord[management.Identity](ctx, req.Private)
	resp.Diagnostics.Append(diags...)
	timeout, diags := state.Timeouts.Delete(ctx, defaultTimeouts.Delete)
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	name := state.Name.ValueString()
	uid, diags := r.deleteCluster(ctx, state, recorded)
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() {
		return
	}
	r.session.Forget(management.KindID(name))
	resp.Diagnostics.Append(removeContext(ctx, state)...)
	resp.Diagnostics.Append(r.removeOrphans(ctx, name, uid)...)
}

// deleteCluster deletes the nodes of the cluster of the state, if it exists, and
// returns its UID as far as that is known.
func (r *Resource) deleteCluster(ctx context.Context, state model, recorded management.Identity) (k8stypes.UID, diag.Diagnostics) {
	name := state.Name.ValueString()
	description, err := r.find(ctx, state, recorded.KinD)
	switch {
	case errors.Is(err, kind.ErrNotFound):
		return recorded.UID, nil
	case err != nil:
		return "", diag.Diagnostics{describeError(name, err)}
	}
	if diags := r.waitEmpty(ctx, name, description, recorded.UID); diags.HasError() {
		return "", diags
	}
	uid, nodes := cmp.Or(r.uid(ctx, name), recorded.UID), description.Nodes
	if recorded.KinD != nil {
		nodes = recorded.KinD.Nodes
	}
	if err := r.clusters.Delete(ctx, nodes); err != nil {
		return "", diag.Diagnostics{describeError(name, err)}
	}
	return uid, nil
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
			fmt.Sprintf("There is no KinD cluster %q to import. docker ps --all --filter label=%s lists the nodes of those that exist.", name, kind.Label))
		return
	}
	resp.Diagnostics.Append(resp.State.SetAttribute(ctx, path.Root("id"), management.KindID(name))...)
	resp.Diagnostics.Append(resp.State.SetAttribute(ctx, path.Root("name"), name)...)
}
