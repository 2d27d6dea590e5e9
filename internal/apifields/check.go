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
		c.object(p, attribute.Attributes, attribute.Validators, value)
	case schema.MapNestedAttribute:
		elements, _ := c.members(p, value)
		c.each(p, types.DynamicType, elements, attribute.Validators)
		for _, name := range slices.Sorted(maps.Keys(elements)) {
			c.object(p.AtMapKey(name), attribute.NestedObject.Attributes, attribute.NestedObject.Validators, underlying(elements[name]))
		}
	case schema.ListNestedAttribute:
		elements := c.elements(p, value)
		c.all(p, types.DynamicType, elements, attribute.Validators)
		for i, element := range elements {
			c.object(p.AtListIndex(i), attribute.NestedObject.Attributes, attribute.NestedObject.Validators, underlying(element))
		}
	case schema.MapAttribute:
		elements, _ := c.members(p, value)
		c.each(p, types.StringType, elements, attribute.Validators)
	case schema.ListAttribute:
		c.all(p, types.StringType, c.elements(p, value), attribute.Validators)
	case schema.StringAttribute:
		c.text(p, value, attribute.Validators)
	case schema.Int64Attribute:
		c.number(p, value, attribute.Validators)
	case schema.BoolAttribute:
		c.scalar(p, types.BoolType, value)
	case schema.DynamicAttribute:
		c.dynamic(p, value, attribute.Validators)
	}
}

func (c checker) object(p path.Path, attributes map[string]schema.Attribute, validators []validator.Object, value attr.Value) {
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
	c.whole(p, members, validators)
}

func (c checker) members(p path.Path, value attr.Value) (map[string]attr.Value, bool) {
	switch value := value.(type) {
	case basetypes.ObjectValue:
		return value.Attributes(), true
	case basetypes.MapValue:
		return value.Elements(), true
	}
	c.wrongType(p, wrongKind("an object", contentOf(value)))
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
	c.wrongType(p, wrongKind("a list", contentOf(value)))
	return nil
}

// whole runs validators of an object. It has the attributes that are written, in
// the types in which they are.
func (c checker) whole(p path.Path, members map[string]attr.Value, validators []validator.Object) {
	attributeTypes := map[string]attr.Type{}
	for name, member := range members {
		attributeTypes[name] = member.Type(c.ctx)
	}
	for _, v := range validators {
		resp := &validator.ObjectResponse{}
		v.ValidateObject(c.ctx, validator.ObjectRequest{Path: p, PathExpression: p.Expression(), ConfigValue: types.ObjectValueMust(attributeTypes, members)}, resp)
		c.diags.Append(resp.Diagnostics...)
	}
}

// each runs validators of a map.
func (c checker) each(p path.Path, elementType attr.Type, members map[string]attr.Value, validators []validator.Map) {
	elements := map[string]attr.Value{}
	for _, name := range slices.Sorted(maps.Keys(members)) {
		elements[name] = c.element(p.AtMapKey(name), elementType, members[name])
	}
	for _, v := range validators {
		resp := &validator.MapResponse{}
		v.ValidateMap(c.ctx, validator.MapRequest{Path: p, PathExpression: p.Expression(), ConfigValue: types.MapValueMust(elementType, elements)}, resp)
		c.diags.Append(resp.Diagnostics...)
	}
}

// all runs validators of a list.
func (c checker) all(p path.Path, elementType attr.Type, members []attr.Value, validators []validator.List) {
	elements := make([]attr.Value, len(members))
	for i, member := range members {
		elements[i] = c.element(p.AtListIndex(i), elementType, member)
	}
	for _, v := range validators {
		resp := &validator.ListResponse{}
		v.ValidateList(c.ctx, validator.ListRequest{Path: p, PathExpression: p.Expression(), ConfigValue: types.ListValueMust(elementType, elements)}, resp)
		c.diags.Append(resp.Diagnostics...)
	}
}

// element makes the element of a map or list that has one type what was written,
// in whichever types: strings, or dynamic values of anything else.
func (c checker) element(p path.Path, elementType attr.Type, value attr.Value) attr.Value {
	value = underlying(value)
	isText := elementType.Equal(types.StringType)
	switch {
	case value.IsUnknown() && isText:
		return types.StringUnknown()
	case value.IsUnknown():
		return types.DynamicUnknown()
	case !isText && value.IsNull():
		return types.DynamicNull()
	case !isText:
		return types.DynamicValue(value)
	}
	if text, ok := c.scalar(p, elementType, value).(string); ok {
		return types.StringValue(text)
	}
	return types.StringNull()
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

func (c checker) dynamic(p path.Path, value attr.Value, validators []validator.Dynamic) {
	for _, v := range validators {
		resp := &validator.DynamicResponse{}
		v.ValidateDynamic(c.ctx, validator.DynamicRequest{Path: p, PathExpression: p.Expression(), ConfigValue: types.DynamicValue(value)}, resp)
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
		converted, err = scalar(Field{}, t, converted)
	}
	if err != nil {
		c.wrongType(p, err)
		return nil
	}
	return converted
}

func (c checker) wrongType(p path.Path, err error) { c.fail(p, "Wrong type", Sentence(err.Error())) }

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
