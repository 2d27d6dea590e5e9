// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package apifields

import (
	"context"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-framework/types/basetypes"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/terraform-capi/terraform-provider-capi/internal/tfkit"
)

// toValue makes a Terraform value of a type. A dynamic value that means what was
// declared stays as declared, in the types that it was declared in.
func toValue(t attr.Type, declared attr.Value, value any) (attr.Value, error) {
	if value == nil {
		ctx := context.Background()
		return t.ValueFromTerraform(ctx, tftypes.NewValue(t.TerraformType(ctx), nil))
	}
	switch t := t.(type) {
	case basetypes.DynamicType:
		return toDynamic(declared, value)
	case basetypes.ObjectType:
		return toObject(t, declared, value)
	case basetypes.MapType:
		return toMap(t, declared, value)
	case basetypes.ListType:
		return toList(t, value)
	case basetypes.StringType:
		return types.StringValue(fmt.Sprint(value)), nil
	case basetypes.BoolType:
		if b, ok := value.(bool); ok {
			return types.BoolValue(b), nil
		}
	case basetypes.Int64Type, tfkit.WholeNumberType:
		if n, ok := value.(int64); ok {
			return types.Int64Value(n), nil
		}
	}
	return nil, fmt.Errorf("%T cannot become a %s", value, t)
}

func toDynamic(declared attr.Value, value any) (attr.Value, error) {
	if declared != nil {
		want, err := tfkit.ToAny(declared)
		if err == nil && same(withoutNulls(want), withoutNulls(value)) {
			return declared, nil
		}
	}
	return tfkit.DynamicFromAny(withoutNulls(value))
}

func toObject(t basetypes.ObjectType, declared attr.Value, value any) (attr.Value, error) {
	fields, ok := value.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("%T cannot become an object", value)
	}
	var children map[string]attr.Value
	if object, ok := declared.(basetypes.ObjectValue); ok {
		children = object.Attributes()
	}
	attributes := map[string]attr.Value{}
	for name, attributeType := range t.AttrTypes {
		attribute, err := toValue(attributeType, children[name], fields[name])
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		attributes[name] = attribute
	}
	return types.ObjectValueMust(t.AttrTypes, attributes), nil
}

func toMap(t basetypes.MapType, declared attr.Value, value any) (attr.Value, error) {
	fields, ok := value.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("%T cannot become a map", value)
	}
	var children map[string]attr.Value
	if m, ok := declared.(basetypes.MapValue); ok {
		children = m.Elements()
	}
	elements := map[string]attr.Value{}
	for name, field := range fields {
		element, err := toValue(t.ElemType, children[name], field)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		elements[name] = element
	}
	return types.MapValueMust(t.ElemType, elements), nil
}

// toList needs no declared value: Terraform has no dynamic values in lists.
func toList(t basetypes.ListType, value any) (attr.Value, error) {
	items, ok := value.([]any)
	if !ok {
		return nil, fmt.Errorf("%T cannot become a list", value)
	}
	elements := make([]attr.Value, len(items))
	for i, item := range items {
		element, err := toValue(t.ElemType, nil, item)
		if err != nil {
			return nil, fmt.Errorf("%d: %w", i, err)
		}
		elements[i] = element
	}
	return types.ListValueMust(t.ElemType, elements), nil
}
