// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package provider

import (
	"maps"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/ephemeral"
	"github.com/hashicorp/terraform-plugin-framework/function"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/terraform-capi/terraform-provider-capi/internal/session"
)

func TestSchemas(t *testing.T) {
	p := New("test", nil)()
	var providerSchema provider.SchemaResponse
	p.Schema(t.Context(), provider.SchemaRequest{}, &providerSchema)
	if diags := providerSchema.Schema.ValidateImplementation(t.Context()); diags.HasError() {
		t.Error(diags)
	}
	for _, newResource := range p.Resources(t.Context()) {
		r := newResource()
		var metadata resource.MetadataResponse
		r.Metadata(t.Context(), resource.MetadataRequest{ProviderTypeName: TypeName}, &metadata)
		t.Run(metadata.TypeName, func(t *testing.T) {
			var resp resource.SchemaResponse
			r.Schema(t.Context(), resource.SchemaRequest{}, &resp)
			if diags := resp.Schema.ValidateImplementation(t.Context()); diags.HasError() {
				t.Error(diags)
			}
			if !strings.HasPrefix(metadata.TypeName, TypeName+"_") {
				t.Errorf("the name does not start with %s_", TypeName)
			}
		})
	}
}

func TestDataSourceSchemas(t *testing.T) {
	p := New("test", nil)()
	for _, newDataSource := range p.DataSources(t.Context()) {
		d := newDataSource()
		var metadata datasource.MetadataResponse
		d.Metadata(t.Context(), datasource.MetadataRequest{ProviderTypeName: TypeName}, &metadata)
		t.Run(metadata.TypeName, func(t *testing.T) {
			var resp datasource.SchemaResponse
			d.Schema(t.Context(), datasource.SchemaRequest{}, &resp)
			if diags := resp.Schema.ValidateImplementation(t.Context()); diags.HasError() {
				t.Error(diags)
			}
			if !strings.HasPrefix(metadata.TypeName, TypeName+"_") {
				t.Errorf("the name does not start with %s_", TypeName)
			}
		})
	}
}

func TestFunctionDefinitions(t *testing.T) {
	p, ok := New("test", nil)().(provider.ProviderWithFunctions)
	if !ok {
		t.Fatal("the provider offers no functions")
	}
	if len(p.Functions(t.Context())) == 0 {
		t.Error("the provider offers no functions")
	}
	for _, newFunction := range p.Functions(t.Context()) {
		f := newFunction()
		var metadata function.MetadataResponse
		f.Metadata(t.Context(), function.MetadataRequest{}, &metadata)
		t.Run(metadata.Name, func(t *testing.T) {
			var resp function.DefinitionResponse
			f.Definition(t.Context(), function.DefinitionRequest{}, &resp)
			var validation function.DefinitionValidateResponse
			resp.Definition.ValidateImplementation(t.Context(), function.DefinitionValidateRequest{FuncName: metadata.Name}, &validation)
			if validation.Diagnostics.HasError() {
				t.Error(validation.Diagnostics)
			}
			if resp.Definition.Summary == "" || resp.Definition.MarkdownDescription == "" {
				t.Error("no description")
			}
			for _, parameter := range resp.Definition.Parameters {
				if parameter.GetMarkdownDescription() == "" {
					t.Errorf("%s has no description", parameter.GetName())
				}
			}
		})
	}
}

func TestEphemeralSchemas(t *testing.T) {
	p, ok := New("test", nil)().(provider.ProviderWithEphemeralResources)
	if !ok {
		t.Fatal("the provider offers no ephemeral resources")
	}
	for _, newResource := range p.EphemeralResources(t.Context()) {
		var resp ephemeral.SchemaResponse
		newResource().Schema(t.Context(), ephemeral.SchemaRequest{}, &resp)
		if diags := resp.Schema.ValidateImplementation(t.Context()); diags.HasError() {
			t.Error(diags)
		}
	}
}

