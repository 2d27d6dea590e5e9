// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package crash_test

import (
	"context"
	"fmt"
	"maps"
	"regexp"
	"strings"
	"time"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/terraform-capi/terraform-provider-capi/internal/acctest"
)

// commandTimeout is what a command may take, plugins that wait for what was cut off
// included.
const commandTimeout = 2 * time.Minute

// terraform does with one resource what Terraform does: each command is a process of
// the plugin, and what it returns is the state. What a crashed plugin did not return
// is not in it.
type terraform struct {
	w            *world
	resourceType string
	schema       *tfprotov6.Schema
	typ          tftypes.Object

	state   *tftypes.Value
	private []byte
	tainted bool
}

type dynamicValue struct {
	Msgpack []byte `json:"msgpack"`
}

type diagnostic struct{ Severity, Summary, Detail string }

type response struct {
	NewState          *dynamicValue
	PlannedState      *dynamicValue
	Private           []byte
	PlannedPrivate    []byte
	RequiresReplace   []any
	Diagnostics       []diagnostic
	ImportedResources []struct {
		State   *dynamicValue
		Private []byte
	}
}

func newTerraform(w *world, resourceType string) *terraform {
	w.t.Helper()
	server := newProvider(clusters{}).Server()
	schemas, err := server.GetProviderSchema(w.t.Context(), &tfprotov6.GetProviderSchemaRequest{})
	if err != nil {
		w.t.Fatal(err)
	}
	schema := schemas.ResourceSchemas[resourceType]
	typ, _ := schema.ValueType().(tftypes.Object)
	return &terraform{w: w, resourceType: resourceType, schema: schema, typ: typ}
}

// run makes a command: walks of one process of the plugin.
func (tf *terraform) run(walk func(ctx context.Context, p *process) error) error {
	tf.w.t.Helper()
	p := tf.w.start()
	defer p.client.Kill()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(tf.w.t.Context()), commandTimeout)
	defer cancel()
	if err := tf.configure(ctx, p); err != nil {
		return err
	}
	return walk(ctx, p)
}

// configure begins a walk.
func (tf *terraform) configure(ctx context.Context, p *process) error {
	empty := tftypes.NewValue(tftypes.Object{}, map[string]tftypes.Value{})
	return tf.call(ctx, p, "ConfigureProvider", map[string]any{"config": encode(tf.w, tftypes.Object{}, empty)}, &response{})
}

// call fails for errors among the diagnostics, too, after it has filled in the response.
func (tf *terraform) call(ctx context.Context, p *process, method string, request map[string]any, into *response) error {
	if method != "ConfigureProvider" {
		request["typeName"] = tf.resourceType
	}
	if err := p.call(ctx, method, request, into); err != nil {
		return err
	}
	var failures []string
	for _, d := range into.Diagnostics {
		if d.Severity == "ERROR" {
			failures = append(failures, d.Summary+": "+d.Detail)
		}
	}
	if len(failures) > 0 {
		return fmt.Errorf("%s", strings.Join(failures, "\n"))
	}
	return nil
}

func encode(w *world, typ tftypes.Type, value tftypes.Value) dynamicValue {
	w.t.Helper()
	encoded, err := tfprotov6.NewDynamicValue(typ, value)
	if err != nil {
		w.t.Fatal(err)
	}
	return dynamicValue{Msgpack: encoded.MsgPack}
}

func (tf *terraform) decode(encoded *dynamicValue) *tftypes.Value {
	tf.w.t.Helper()
	if encoded == nil {
		return nil
	}
	value, err := (&tfprotov6.DynamicValue{MsgPack: encoded.Msgpack}).Unmarshal(tf.typ)
	if err != nil {
		tf.w.t.Fatal(err)
	}
	if value.IsNull() {
		return nil
	}
	return &value
}

func (tf *terraform) null() tftypes.Value { return tftypes.NewValue(tf.typ, nil) }

func (tf *terraform) current() tftypes.Value {
	if tf.state == nil {
		return tf.null()
	}
	return *tf.state
}

// refresh is terraform apply -refresh-only.
func (tf *terraform) refresh() error {
	tf.w.t.Helper()
	return tf.run(tf.read)
}

func (tf *terraform) read(ctx context.Context, p *process) error {
	if tf.state == nil {
		return nil
	}
	var read response
	err := tf.call(ctx, p, "ReadResource", map[string]any{
		"currentState": encode(tf.w, tf.typ, *tf.state), "private": tf.private,
	}, &read)
	if err != nil {
		return err
	}
	tf.state, tf.private = tf.decode(read.NewState), read.Private
	return nil
}

// change is what a plan comes to.
type change struct {
	prior, planned tftypes.Value
	private        []byte
	replace        bool
}

func (c change) isEmpty() bool { return !c.replace && c.planned.Equal(c.prior) }

