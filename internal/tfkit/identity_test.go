// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package tfkit

import (
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

// What is imported is the same whether an id or an identity says it.
func TestImportIdentity(t *testing.T) {
	schema := IdentitySchema("Cluster")
	if diags := schema.ValidateImplementation(t.Context()); diags.HasError() {
		t.Fatal(diags)
	}
	given := func(managementCluster, namespace, name any) resource.ImportStateRequest {
		value := func(v any) tftypes.Value { return tftypes.NewValue(tftypes.String, v) }
		return resource.ImportStateRequest{Identity: &tfsdk.ResourceIdentity{Schema: schema, Raw: tftypes.NewValue(
			schema.Type().TerraformType(t.Context()), map[string]tftypes.Value{
				"management_cluster": value(managementCluster), "namespace": value(namespace), "name": value(name),
			})}}
	}
	elsewhere := Identity{ManagementCluster: types.StringValue("kind://mgmt"), Namespace: types.StringValue("team"), Name: types.StringValue("web")}
	here := Identity{Namespace: types.StringValue(DefaultNamespace), Name: types.StringValue("web")}
	for name, test := range map[string]struct {
		req  resource.ImportStateRequest
		want Identity
		id   string
	}{
		"id":               {resource.ImportStateRequest{ID: "kind://mgmt/team/web"}, elsewhere, "kind://mgmt/team/web"},
		"bare id":          {resource.ImportStateRequest{ID: "default/web"}, here, "default/web"},
		"identity":         {given("kind://mgmt", "team", "web"), elsewhere, "kind://mgmt/team/web"},
		"defaulted":        {given(nil, nil, "web"), here, "default/web"},
		"in the namespace": {given(nil, "default", "web"), here, "default/web"},
	} {
		got, diags := importIdentity(t.Context(), test.req, "kind://mgmt/default/web")
		if diags.HasError() || got != test.want || got.ID() != test.id {
			t.Errorf("%s: got %v (%s), want %v (%s): %v", name, got, got.ID(), test.want, test.id, diags)
		}
	}
	for _, id := range []string{"web", "/web", "team/", "a/b/c", "kind://mgmt", "kind://mgmt/web"} {
		if _, diags := importIdentity(t.Context(), resource.ImportStateRequest{ID: id}, "kind://mgmt/default/web"); !diags.HasError() {
			t.Errorf("id %q is taken", id)
		}
	}
}
