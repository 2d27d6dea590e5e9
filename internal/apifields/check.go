// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package apifields

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-framework/types/basetypes"

	"github.com/terraform-capi/terraform-provider-capi/internal/tfkit"
)

// checker does to a dynamic value what Terraform and the framework do to one of a
// nested type. Unknown parts pass until they are known.
type checker struct {
	ctx   context.Context
	diags *diag.Diagnostics
}

func (c checker) check(p path.Path, attribute schema.Attribute, value attr.Value) {
	value = underlying(value)
	if value == nil || value.IsNull() || value.IsUnknown() {
		return
	}
	switch attribute := attribute.(type) {
	case schema.SingleNestedAttribute:
		c.object(p, attribute.Attributes, value)
	case schema.MapNestedAttribute:
		if elements, ok := c.members(p, value); ok {
			for _, name := range slices.Sorted(maps.Keys(elements)) {
				c.object(p.AtMapKey(name), attribute.NestedObject.Attributes, underlying(elements[name]))
			}
		}
	case schema.ListNestedAttribute:
		for i, element := range c.elements(p, value) {
			c.object(p.AtListIndex(i), attribute.NestedObject.Attributes, underlying(element))
		}
	case schema.MapAttribute:
		if elements, ok := c.members(p, value); ok {
			for _, name := range slices.Sorted(maps.Keys(elements)) {
				c.text(p.AtMapKey(name), underlying(elements[name]), nil)
			}
		}
	case schema.ListAttribute:
		for i, element := range c.elements(p, value) {
			c.text(p.AtListIndex(i), underlying(element), nil)
		}
	case schema.StringAttribute:
		c.text(p, value, attribute.Validators)
	case schema.Int64Attribute:
		c.number(p, value, attribute.Validators)
	case schema.BoolAttribute:
		c.scalar(p, types.BoolType, value)
	}
}

func (c checker) object(p path.Path, attributes map[string]schema.Attribute, value attr.Value) {
	if value == nil || value.IsNull() || value.IsUnknown() {
		return
	}
	members, ok := c.members(p, value)
	if !ok {
		return
	}
	names := slices.Sorted(maps.Keys(attributes))
	for _, name := range slices.Sorted(maps.Keys(members)) {
		if attributes[name] == nil {
			c.fail(p.AtName(name), "Unsupported attribute", fmt.Sprintf("There is no attribute %q here. There are %s.", name, strings.Join(names, ", ")))
		}
	}
	for _, name := range names {
		member := underlying(members[name])
		if attributes[name].IsRequired() && (member == nil || member.IsNull()) {
			c.fail(p.AtName(name), "Missing attribute", fmt.Sprintf("The attribute %q is required.", name))
			continue
		}
		c.check(p.AtName(name), attributes[name], member)
	}
}

func (c checker) members(p path.Path, value attr.Value) (map[string]attr.Value, bool) {
	switch value := value.(type) {
	case basetypes.ObjectValue:
		return value.Attributes(), true
	case basetypes.MapValue:
		return value.Elements(), true
	}
	c.fail(p, "Wrong type", "An object belongs here.")
	return nil, false
}

func (c checker) elements(p path.Path, value attr.Value) []attr.Value {
	switch value := value.(type) {
	case basetypes.TupleValue:
		return value.Elements()
	case basetypes.ListValue:
		return value.Elements()
	case basetypes.SetValue:
		return value.Elements()
	}
	c.fail(p, "Wrong type", "A list belongs here.")
	return nil
}

func (c checker) text(p path.Path, value attr.Value, validators []validator.String) {
	text, ok := c.scalar(p, types.StringType, value).(string)
	if !ok {
		return
	}
	for _, v := range validators {
		resp := &validator.StringResponse{}
		v.ValidateString(c.ctx, validator.StringRequest{Path: p, PathExpression: p.Expression(), ConfigValue: types.StringValue(text)}, resp)
		c.diags.Append(resp.Diagnostics...)
	}
}

func (c checker) number(p path.Path, value attr.Value, validators []validator.Int64) {
	number, ok := c.scalar(p, types.Int64Type, value).(int64)
	if !ok {
		return
	}
	for _, v := range validators {
		resp := &validator.Int64Response{}
		v.ValidateInt64(c.ctx, validator.Int64Request{Path: p, PathExpression: p.Expression(), ConfigValue: types.Int64Value(number)}, resp)
		c.diags.Append(resp.Diagnostics...)
	}
}

// scalar returns the value as the type has it, nil if it cannot.
func (c checker) scalar(p path.Path, t attr.Type, value attr.Value) any {
	if value == nil || value.IsNull() || value.IsUnknown() {
		return nil
	}
	converted, err := tfkit.ToAny(value)
	if err == nil {
		converted, err = encodeScalar(p.String(), Field{}, t, converted)
	}
	if err != nil {
		c.fail(p, "Wrong type", Sentence(err.Error()))
		return nil
	}
	return converted
}

func (c checker) fail(p path.Path, summary, detail string) {
	c.diags.AddAttributeError(p, summary, fmt.Sprintf("%s: %s", p, detail))
}

// underlying is what is in a dynamic value.
func underlying(value attr.Value) attr.Value {
	if dynamic, ok := value.(basetypes.DynamicValue); ok && !dynamic.IsNull() && !dynamic.IsUnknown() {
		return dynamic.UnderlyingValue()
	}
	return value
}
