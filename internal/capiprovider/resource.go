// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package capiprovider

import (
	"context"
	"errors"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	k8stypes "k8s.io/apimachinery/pkg/types"
	clusterctlv1 "sigs.k8s.io/cluster-api/cmd/clusterctl/api/v1alpha3"

	"github.com/terraform-capi/terraform-provider-capi/controllers/config"
	"github.com/terraform-capi/terraform-provider-capi/internal/bundle"
	"github.com/terraform-capi/terraform-provider-capi/internal/management"
	"github.com/terraform-capi/terraform-provider-capi/internal/session"
	"github.com/terraform-capi/terraform-provider-capi/internal/tfkit"
)

// ResourceType is the name of the resource in configurations.
const ResourceType = "capi_provider"

var (
	_ resource.ResourceWithConfigure   = (*Resource)(nil)
	_ resource.ResourceWithModifyPlan  = (*Resource)(nil)
	_ resource.ResourceWithImportState = (*Resource)(nil)

	_ resource.ResourceWithValidateConfig = (*Resource)(nil)
)

// entryKind is the one of the entries in clusterctl's inventory.
var entryKind = clusterctlv1.GroupVersion.WithKind("Provider").GroupKind()

// Resource is capi_provider.
type Resource struct {
	bundle  Bundle
	session *session.Session
}

// NewResource returns the resource for the providers of a bundle.
func NewResource(bundle Bundle) resource.Resource { return &Resource{bundle: bundle} }

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

// Create installs the provider. The state is saved before the wait, whose end is
// a warning at most: a provider that is slow to start must not be destroyed for it.
func (r *Resource) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	var plan model
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	if resp.Diagnostics.HasError() {
		return
	}
	ctx, cancel, cluster, err := tfkit.Begin(ctx, r.session, plan.Timeouts.Create, defaultTimeouts.Create, plan.ManagementCluster, management.Identity{})
	defer cancel()
	if err != nil {
		resp.Diagnostics.Append(tfkit.ConnectError(err))
		return
	}
	plan.ID = types.StringValue(plan.id())
	resp.Diagnostics.Append(r.checkDocker(ctx, plan)...)
	if !r.session.Claim(session.Create, ResourceType, plan.id()) {
		resp.Diagnostics.Append(tfkit.CreatedTwice(path.Root("name"), plan.object()))
	}
	if resp.Diagnostics.HasError() {
		return
	}
	resp.Diagnostics.Append(r.checkInstalled(ctx, cluster, plan)...)
	if resp.Diagnostics.HasError() {
		return
	}
	creation, err := r.bundle.Begin(ctx, cluster, plan.Name.ValueString())
	if err != nil {
		resp.Diagnostics.Append(creationError(plan, err))
		return
	}
	if creation.TookOver {
		resp.Diagnostics.Append(tfkit.TookOver(describe(plan)))
	}
	// From here on something is installed, and whatever happens it must be in the state.
	known := tfkit.Record{}
	plan.Ready = types.BoolValue(false)
	resp.Diagnostics.Append(r.install(ctx, cluster, &plan)...)
	resp.Diagnostics.Append(resp.State.Set(ctx, plan)...)
	if !resp.Diagnostics.HasError() {
		resp.Diagnostics.Append(r.waitReady(ctx, cluster, &plan)...)
	}
	known.Identify(ctx, r.session, cluster.ID, creation.Object().GetUID())
	resp.Diagnostics.Append(resp.State.Set(ctx, plan)...)
	if tfkit.FinishCreation(ctx, creation, describe(plan), &known, resp) {
		resp.Diagnostics.Append(tfkit.WriteRecord(ctx, r.session, resp.Private, known.UID, known)...)
	}
}

// creationError words why the provider could not be entered into the inventory.
func creationError(plan model, err error) diag.Diagnostic {
	if exists, is := tfkit.CreationError(path.Root("name"), describe(plan), ResourceType, plan.id(), err); is {
		return exists
	}
	return tfkit.RequestError("install "+plan.object(), err)
}

