// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package acctest

import (
	"context"
	"slices"
	"testing"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

// Protocol is a provider as Terraform meets it, without Terraform: for tests and
// benchmarks that plan hundreds of times.
type Protocol struct {
	server  tfprotov6.ProviderServer
	schemas map[string]*tfprotov6.Schema
}

// Object is a resource as Terraform keeps it: its state, and what the provider
// keeps beside it. The zero value is a resource that does not exist.
type Object struct {
	State    tftypes.Value
	Private  []byte
	Identity *tfprotov6.ResourceIdentityData
}

// Change is what a provider plans. Its State is the planned one.
type Change struct {
	Object
	config tftypes.Value
	prior  Object
	// Diagnostics are those of the plan; after an error there is no plan.
	Diagnostics []*tfprotov6.Diagnostic
	// Replace says that the resource is to be replaced.
	Replace bool
}

// Protocol serves the provider.
func (p Provider) Protocol(tb testing.TB) *Protocol {
	tb.Helper()
	server := p.Server()
	schema, err := server.GetProviderSchema(tb.Context(), &tfprotov6.GetProviderSchemaRequest{})
	if err != nil {
		tb.Fatal(err)
	}
	empty, err := tfprotov6.NewDynamicValue(schema.Provider.ValueType(), tftypes.NewValue(schema.Provider.ValueType(), map[string]tftypes.Value{}))
	if err != nil {
		tb.Fatal(err)
	}
	if _, err := server.ConfigureProvider(tb.Context(), &tfprotov6.ConfigureProviderRequest{Config: &empty}); err != nil {
		tb.Fatal(err)
	}
	return &Protocol{server: server, schemas: schema.ResourceSchemas}
}

// Config is a resource's configuration that sets the given attributes.
func (p *Protocol) Config(resource string, attributes map[string]tftypes.Value) tftypes.Value {
	object, _ := p.Type(resource).(tftypes.Object)
	values := map[string]tftypes.Value{}
	for name, t := range object.AttributeTypes {
		values[name] = tftypes.NewValue(t, nil)
	}
	for name, value := range attributes {
		values[name] = value
	}
	return tftypes.NewValue(object, values)
}

// Type is the type of a resource.
func (p *Protocol) Type(resource string) tftypes.Type { return p.schemas[resource].ValueType() }

// Plan validates and plans a configuration.
func (p *Protocol) Plan(tb testing.TB, resource string, config tftypes.Value, prior Object) Change {
	tb.Helper()
	typ := p.Type(resource)
	if prior.State.Type() == nil {
		prior.State = tftypes.NewValue(typ, nil)
	}
	change := Change{config: config, prior: prior}
	validated, err := p.server.ValidateResourceConfig(tb.Context(), &tfprotov6.ValidateResourceConfigRequest{
		TypeName: resource, Config: dynamic(tb, typ, config),
	})
	if err != nil {
		tb.Fatal(err)
	}
	change.Diagnostics = validated.Diagnostics
	if Errors(change.Diagnostics) > 0 {
		return change
	}
	planned, err := p.server.PlanResourceChange(tb.Context(), &tfprotov6.PlanResourceChangeRequest{
		TypeName: resource, Config: dynamic(tb, typ, config), PriorState: dynamic(tb, typ, prior.State), PriorPrivate: prior.Private,
		ProposedNewState: dynamic(tb, typ, p.proposed(tb, resource, config, prior.State)), PriorIdentity: prior.Identity,
	})
	if err != nil {
		tb.Fatal(err)
	}
	change.Diagnostics = append(change.Diagnostics, planned.Diagnostics...)
	if Errors(change.Diagnostics) == 0 {
		change.State, change.Private, change.Identity = value(tb, typ, planned.PlannedState), planned.PlannedPrivate, planned.PlannedIdentity
		change.Replace = len(planned.RequiresReplace) > 0
	}
	return change
}

// PlanDestroy plans to destroy a resource.
func (p *Protocol) PlanDestroy(tb testing.TB, resource string, prior Object) Change {
	tb.Helper()
	typ := p.Type(resource)
	nothing := tftypes.NewValue(typ, nil)
	planned, err := p.server.PlanResourceChange(tb.Context(), &tfprotov6.PlanResourceChangeRequest{
		TypeName: resource, Config: dynamic(tb, typ, nothing), PriorState: dynamic(tb, typ, prior.State), PriorPrivate: prior.Private,
		ProposedNewState: dynamic(tb, typ, nothing), PriorIdentity: prior.Identity,
	})
	if err != nil {
		tb.Fatal(err)
	}
	return Change{
		Object: Object{State: nothing, Private: planned.PlannedPrivate, Identity: planned.PlannedIdentity},
		config: nothing, prior: prior, Diagnostics: planned.Diagnostics,
	}
}

// proposed is what Terraform proposes: the configuration, and for computed
// attributes that it leaves out what they were.
func (p *Protocol) proposed(tb testing.TB, resource string, config, prior tftypes.Value) tftypes.Value {
	tb.Helper()
	if prior.IsNull() {
		return config
	}
	values, before := attributes(tb, config), attributes(tb, prior)
	for _, attribute := range p.schemas[resource].Block.Attributes {
		if attribute.Computed && values[attribute.Name].IsNull() {
			values[attribute.Name] = before[attribute.Name]
		}
	}
	return tftypes.NewValue(config.Type(), values)
}

// Apply carries a plan out.
func (p *Protocol) Apply(tb testing.TB, resource string, change Change) (Object, []*tfprotov6.Diagnostic) {
	tb.Helper()
	typ := p.Type(resource)
	applied, err := p.server.ApplyResourceChange(tb.Context(), &tfprotov6.ApplyResourceChangeRequest{
		TypeName: resource, Config: dynamic(tb, typ, change.config), PlannedState: dynamic(tb, typ, change.State),
		PriorState: dynamic(tb, typ, change.prior.State), PlannedPrivate: change.Private, PlannedIdentity: change.Identity,
	})
	if err != nil {
		tb.Fatal(err)
	}
	return Object{State: value(tb, typ, applied.NewState), Private: applied.Private, Identity: applied.NewIdentity}, applied.Diagnostics
}

// Read refreshes a resource.
func (p *Protocol) Read(ctx context.Context, tb testing.TB, resource string, object Object) (Object, []*tfprotov6.Diagnostic) {
	tb.Helper()
	typ := p.Type(resource)
	read, err := p.server.ReadResource(ctx, &tfprotov6.ReadResourceRequest{
		TypeName: resource, CurrentState: dynamic(tb, typ, object.State), Private: object.Private, CurrentIdentity: object.Identity,
	})
	if err != nil {
		tb.Fatal(err)
	}
	return Object{State: value(tb, typ, read.NewState), Private: read.Private, Identity: read.NewIdentity}, read.Diagnostics
}

// IsEmpty says that the plan changes nothing.
func (c Change) IsEmpty() bool { return c.State.Equal(c.prior.State) }

// Exists says whether there is a resource.
func (o Object) Exists() bool { return o.State.Type() != nil && !o.State.IsNull() }

// Attribute is an attribute of the resource.
func (o Object) Attribute(tb testing.TB, name string) tftypes.Value {
	tb.Helper()
	return attributes(tb, o.State)[name]
}

// Errors is the number of errors among the diagnostics.
func Errors(diagnostics []*tfprotov6.Diagnostic) int {
	return len(WithoutWarnings(diagnostics))
}

// WithoutWarnings are the errors among the diagnostics.
func WithoutWarnings(diagnostics []*tfprotov6.Diagnostic) []*tfprotov6.Diagnostic {
	return slices.DeleteFunc(slices.Clone(diagnostics), func(d *tfprotov6.Diagnostic) bool {
		return d.Severity != tfprotov6.DiagnosticSeverityError
	})
}

// Summaries are the severities and summaries of diagnostics, as in "WARNING: Already
// exists".
func Summaries(diagnostics []*tfprotov6.Diagnostic) []string {
	summaries := []string{}
	for _, d := range diagnostics {
		summaries = append(summaries, d.Severity.String()+": "+d.Summary)
	}
	return summaries
}

func attributes(tb testing.TB, object tftypes.Value) map[string]tftypes.Value {
	tb.Helper()
	values := map[string]tftypes.Value{}
	if err := object.As(&values); err != nil {
		tb.Fatal(err)
	}
	return values
}

func dynamic(tb testing.TB, typ tftypes.Type, v tftypes.Value) *tfprotov6.DynamicValue {
	tb.Helper()
	encoded, err := tfprotov6.NewDynamicValue(typ, v)
	if err != nil {
		tb.Fatal(err)
	}
	return &encoded
}

func value(tb testing.TB, typ tftypes.Type, encoded *tfprotov6.DynamicValue) tftypes.Value {
	tb.Helper()
	decoded, err := encoded.Unmarshal(typ)
	if err != nil {
		tb.Fatal(err)
	}
	return decoded
}

// WithoutUnknown is the value with null for what is not known: a state as it
// could be after an apply.
func WithoutUnknown(tb testing.TB, v tftypes.Value) tftypes.Value {
	tb.Helper()
	known, err := tftypes.Transform(v, func(_ *tftypes.AttributePath, part tftypes.Value) (tftypes.Value, error) {
		if !part.IsKnown() {
			return tftypes.NewValue(part.Type(), nil), nil
		}
		return part, nil
	})
	if err != nil {
		tb.Fatal(err)
	}
	return known
}
