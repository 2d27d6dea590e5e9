// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package kubeconfig

import (
	"context"
	"errors"

	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	dsschema "github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/terraform-capi/terraform-provider-capi/internal/apifields"
	"github.com/terraform-capi/terraform-provider-capi/internal/session"
	"github.com/terraform-capi/terraform-provider-capi/internal/tfkit"
)

var _ datasource.DataSourceWithConfigure = (*DataSource)(nil)

// DataSource is capi_kubeconfig of a cluster that another configuration manages.
type DataSource struct {
	session *session.Session
}

// NewDataSource returns the data source.
func NewDataSource() datasource.DataSource { return &DataSource{} }

// Metadata names the data source.
func (d *DataSource) Metadata(_ context.Context, _ datasource.MetadataRequest, resp *datasource.MetadataResponse) {
	resp.TypeName = ResourceType
}

// Configure takes the session over from the provider.
func (d *DataSource) Configure(_ context.Context, req datasource.ConfigureRequest, resp *datasource.ConfigureResponse) {
	s, diags := tfkit.ProviderData(req.ProviderData)
	resp.Diagnostics.Append(diags...)
	d.session = s
}

// Schema describes the data source. What it reads are attributes of the resource.
func (d *DataSource) Schema(ctx context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	var ofResource resource.SchemaResponse
	(&Resource{}).Schema(ctx, resource.SchemaRequest{}, &ofResource)
	selected := map[string]schema.Attribute{}
	for _, name := range outputs {
		selected[name] = ofResource.Schema.Attributes[name]
	}
	attributes := apifields.Computed(selected, "kubeconfig", "client_certificate", "client_key", "token")
	attributes["cluster_id"] = dsschema.StringAttribute{
		MarkdownDescription: "The `id` of the cluster, as `capi_cluster` has it.",
		Required:            true,
		Validators:          []validator.String{isClusterID{}},
	}
	attributes["endpoint"] = dsschema.StringAttribute{
		MarkdownDescription: descriptions["endpoint"],
		Optional:            true,
		Computed:            true,
		Validators:          []validator.String{stringvalidator.OneOf(endpointExternal, endpointInternal)},
	}
	resp.Schema = dsschema.Schema{
		MarkdownDescription: "The administrator's kubeconfig of a cluster, **stored in the state**. " +
			"Where Terraform 1.10 or OpenTofu 1.11 can be had, the ephemeral resource of the same name does without the state.",
		Attributes: attributes,
	}
}

// Read reads the kubeconfig. It waits for nothing.
func (d *DataSource) Read(ctx context.Context, req datasource.ReadRequest, resp *datasource.ReadResponse) {
	var state model
	resp.Diagnostics.Append(req.Config.Get(ctx, &state)...)
	if resp.Diagnostics.HasError() {
		return
	}
	if state.Endpoint.IsNull() {
		state.Endpoint = types.StringValue(endpointExternal)
	}
	id, key, err := state.cluster()
	if err != nil {
		resp.Diagnostics.AddAttributeError(path.Root("cluster_id"), "Wrong cluster id", "The value "+err.Error()+".")
		return
	}
	mgmt, err := d.session.Connect(ctx, id)
	if err != nil {
		resp.Diagnostics.Append(tfkit.ReadConnectError(err))
		return
	}
	kept, err := read(ctx, mgmt, key, state.Endpoint.ValueString() == endpointInternal)
	var found *credentials
	if err == nil {
		found, err = kept.credentials(state.Endpoint.ValueString())
	}
	switch {
	case errors.Is(err, errNotYet):
		resp.Diagnostics.AddAttributeError(path.Root("cluster_id"), "No kubeconfig yet", "There is no kubeconfig, because "+err.Error()+
			". Cluster API makes it when the cluster has an endpoint.")
		return
	case err != nil:
		resp.Diagnostics.Append(fetchDiagnostic(&state, identity{}, err))
		return
	}
	state.set(found)
	resp.Diagnostics.Append(resp.State.Set(ctx, state)...)
}
