// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package provider

import (
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/terraform-capi/terraform-provider-capi/internal/acctest"
)

// Values that Terraform's types allow and no attribute means are the attribute's error,
// never one in the provider.
func TestImpossibleValues(t *testing.T) {
	v := &impossible{T: t, server: providerserver.NewProtocol6(New("test", nil)())()}
	schemas, err := v.server.GetProviderSchema(t.Context(), &tfprotov6.GetProviderSchemaRequest{})
	if err != nil {
		t.Fatal(err)
	}
	for name, schema := range schemas.ResourceSchemas {
		v.typ, v.validate = schema.ValueType(), func(config *tfprotov6.DynamicValue) ([]*tfprotov6.Diagnostic, error) {
			resp, err := v.server.ValidateResourceConfig(t.Context(), &tfprotov6.ValidateResourceConfigRequest{TypeName: name, Config: config})
			return resp.Diagnostics, err
		}
		v.attributes(name, schema.Block.Attributes, func(value any) any { return value })
	}
	for name, schema := range schemas.EphemeralResourceSchemas {
		v.typ, v.validate = schema.ValueType(), func(config *tfprotov6.DynamicValue) ([]*tfprotov6.Diagnostic, error) {
			resp, err := v.server.ValidateEphemeralResourceConfig(t.Context(), &tfprotov6.ValidateEphemeralResourceConfigRequest{TypeName: name, Config: config})
			return resp.Diagnostics, err
		}
		v.attributes("ephemeral "+name, schema.Block.Attributes, func(value any) any { return value })
	}
	if v.numbers == 0 || v.timeouts == 0 {
		t.Errorf("there are %d numbers and %d timeouts", v.numbers, v.timeouts)
	}
}

// impossible validates one schema's attributes one by one.
type impossible struct {
	*testing.T
	server            tfprotov6.ProviderServer
	typ               tftypes.Type
	validate          func(config *tfprotov6.DynamicValue) ([]*tfprotov6.Diagnostic, error)
	numbers, timeouts int
}

// attributes goes through a level of attributes; around makes a configuration of what
// stands there.
func (v *impossible) attributes(at string, attributes []*tfprotov6.SchemaAttribute, around func(any) any) {
	v.Helper()
	for _, attribute := range attributes {
		if !attribute.Optional && !attribute.Required {
			continue
		}
		at := at + "." + attribute.Name
		config := func(value any) any { return around(map[string]any{attribute.Name: value}) }
		switch {
		case attribute.NestedType != nil && attribute.NestedType.Nesting == tfprotov6.SchemaObjectNestingModeList:
			v.attributes(at, attribute.NestedType.Attributes, func(value any) any { return config([]any{value}) })
		case attribute.NestedType != nil && attribute.NestedType.Nesting == tfprotov6.SchemaObjectNestingModeMap:
			v.attributes(at, attribute.NestedType.Attributes, func(value any) any { return config(map[string]any{"a": value}) })
		case attribute.NestedType != nil:
			v.attributes(at, attribute.NestedType.Attributes, config)
		case attribute.Type.Is(tftypes.Number):
			v.numbers++
			v.refuses(at, config(1.5), "1.5 is not a whole number")
			v.refuses(at, config(1e30), "does not fit")
		case strings.Contains(at, ".timeouts."):
			v.timeouts++
			v.refuses(at, config("0s"), "not positive")
			v.refuses(at, config("-1m"), "not positive")
		}
	}
}

func (v *impossible) refuses(at string, config any, want string) {
	v.Helper()
	encoded, err := tfprotov6.NewDynamicValue(v.typ, acctest.Value(v, v.typ, config))
	if err != nil {
		v.Fatal(err)
	}
	diagnostics, err := v.validate(&encoded)
	if err != nil {
		v.Fatal(err)
	}
	said := false
	for _, diagnostic := range diagnostics {
		said = said || strings.Contains(diagnostic.Detail, want)
		if strings.Contains(diagnostic.Detail, "error in the provider") {
			v.Errorf("%s: %s", at, diagnostic.Detail)
		}
	}
	if !said {
		v.Errorf("%s does not say %q", at, want)
	}
}