func (tf *terraform) planFrom(ctx context.Context, p *process, config, prior tftypes.Value, private []byte) (change, error) {
	var planned response
	err := tf.call(ctx, p, "PlanResourceChange", map[string]any{
		"priorState": encode(tf.w, tf.typ, prior), "priorPrivate": private, "config": encode(tf.w, tf.typ, config),
		"proposedNewState": encode(tf.w, tf.typ, tf.proposed(config, prior)),
	}, &planned)
	if err != nil {
		return change{}, err
	}
	result := change{prior: prior, planned: tf.null(), private: planned.PlannedPrivate, replace: len(planned.RequiresReplace) > 0}
	if state := tf.decode(planned.PlannedState); state != nil {
		result.planned = *state
	}
	return result, nil
}

// proposed is the configuration, and for computed attributes that it leaves out what
// they were.
func (tf *terraform) proposed(config, prior tftypes.Value) tftypes.Value {
	if prior.IsNull() || config.IsNull() {
		return config
	}
	values, before := map[string]tftypes.Value{}, map[string]tftypes.Value{}
	if config.As(&values) != nil || prior.As(&before) != nil {
		tf.w.t.Fatal("neither is an object")
	}
	// As hands out the value's own map.
	values = maps.Clone(values)
	for _, attribute := range tf.schema.Block.Attributes {
		if attribute.Computed && values[attribute.Name].IsNull() {
			values[attribute.Name] = before[attribute.Name]
		}
	}
	return tftypes.NewValue(tf.typ, values)
}

// plan is terraform plan. It says what would change.
func (tf *terraform) plan(attributes map[string]any) (changes string, err error) {
	tf.w.t.Helper()
	config := acctest.Value(tf.w.t, tf.typ, attributes)
	err = tf.run(func(ctx context.Context, p *process) error {
		if err := tf.read(ctx, p); err != nil {
			return err
		}
		planned, err := tf.planFrom(ctx, p, config, tf.current(), tf.private)
		if tf.tainted || !planned.isEmpty() {
			differences, _ := planned.prior.Diff(planned.planned)
			changes = fmt.Sprintf("tainted: %t, replaced: %t, %v", tf.tainted, planned.replace, differences)
		}
		return err
	})
	return changes, err
}

// apply is terraform apply.
func (tf *terraform) apply(attributes map[string]any) error {
	tf.w.t.Helper()
	config := acctest.Value(tf.w.t, tf.typ, attributes)
	return tf.run(func(ctx context.Context, p *process) error {
		if err := tf.read(ctx, p); err != nil {
			return err
		}
		prior, private := tf.current(), tf.private
		if tf.tainted {
			prior, private = tf.null(), nil
		}
		planned, err := tf.planFrom(ctx, p, config, prior, private)
		if err != nil || !tf.tainted && planned.isEmpty() {
			return err
		}
		if planned.replace && !prior.IsNull() {
			if planned, err = tf.planFrom(ctx, p, config, tf.null(), planned.private); err != nil {
				return err
			}
			prior = planned.prior
		}
		if err := tf.configure(ctx, p); err != nil {
			return err
		}
		if tf.state != nil && prior.IsNull() {
			if err := tf.applyChange(ctx, p, tf.null(), change{prior: *tf.state, planned: tf.null(), private: planned.private}); err != nil {
				return err
			}
		}
		if planned, err = tf.planFrom(ctx, p, config, prior, planned.private); err != nil {
			return err
		}
		return tf.applyChange(ctx, p, config, planned)
	})
}

// destroy is terraform destroy.
func (tf *terraform) destroy() error {
	tf.w.t.Helper()
	return tf.run(func(ctx context.Context, p *process) error {
		if err := tf.read(ctx, p); err != nil || tf.state == nil {
			return err
		}
		planned, err := tf.planFrom(ctx, p, tf.null(), *tf.state, tf.private)
		if err != nil {
			return err
		}
		if err := tf.configure(ctx, p); err != nil {
			return err
		}
		return tf.applyChange(ctx, p, tf.null(), planned)
	})
}

// applyChange takes over what the plugin returns. After a crash that is nothing, and
// the state stays as it was.
func (tf *terraform) applyChange(ctx context.Context, p *process, config tftypes.Value, planned change) error {
	var applied response
	err := tf.call(ctx, p, "ApplyResourceChange", map[string]any{
		"priorState": encode(tf.w, tf.typ, planned.prior), "plannedState": encode(tf.w, tf.typ, planned.planned),
		"config": encode(tf.w, tf.typ, config), "plannedPrivate": planned.private,
	}, &applied)
	if applied.NewState == nil {
		return err
	}
	creates := planned.prior.IsNull()
	tf.state, tf.private = tf.decode(applied.NewState), applied.Private
	tf.tainted = tf.state != nil && (tf.tainted && !creates || creates && err != nil)
	return err
}

var importCommand = regexp.MustCompile(`terraform import \S+ (\S+)`)

// importNamed imports what an error says can be imported.
func (tf *terraform) importNamed(failure error) error {
	tf.w.t.Helper()
	command := importCommand.FindStringSubmatch(failure.Error())
	if command == nil {
		return failure
	}
	return tf.run(func(ctx context.Context, p *process) error {
		var imported response
		if err := tf.call(ctx, p, "ImportResourceState", map[string]any{"id": command[1]}, &imported); err != nil {
			return err
		}
		tf.state, tf.private = tf.decode(imported.ImportedResources[0].State), imported.ImportedResources[0].Private
		return tf.read(ctx, p)
	})
}
