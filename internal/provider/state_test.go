// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package provider

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"

	"github.com/terraform-capi/terraform-provider-capi/internal/acctest"
)

// A state that a version of a schema wrote is read by all later ones. The golden files are the attributes of each version
// and their types; -update adds new attributes, and nothing else.
func TestStates(t *testing.T) {
	schemas, err := providerserver.NewProtocol6(New("test", nil)())().GetProviderSchema(t.Context(), &tfprotov6.GetProviderSchemaRequest{})
	if err != nil {
		t.Fatal(err)
	}
	for name, schema := range schemas.ResourceSchemas {
		t.Run(name, func(t *testing.T) {
			now := inState("", schema.Block.Attributes)
			slices.Sort(now)
			golden := fmt.Sprintf("states/%s.v%d", name, schema.Version)
			before, err := os.ReadFile("testdata/" + golden + ".golden")
			if err != nil && !os.IsNotExist(err) {
				t.Fatal(err)
			}
			for _, attribute := range strings.Split(strings.TrimSpace(string(before)), "\n") {
				if attribute != "" && !slices.Contains(now, attribute) {
					t.Errorf("states of version %d have the attribute %q: give the schema the next Version, and write an upgrader from this one", schema.Version, attribute)
				}
			}
			if !t.Failed() {
				acctest.Golden(t, golden, strings.Join(now, "\n")+"\n")
			}
		})
	}
}

// Each earlier version of a schema has an upgrader.
func TestStateUpgraders(t *testing.T) {
	for _, newResource := range New("test", nil)().Resources(t.Context()) {
		r := newResource()
		var metadata resource.MetadataResponse
		r.Metadata(t.Context(), resource.MetadataRequest{ProviderTypeName: TypeName}, &metadata)
		var schema resource.SchemaResponse
		r.Schema(t.Context(), resource.SchemaRequest{}, &schema)
		upgraders := map[int64]resource.StateUpgrader{}
		if upgradable, ok := r.(resource.ResourceWithUpgradeState); ok {
			upgraders = upgradable.UpgradeState(t.Context())
		}
		for version := range schema.Schema.Version {
			if _, ok := upgraders[version]; !ok {
				t.Errorf("%s does not read states of version %d", metadata.TypeName, version)
			}
		}
	}
}

// inState lists what a state has of attributes: their paths and types.
func inState(at string, attributes []*tfprotov6.SchemaAttribute) []string {
	var lines []string
	for _, attribute := range attributes {
		path := at + attribute.Name
		switch {
		case attribute.WriteOnly:
		case attribute.NestedType != nil:
			path += " " + strings.ToLower(attribute.NestedType.Nesting.String())
			lines = append(lines, path)
			lines = append(lines, inState(at+attribute.Name+".", attribute.NestedType.Attributes)...)
		default:
			lines = append(lines, path+" "+attribute.Type.String())
		}
	}
	return lines
}

// Terraform refuses a state of a later version of a schema, and leaves it as it is.
func TestIntegrationStateOfALaterVersion(t *testing.T) {
	acctest.NeedTerraform(t)
	for _, newResource := range New("test", nil)().Resources(t.Context()) {
		var metadata resource.MetadataResponse
		newResource().Metadata(t.Context(), resource.MetadataRequest{ProviderTypeName: TypeName}, &metadata)
		t.Run(metadata.TypeName, func(t *testing.T) {
			workspace := acctest.NewWorkspaceFor(t, func() provider.Provider { return New("test", nil)() })
			state := fmt.Sprintf(`{
  "version": 4, "terraform_version": "1.0.0", "serial": 1, "lineage": "test", "outputs": {},
  "resources": [{
    "mode": "managed", "type": %q, "name": "test", "provider": "provider[\"registry.terraform.io/terraform-capi/capi\"]",
    "instances": [{"schema_version": 99, "attributes": {"id": "x"}, "sensitive_attributes": []}]
  }]
}`, metadata.TypeName)
			workspace.Write("terraform.tfstate", state)
			for _, command := range [][]string{{"plan"}, {"apply", "-auto-approve"}, {"destroy", "-auto-approve"}, {"destroy", "-auto-approve", "-refresh=false"}} {
				out, code := workspace.Try(command...)
				if code == 0 || !strings.Contains(out, "newer provider version") {
					t.Errorf("%v ended with %d:\n%s", command, code, out)
				}
				if workspace.Read("terraform.tfstate") != state {
					t.Fatalf("%v changed the state", command)
				}
			}
		})
	}
}
