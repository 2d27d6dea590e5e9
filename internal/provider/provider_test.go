// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package provider

import (
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/ephemeral"
	"github.com/hashicorp/terraform-plugin-framework/function"
	"github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/hashicorp/terraform-plugin-framework/provider/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/terraform-capi/terraform-provider-capi/internal/management"
	"github.com/terraform-capi/terraform-provider-capi/internal/session"
)

func TestSchemas(t *testing.T) {
	p := New("test")()
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
	p := New("test")()
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
	p, ok := New("test")().(provider.ProviderWithFunctions)
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
	p, ok := New("test")().(provider.ProviderWithEphemeralResources)
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

func TestConnection(t *testing.T) {
	t.Setenv("KUBECONFIG", "/must/not/be/used")
	for name, test := range map[string]struct {
		model       model
		environment string
		want        management.Connection
	}{
		"nothing":            {model{}, "", management.Connection{}},
		"environment":        {model{}, "/env", management.Connection{KubeconfigPath: "/env"}},
		"path":               {model{KubeconfigPath: types.StringValue("/path")}, "/env", management.Connection{KubeconfigPath: "/path"}},
		"content":            {model{Kubeconfig: types.StringValue("x"), Context: types.StringValue("c")}, "/env", management.Connection{Kubeconfig: "x", Context: "c"}},
		"not known yet":      {model{Kubeconfig: types.StringUnknown()}, "/env", management.Connection{Unknown: true}},
		"path not known yet": {model{KubeconfigPath: types.StringUnknown()}, "", management.Connection{Unknown: true}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv(kubeconfigPathVariable, test.environment)
			if got := test.model.connection(); got != test.want {
				t.Errorf("got %+v, want %+v", got, test.want)
			}
		})
	}
}

// At plan the connection may come from a resource that does not exist yet.
func TestConfigureToleratesUnknown(t *testing.T) {
	p := New("test")()
	var schemaResponse provider.SchemaResponse
	p.Schema(t.Context(), provider.SchemaRequest{}, &schemaResponse)
	config := unknownConfig(t, schemaResponse.Schema)
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

func unknownConfig(t *testing.T, s schema.Schema) tfsdk.Config {
	t.Helper()
	values := map[string]tftypes.Value{}
	for name := range s.Attributes {
		values[name] = tftypes.NewValue(tftypes.String, tftypes.UnknownValue)
	}
	return tfsdk.Config{Schema: s, Raw: tftypes.NewValue(s.Type().TerraformType(t.Context()), values)}
}