// Read looks at what is installed.
func (r *Resource) Read(ctx context.Context, req resource.ReadRequest, resp *resource.ReadResponse) {
	var state model
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	if resp.Diagnostics.HasError() {
		return
	}
	known, diags := tfkit.ReadRecord[tfkit.Record](ctx, req.Private)
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() {
		return
	}
	imported := state.Version.IsNull()
	cluster, err := r.session.Reconnect(ctx, state.ManagementCluster.ValueString(), known.Management)
	if err != nil {
		tfkit.NotRead(ctx, resp, state.object(), err, imported)
		return
	}
	status, err := r.bundle.Installed(ctx, cluster, state.Name.ValueString())
	switch {
	case err != nil:
		known.ReadFailed(ctx, resp, cluster, entryKind, state.object(), err, imported)
		return
	case isAnother(known, status):
		resp.Diagnostics.Append(tfkit.AnotherObject(describe(state), known.UID, status.UID))
		return
	}
	provider, err := config.Find(state.Name.ValueString())
	if err != nil {
		resp.Diagnostics.AddAttributeError(path.Root("name"), "Unknown provider", err.Error())
		return
	}
	state.fromProvider(provider)
	state.fromRelease(status.Release)
	state.Image = types.StringValue(status.Image)
	// What cannot be looked at is not ready either: reinstalling repairs it. Who may not look keeps what is known.
	state.InstalledBy = types.StringValue(status.Origin)
	pending, err := r.pending(ctx, cluster, state, status)
	if imported || !tfkit.IsNotPermitted(err) {
		state.Ready = types.BoolValue(pending == "" && err == nil && status.UID != "")
	}
	known.Identify(ctx, r.session, cluster.ID, status.UID)
	resp.Diagnostics.Append(tfkit.WriteRecord(ctx, r.session, resp.Private, known.UID, known)...)
	resp.Diagnostics.Append(resp.State.Set(ctx, state)...)
}

// pending says what an installed provider lacks.
func (r *Resource) pending(ctx context.Context, cluster *management.Cluster, state model, status *bundle.Status) (string, error) {
	pending, err := r.bundle.Pending(ctx, cluster, state.Name.ValueString())
	if pending != "" || err != nil || status.Release != r.bundle.Release() {
		return pending, err
	}
	settings, diags := state.settings(ctx)
	image, err := r.bundle.Image(state.ManagementCluster.ValueString(), status.Image)
	if diags.HasError() || err != nil {
		return "", err
	}
	declared, err := r.bundle.AsDeclared(ctx, cluster, state.Name.ValueString(), image, settings)
	if err != nil || declared {
		return "", err
	}
	return "the controllers do not run as declared", nil
}

// isAnother says whether the provider that is installed is not the one of the
// record. One that has lost its entry in the inventory is repaired.
func isAnother(known tfkit.Record, status *bundle.Status) bool {
	return known.UID != "" && status.UID != "" && known.UID != status.UID
}

// Update installs the provider again, which brings it to what this binary holds.
func (r *Resource) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	var plan model
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	if resp.Diagnostics.HasError() {
		return
	}
	if !plan.Ready.IsUnknown() {
		// Only the timeouts changed.
		resp.Diagnostics.Append(resp.State.Set(ctx, plan)...)
		return
	}
	known, diags := tfkit.ReadRecord[tfkit.Record](ctx, req.Private)
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() {
		return
	}
	ctx, cancel, cluster, err := tfkit.Begin(ctx, r.session, plan.Timeouts.Update, defaultTimeouts.Update, plan.ManagementCluster, known.Management)
	defer cancel()
	if err != nil {
		resp.Diagnostics.Append(tfkit.ConnectError(err))
		return
	}
	status, err := r.bundle.Installed(ctx, cluster, plan.Name.ValueString())
	switch {
	case err != nil:
		resp.Diagnostics.Append(tfkit.RequestError("read "+plan.object(), err))
		return
	case isAnother(known, status):
		resp.Diagnostics.Append(tfkit.AnotherObject(describe(plan), known.UID, status.UID))
		return
	}
	resp.Diagnostics.Append(r.checkInstalled(ctx, cluster, plan)...)
	if resp.Diagnostics.HasError() {
		return
	}
	resp.Diagnostics.Append(r.install(ctx, cluster, &plan)...)
	if resp.Diagnostics.HasError() {
		return
	}
	resp.Diagnostics.Append(r.waitReady(ctx, cluster, &plan)...)
	r.recordInstalled(ctx, cluster, plan, &known)
	resp.Diagnostics.Append(tfkit.WriteRecord(ctx, r.session, resp.Private, known.UID, known)...)
	resp.Diagnostics.Append(resp.State.Set(ctx, plan)...)
}

