// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package kubeconfig

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hashicorp/terraform-plugin-framework-timeouts/resource/timeouts"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"

	"github.com/terraform-capi/terraform-provider-capi/internal/management"
	"github.com/terraform-capi/terraform-provider-capi/internal/session"
	"github.com/terraform-capi/terraform-provider-capi/internal/tfkit"
	"github.com/terraform-capi/terraform-provider-capi/internal/waiter"
)

// ResourceType is the name of the resource, and of the ephemeral resource, in
// configurations.
const ResourceType = "capi_kubeconfig"

var (
	_ resource.ResourceWithConfigure   = (*Resource)(nil)
	_ resource.ResourceWithImportState = (*Resource)(nil)
	_ resource.ResourceWithModifyPlan  = (*Resource)(nil)
)

// Resource is capi_kubeconfig in the state.
type Resource struct {
	session *session.Session
}

type resourceModel struct {
	model
	identityModel
	Timeouts timeouts.Value `tfsdk:"timeouts"`
}

// NewResource returns the resource.
func NewResource() resource.Resource { return &Resource{} }

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

// Create waits for the kubeconfig, and has credentials issued.
func (r *Resource) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	var plan resourceModel
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	timeout, diags := plan.Timeouts.Create(ctx, defaultTimeouts.Create)
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() {
		return
	}
	known, diags := r.fetch(ctx, timeout, &plan, record{}, false)
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() {
		return
	}
	resp.Diagnostics.Append(tfkit.WriteRecord(ctx, r.session, resp.Private, "", known)...)
	resp.Diagnostics.Append(resp.State.Set(ctx, plan)...)
}

// Read notices that Cluster API renewed the administrator's certificate, that the endpoint or the authority changed, and that the
// cluster is gone. Credentials that were issued stay as they are.
func (r *Resource) Read(ctx context.Context, req resource.ReadRequest, resp *resource.ReadResponse) {
	var state resourceModel
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	if resp.Diagnostics.HasError() {
		return
	}
	id, key, err := state.cluster()
	if err != nil {
		resp.Diagnostics.AddAttributeError(path.Root("cluster_id"), "Wrong cluster id", "The value "+err.Error()+".")
		return
	}
	known, diags := tfkit.ReadRecord[record](ctx, req.Private)
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() {
		return
	}
	object, imported := "The kubeconfig of Cluster "+key.String(), state.Kubeconfig.IsNull()
	mgmt, err := r.session.Reconnect(ctx, id, known.Management)
	var kept *stored
	if err == nil {
		kept, err = read(ctx, mgmt, key, state.Endpoint.ValueString() == endpointInternal)
	}
	if errors.Is(err, errGone) || errors.Is(err, errNotYet) {
		if imported {
			resp.State.RemoveResource(ctx)
			return
		}
		err = absence(ctx, mgmt, known.Record, err)
	}
	switch {
	case err != nil:
		tfkit.NotRead(ctx, resp, object, err, imported)
		return
	case known.UID != "" && known.UID != kept.cluster:
		resp.Diagnostics.Append(tfkit.AnotherObject("Cluster "+key.String(), known.UID, kept.cluster))
		return
	}
	found, err := state.refreshed(ctx, kept)
	if err != nil {
		resp.Diagnostics.Append(tfkit.ReadError(object, err, imported))
		return
	}
	state.set(found)
	known.Identify(ctx, r.session, mgmt.ID, kept.cluster)
	resp.Diagnostics.Append(tfkit.WriteRecord(ctx, r.session, resp.Private, "", known)...)
	resp.Diagnostics.Append(resp.State.Set(ctx, state)...)
}

// absence says what it means that there is no kubeconfig: with the error
// management.ErrGone there is none any more. The Cluster itself may be there.
func absence(ctx context.Context, mgmt *management.Cluster, known tfkit.Record, missing error) error {
	if management.IsAbsent(missing) {
		return known.Absence(ctx, mgmt, clusterv1.GroupVersion.WithKind(clusterv1.ClusterKind).GroupKind(), missing)
	}
	return fmt.Errorf("%w: %w", management.ErrGone, missing)
}

