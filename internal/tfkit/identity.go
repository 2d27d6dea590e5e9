// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package tfkit

import (
	"context"
	"maps"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/identityschema"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/terraform-capi/terraform-provider-capi/internal/management"
)

// Identity says which object of its kind a resource is. It changes only if the object
// is moved. Terraform before 1.12 has no use for it, and does not ask.
type Identity struct {
	ManagementCluster types.String `tfsdk:"management_cluster"`
	Namespace         types.String `tfsdk:"namespace"`
	Name              types.String `tfsdk:"name"`
}

// IdentitySchema describes an Identity. kind is the object's, as in "Cluster".
func IdentitySchema(kind string) identityschema.Schema {
	return identityschema.Schema{Attributes: map[string]identityschema.Attribute{
		"management_cluster": identityschema.StringAttribute{
			Description:       "Id of the management cluster, such as kind://mgmt. Default: the one of the provider block.",
			OptionalForImport: true,
		},
		"namespace": identityschema.StringAttribute{
			Description:       "Namespace of the " + kind + ". Default: " + DefaultNamespace + ".",
			OptionalForImport: true,
		},
		"name": identityschema.StringAttribute{Description: "Name of the " + kind + ".", RequiredForImport: true},
	}}
}

// ImportObject notes which object is imported, by id or by identity, with what else the state has to know of it; Read fills in
// the rest. Ids have the form [MANAGEMENT_CLUSTER_ID/]NAMESPACE/NAME, of which example is one.
func ImportObject(ctx context.Context, req resource.ImportStateRequest, resp *resource.ImportStateResponse, example string, more map[string]any) {
	identity, diags := importIdentity(ctx, req, example)
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() {
		return
	}
	resp.Diagnostics.Append(resp.Identity.Set(ctx, identity)...)
	attributes := map[string]any{
		"id": identity.ID(), "management_cluster": identity.ManagementCluster, "namespace": identity.Namespace, "name": identity.Name,
	}
	maps.Copy(attributes, more)
	for attribute, value := range attributes {
		resp.Diagnostics.Append(resp.State.SetAttribute(ctx, path.Root(attribute), value)...)
	}
}

// importIdentity returns what is to be imported.
func importIdentity(ctx context.Context, req resource.ImportStateRequest, example string) (Identity, diag.Diagnostics) {
	var identity Identity
	if req.ID == "" {
		diags := req.Identity.Get(ctx, &identity)
		identity.Namespace = types.StringValue(NamespaceOf(identity.Namespace))
		return identity, diags
	}
	managementCluster, rest := management.SplitID(req.ID)
	namespace, name, ok := strings.Cut(rest, "/")
	if !ok || namespace == "" || name == "" || strings.Contains(name, "/") {
		return identity, diag.Diagnostics{WrongImportID(req.ID, "[MANAGEMENT_CLUSTER_ID/]NAMESPACE/NAME", example)}
	}
	if managementCluster != "" {
		identity.ManagementCluster = types.StringValue(managementCluster)
	}
	identity.Namespace, identity.Name = types.StringValue(namespace), types.StringValue(name)
	return identity, nil
}

// ID is the id of the object: what it can be imported by.
func (i Identity) ID() string {
	return management.JoinID(i.ManagementCluster.ValueString(), i.Namespace.ValueString()+"/"+i.Name.ValueString())
}