// What a block in a configuration becomes: the values, and what is not known yet.
func TestConnection(t *testing.T) {
	t.Setenv("KUBECONFIG", "/must/not/be/used")
	t.Setenv("CAPI_TOKEN", "environment")
	unknown := func(typ tftypes.Type) tftypes.Value { return tftypes.NewValue(typ, tftypes.UnknownValue) }
	text := func(value string) tftypes.Value { return tftypes.NewValue(tftypes.String, value) }
	for name, test := range map[string]struct {
		block map[string]tftypes.Value
		want  string
	}{
		"nothing":       {nil, ""},
		"host":          {map[string]tftypes.Value{"host": text("https://mgmt.example.com")}, "the provider block's host, the environment variable CAPI_TOKEN"},
		"not known yet": {map[string]tftypes.Value{"host": unknown(tftypes.String), "insecure": unknown(tftypes.Bool)}, "the provider block's host, the provider block's insecure, the environment variable CAPI_TOKEN"},
		"exec": {map[string]tftypes.Value{"host": text("https://mgmt.example.com"), "exec": exec(text("aws"))},
			"the provider block's host, the provider block's exec"},
		"exec not known yet": {map[string]tftypes.Value{"host": text("https://mgmt.example.com"), "exec": exec(unknown(tftypes.String))},
			"the provider block's host, the provider block's exec"},
	} {
		t.Run(name, func(t *testing.T) {
			var block model
			diags := providerConfig(t, test.block).Get(t.Context(), &block)
			got, problems := block.connection(t.Context())
			if diags.Append(problems...); diags.HasError() {
				t.Fatal(diags)
			}
			if got.String() != test.want {
				t.Errorf("got %q", got)
			}
		})
	}
}

// exec is the block of this name with a command.
func exec(command tftypes.Value) tftypes.Value {
	object := tftypes.Object{AttributeTypes: map[string]tftypes.Type{
		"api_version": tftypes.String, "command": tftypes.String,
		"args": tftypes.List{ElementType: tftypes.String}, "env": tftypes.Map{ElementType: tftypes.String},
	}}
	return tftypes.NewValue(tftypes.List{ElementType: object}, []tftypes.Value{tftypes.NewValue(object, map[string]tftypes.Value{
		"api_version": tftypes.NewValue(tftypes.String, "client.authentication.k8s.io/v1"), "command": command,
		"args": tftypes.NewValue(object.AttributeTypes["args"], []tftypes.Value{tftypes.NewValue(tftypes.String, "--help")}),
		"env":  tftypes.NewValue(object.AttributeTypes["env"], nil),
	})})
}

// A block that contradicts itself is refused before anything is planned, at the attribute.
func TestContradictions(t *testing.T) {
	p, ok := New("test", nil)().(provider.ProviderWithValidateConfig)
	if !ok {
		t.Fatal("the block is not validated")
	}
	text := func(value string) tftypes.Value { return tftypes.NewValue(tftypes.String, value) }
	config := providerConfig(t, map[string]tftypes.Value{"host": text("https://mgmt.example.com"), "kubeconfig_path": text("/kubeconfig")})
	var resp provider.ValidateConfigResponse
	p.ValidateConfig(t.Context(), provider.ValidateConfigRequest{Config: config}, &resp)
	if len(resp.Diagnostics) != 1 {
		t.Fatal(resp.Diagnostics)
	}
	if d, ok := resp.Diagnostics[0].(diag.DiagnosticWithPath); !ok || !d.Path().Equal(path.Root("host")) {
		t.Errorf("got %v", resp.Diagnostics[0])
	}
}

// At plan the connection may come from a resource that does not exist yet.
func TestConfigureToleratesUnknown(t *testing.T) {
	p := New("test", nil)()
	config := providerConfig(t, map[string]tftypes.Value{
		"host": tftypes.NewValue(tftypes.String, tftypes.UnknownValue), "token": tftypes.NewValue(tftypes.String, tftypes.UnknownValue),
	})
	var resp provider.ConfigureResponse
	p.Configure(t.Context(), provider.ConfigureRequest{Config: config}, &resp)
	if resp.Diagnostics.HasError() {
		t.Fatal(resp.Diagnostics)
	}
	if _, ok := resp.ResourceData.(*session.Session); !ok {
		t.Errorf("resources get %T", resp.ResourceData)
	}
	if resp.ResourceData != resp.EphemeralResourceData || resp.ResourceData != resp.DataSourceData {
		t.Error("resources, data sources and ephemeral resources do not share connections")
	}
}

// providerConfig is a block with these values.
func providerConfig(t *testing.T, block map[string]tftypes.Value) tfsdk.Config {
	t.Helper()
	var resp provider.SchemaResponse
	New("test", nil)().Schema(t.Context(), provider.SchemaRequest{}, &resp)
	object, ok := resp.Schema.Type().TerraformType(t.Context()).(tftypes.Object)
	if !ok {
		t.Fatal("the schema is not an object's")
	}
	values := map[string]tftypes.Value{}
	for name, typ := range object.AttributeTypes {
		values[name] = tftypes.NewValue(typ, nil)
	}
	maps.Copy(values, block)
	return tfsdk.Config{Schema: resp.Schema, Raw: tftypes.NewValue(object, values)}
}