// recordInstalled records the entry in the inventory, which an installation makes
// again if it was lost, and makes up for the end of a creation.
func (r *Resource) recordInstalled(ctx context.Context, cluster *management.Cluster, plan model, known *tfkit.Record) {
	status, err := r.bundle.Installed(ctx, cluster, plan.Name.ValueString())
	if err != nil {
		return
	}
	known.Identify(ctx, r.session, cluster.ID, status.UID)
	entry := &unstructured.Unstructured{}
	entry.SetGroupVersionKind(clusterctlv1.GroupVersion.WithKind("Provider"))
	entry.SetNamespace(plan.Namespace.ValueString())
	entry.SetName(plan.Name.ValueString())
	if known.Creation != "" && cluster.Unmark(ctx, entry, known.Creation) == nil {
		known.Creation = ""
	}
}

// Delete uninstalls the provider when no object of its kinds is left.
func (r *Resource) Delete(ctx context.Context, req resource.DeleteRequest, resp *resource.DeleteResponse) {
	var state model
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	if resp.Diagnostics.HasError() {
		return
	}
	known, diags := tfkit.ReadRecord[tfkit.Record](ctx, req.Private)
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() {
		return
	}
	ctx, cancel, cluster, err := tfkit.Begin(ctx, r.session, state.Timeouts.Delete, defaultTimeouts.Delete, state.ManagementCluster, known.Management)
	defer cancel()
	switch {
	case errors.Is(err, management.ErrGone):
		return
	case err != nil:
		resp.Diagnostics.Append(tfkit.ConnectError(err))
		return
	}
	status, err := r.bundle.Installed(ctx, cluster, state.Name.ValueString())
	switch {
	case management.IsAbsent(err):
		if err := known.Absence(ctx, cluster, entryKind, err); !errors.Is(err, management.ErrGone) {
			resp.Diagnostics.Append(tfkit.Undecided(describe(state), err))
		}
		return
	case err != nil:
		resp.Diagnostics.Append(tfkit.RequestError("read "+state.object(), err))
		return
	case known.UID == "":
		resp.Diagnostics.Append(tfkit.Unrecorded(describe(state)))
		return
	case isAnother(known, status):
		resp.Diagnostics.Append(tfkit.AnotherObject(describe(state), known.UID, status.UID))
		return
	}
	resp.Diagnostics.Append(r.checkRelease(state, status.Release)...)
	if resp.Diagnostics.HasError() {
		return
	}
	resp.Diagnostics.Append(r.waitUnused(ctx, cluster, state)...)
	if resp.Diagnostics.HasError() {
		return
	}
	resp.Diagnostics.Append(r.uninstall(ctx, cluster, state, status.UID)...)
}

// uninstall takes the kinds away first, and what says that the provider is
// installed last: an uninstallation that is cut off is resumed.
func (r *Resource) uninstall(ctx context.Context, cluster *management.Cluster, state model, uid k8stypes.UID) diag.Diagnostics {
	name := state.Name.ValueString()
	if err := r.bundle.Uninstall(ctx, cluster, name); err != nil {
		return diag.Diagnostics{tfkit.RequestError("uninstall "+state.object(), err)}
	}
	if diags := waitGone(ctx, cluster, state, r.bundle.Gone); diags.HasError() {
		return diags
	}
	if err := r.bundle.Unregister(ctx, cluster, name, uid); err != nil {
		return diag.Diagnostics{tfkit.RequestError("uninstall "+state.object(), err)}
	}
	return waitGone(ctx, cluster, state, r.bundle.Unregistered)
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