// Update reads the kubeconfig for another endpoint, or has credentials issued for another identity, or again.
func (r *Resource) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	var plan, state resourceModel
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	timeout, diags := plan.Timeouts.Update(ctx, defaultTimeouts.Update)
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() {
		return
	}
	known, diags := tfkit.ReadRecord[record](ctx, req.Private)
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() {
		return
	}
	known, diags = r.fetch(ctx, timeout, &plan, known, plan.keep(&state, known))
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() {
		return
	}
	resp.Diagnostics.Append(tfkit.WriteRecord(ctx, r.session, resp.Private, "", known)...)
	resp.Diagnostics.Append(resp.State.Set(ctx, plan)...)
}

// Delete forgets the kubeconfig. The administrator's is Cluster API's, which needs it, and Kubernetes cannot take back what it
// issued: certificates end with their time, and tokens with their service account.
func (r *Resource) Delete(context.Context, resource.DeleteRequest, *resource.DeleteResponse) {}

// ImportState takes the id of the cluster; Read fills in the rest.
func (r *Resource) ImportState(ctx context.Context, req resource.ImportStateRequest, resp *resource.ImportStateResponse) {
	if _, _, err := parseClusterID(req.ID); err != nil {
		resp.Diagnostics.Append(tfkit.WrongImportID(req.ID, "[MANAGEMENT_CLUSTER_ID/]NAMESPACE/NAME", "kind://mgmt/default/capi-quickstart"))
		return
	}
	resp.Diagnostics.Append(resp.State.SetAttribute(ctx, path.Root("cluster_id"), req.ID)...)
	resp.Diagnostics.Append(resp.State.SetAttribute(ctx, path.Root("endpoint"), endpointExternal)...)
	resp.Diagnostics.Append(resp.State.SetAttribute(ctx, path.Root("groups"), types.SetNull(types.StringType))...)
}

// fetch waits for the kubeconfig of the model's cluster and sets it. Known is the
// record of the cluster, or empty; it returns what is to be recorded. The model may have
// credentials that are to be kept.
func (r *Resource) fetch(ctx context.Context, timeout time.Duration, m *resourceModel, known record, keep bool) (record, diag.Diagnostics) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	who, diags := m.identity(ctx, defaultTTL)
	if diags.HasError() {
		return known, diags
	}
	how := credentialsFor(who, m.Endpoint.ValueString())
	if keep {
		how = derivation{m.refreshed, m.Endpoint.ValueString() == endpointInternal}
	}
	id, _, _ := m.cluster() // fetch says what is wrong with it.
	r.session.Retry(id)
	mgmt, found, err := fetch(ctx, r.session, &m.model, known.Management, how)
	switch {
	case err != nil && mgmt == nil:
		return known, diag.Diagnostics{tfkit.ConnectError(err)}
	case err != nil:
		return known, diag.Diagnostics{fetchDiagnostic(&m.model, who, err)}
	case known.UID != "" && known.UID != found.cluster:
		return known, diag.Diagnostics{tfkit.AnotherObject("Cluster "+m.ClusterID.ValueString(), known.UID, found.cluster)}
	}
	m.set(found)
	known.Identify(ctx, r.session, mgmt.ID, found.cluster)
	if !keep {
		known.RenewAt = renewal(who, time.Now(), found.expiresAt)
	}
	return known, nil
}

// fetchDiagnostic words why there is no kubeconfig.
func fetchDiagnostic(m *model, who identity, err error) diag.Diagnostic {
	what := "the kubeconfig of Cluster " + m.ClusterID.ValueString()
	var issuing *issueError
	var timedOut *waiter.TimeoutError
	switch {
	case errors.As(err, &issuing):
		attribute := path.Root("user")
		if who.account.Name != "" {
			attribute = path.Root("service_account")
		}
		return diag.NewAttributeErrorDiagnostic(attribute, "Credentials not issued", fmt.Sprintf(
			"Cluster %s issued no credentials for %s: %s.", m.ClusterID.ValueString(), who, issuing.err))
	case errors.As(err, &timedOut):
		return tfkit.TimeoutErrorDiagnostic(what, timedOut, "Cluster API makes it when the cluster has an endpoint: look at the cluster's conditions.")
	case errors.Is(err, errGone):
		return diag.NewAttributeErrorDiagnostic(path.Root("cluster_id"), "Cluster not found",
			"There is no kubeconfig, because "+err.Error()+". Refer to the id attribute of the capi_cluster, so that it is created first.")
	}
	return tfkit.RequestError("read "+what, err)
}
