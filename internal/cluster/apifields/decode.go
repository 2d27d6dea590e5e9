// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package apifields

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-framework/types/basetypes"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/terraform-capi/terraform-provider-capi/internal/tfkit"
)

// Decode returns the attributes of the given types as the live API object has
// them. Of what declared leaves null, nothing is read; a nil declared reads
// everything. Skipped attributes are not in the result.
func (f Fields) Decode(attributeTypes map[string]attr.Type, declared map[string]attr.Value, live map[string]any) (map[string]attr.Value, error) {
	attributes := map[string]attr.Value{}
	for name, attributeType := range attributeTypes {
		field := f.of(name, name)
		if field.form == skipped {
			continue
		}
		value, err := f.decode(name, field, attributeType, guide(declared, name), lookup(live, field.path))
		if err != nil {
			return nil, err
		}
		attributes[name] = value
	}
	return attributes, nil
}

// guide is the declared value of a child. A nil value reads everything, which
// is not the same as a null one.
func guide(declared map[string]attr.Value, name string) attr.Value {
	if declared == nil {
		return nil
	}
	return declared[name]
}

func (f Fields) decode(at string, field Field, t attr.Type, declared attr.Value, live any) (attr.Value, error) {
	if declared != nil && declared.IsNull() {
		return declared, nil
	}
	if live == nil {
		if declared != nil && declaresNothing(field, declared) {
			return declared, nil
		}
		return null(t)
	}
	switch t := t.(type) {
	case basetypes.DynamicType:
		return decodeDynamic(field, declared, live)
	case basetypes.ObjectType:
		return f.decodeObject(at, t, declared, live)
	case basetypes.MapType:
		return f.decodeMap(at, field, t, declared, live)
	case basetypes.ListType:
		return f.decodeList(at, t, declared, live)
	default:
		return decodeScalar(at, t, live)
	}
}

// declaresNothing says whether the declared value and absence are the same.
func declaresNothing(field Field, declared attr.Value) bool {
	if object, ok := declared.(basetypes.ObjectValue); ok {
		return !slices.ContainsFunc(slices.Collect(maps.Values(object.Attributes())), func(v attr.Value) bool {
			return !declaresNothing(Field{}, v)
		})
	}
	value, err := tfkit.ToAny(declared)
	return err == nil && (isEmpty(value) || field.form == intOrString && value == "0")
}

func (f Fields) decodeObject(at string, t basetypes.ObjectType, declared attr.Value, live any) (attr.Value, error) {
	var guides map[string]attr.Value
	if object, ok := declared.(basetypes.ObjectValue); ok && !object.IsUnknown() {
		guides = object.Attributes()
	}
	attributes := map[string]attr.Value{}
	for name, attributeType := range t.AttrTypes {
		attributePath := join(at, name)
		field := f.of(attributePath, name)
		value, err := null(attributeType)
		if field.form != skipped {
			value, err = f.decode(attributePath, field, attributeType, guide(guides, name), lookup(live, field.path))
		}
		if err != nil {
			return nil, err
		}
		attributes[name] = value
	}
	return types.ObjectValueMust(t.AttrTypes, attributes), nil
}

func (f Fields) decodeMap(at string, field Field, t basetypes.MapType, declared attr.Value, live any) (attr.Value, error) {
	children := map[string]any{}
	switch live := live.(type) {
	case map[string]any:
		children = live
	case []any:
		children = byName(live, field.key)
	}
	var guides map[string]attr.Value
	if m, ok := declared.(basetypes.MapValue); ok && !m.IsUnknown() {
		guides = m.Elements()
	}
	elements := map[string]attr.Value{}
	for name, child := range children {
		declaredChild, isDeclared := guides[name]
		if declared != nil && !isDeclared {
			continue
		}
		value, err := f.decode(join(at, "*"), Field{}, t.ElemType, declaredChild, child)
		if err != nil {
			return nil, err
		}
		elements[name] = value
	}
	return types.MapValueMust(t.ElemType, elements), nil
}

func (f Fields) decodeList(at string, t basetypes.ListType, declared attr.Value, live any) (attr.Value, error) {
	items, ok := live.([]any)
	if !ok {
		return nil, fmt.Errorf("%s: the API has %T where a list was expected", at, live)
	}
	// With another number of items there is no telling which of them is which.
	var guides []attr.Value
	if list, ok := declared.(basetypes.ListValue); ok && len(list.Elements()) == len(items) {
		guides = list.Elements()
	}
	elements := make([]attr.Value, len(items))
	for i, item := range items {
		var declaredItem attr.Value
		if guides != nil {
			declaredItem = guides[i]
		}
		value, err := f.decode(join(at, "*"), Field{}, t.ElemType, declaredItem, item)
		if err != nil {
			return nil, err
		}
		elements[i] = value
	}
	return types.ListValueMust(t.ElemType, elements), nil
}

func decodeDynamic(field Field, declared attr.Value, live any) (attr.Value, error) {
	if list, ok := live.([]any); ok && field.form == namedValues {
		live = namesToValues(list)
	}
	if declared == nil {
		return tfkit.DynamicFromAny(live)
	}
	want, err := tfkit.ToAny(declared)
	if err != nil {
		return nil, err
	}
	// A value that means what was declared keeps the types it was declared in.
	projected := project(want, live)
	if same(withoutNulls(want), projected) {
		return declared, nil
	}
	return tfkit.DynamicFromAny(projected)
}

func decodeScalar(at string, t attr.Type, live any) (attr.Value, error) {
	switch t.(type) {
	case basetypes.StringType:
		return types.StringValue(fmt.Sprint(live)), nil
	case basetypes.BoolType:
		if value, ok := live.(bool); ok {
			return types.BoolValue(value), nil
		}
	case basetypes.Int64Type:
		if value, err := strconv.ParseInt(fmt.Sprint(live), 10, 64); err == nil {
			return types.Int64Value(value), nil
		}
	}
	return nil, fmt.Errorf("%s: the API has %T where a %s was expected", at, live, t)
}

// byName is the reverse of what Encode does to a named list.
func byName(list []any, key string) map[string]any {
	object := map[string]any{}
	for _, item := range list {
		if fields, ok := item.(map[string]any); ok {
			object[fmt.Sprint(fields[key])] = fields
		}
	}
	return object
}

func namesToValues(list []any) map[string]any {
	object := map[string]any{}
	for name, item := range byName(list, "name") {
		object[name] = lookup(item, []string{"value"})
	}
	return object
}

func null(t attr.Type) (attr.Value, error) {
	ctx := context.Background()
	return t.ValueFromTerraform(ctx, tftypes.NewValue(t.TerraformType(ctx), nil))
}
