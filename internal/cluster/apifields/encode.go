// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package apifields

import (
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/types/basetypes"

	"github.com/terraform-capi/terraform-provider-capi/internal/tfkit"
)

// Encode returns the API object that the attributes declare. Null attributes
// declare nothing, and neither do empty maps and lists: Cluster API's schemas
// take absence for them and refuse emptiness. The error is tfkit.ErrUnknown if
// any part is not known yet.
func (f Fields) Encode(attributes map[string]attr.Value) (map[string]any, error) {
	return f.encodeObject("", attributes)
}

func (f Fields) encodeObject(at string, attributes map[string]attr.Value) (map[string]any, error) {
	object := map[string]any{}
	for _, name := range slices.Sorted(maps.Keys(attributes)) {
		attributePath := join(at, name)
		field := f.of(attributePath, name)
		if field.form == skipped {
			continue
		}
		value, err := f.encode(attributePath, field, attributes[name])
		if err != nil {
			return nil, err
		}
		if declares(attributes[name], value) {
			place(object, field.path, value)
		}
	}
	return object, nil
}

func (f Fields) encode(at string, field Field, value attr.Value) (any, error) {
	if value == nil || value.IsNull() {
		return nil, nil
	}
	if value.IsUnknown() {
		return nil, tfkit.ErrUnknown
	}
	switch value := value.(type) {
	case basetypes.DynamicValue:
		return encodeDynamic(field, value)
	case basetypes.ObjectValue:
		return f.encodeObject(at, value.Attributes())
	case basetypes.MapValue:
		return f.encodeMap(at, field, value.Elements())
	case basetypes.ListValue:
		return f.encodeList(at, value.Elements())
	case basetypes.SetValue:
		return f.encodeList(at, value.Elements())
	case basetypes.StringValue:
		if number, err := strconv.ParseInt(value.ValueString(), 10, 32); field.form == intOrString && err == nil {
			return number, nil
		}
	}
	encoded, err := tfkit.ToAny(value)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", at, err)
	}
	return encoded, nil
}

func (f Fields) encodeMap(at string, field Field, elements map[string]attr.Value) (any, error) {
	object, list := map[string]any{}, []any{}
	for _, name := range slices.Sorted(maps.Keys(elements)) {
		value, err := f.encode(join(at, "*"), Field{}, elements[name])
		if err != nil {
			return nil, err
		}
		object[name] = value
		if item, ok := value.(map[string]any); ok && field.form == namedList {
			item[field.key] = name
			list = append(list, item)
		}
	}
	if field.form == namedList {
		return list, nil
	}
	return object, nil
}

func (f Fields) encodeList(at string, elements []attr.Value) (any, error) {
	list := []any{}
	for _, element := range elements {
		value, err := f.encode(join(at, "*"), Field{}, element)
		if err != nil {
			return nil, err
		}
		list = append(list, value)
	}
	return list, nil
}

func encodeDynamic(field Field, value basetypes.DynamicValue) (any, error) {
	content, err := tfkit.ToAny(value)
	if err != nil {
		return nil, err
	}
	content = withoutNulls(content)
	if field.form != namedValues {
		return content, nil
	}
	object, ok := content.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("variables are an object, name = value, and not %T", content)
	}
	var list []any
	for _, name := range slices.Sorted(maps.Keys(object)) {
		list = append(list, map[string]any{"name": name, "value": object[name]})
	}
	if list == nil {
		return nil, nil
	}
	return list, nil
}

// withoutNulls leaves out the attributes that are null: in Terraform that is how
// something is left undeclared.
func withoutNulls(value any) any {
	switch value := value.(type) {
	case map[string]any:
		object := map[string]any{}
		for name, child := range value {
			if child != nil {
				object[name] = withoutNulls(child)
			}
		}
		return object
	case []any:
		list := make([]any, len(value))
		for i, item := range value {
			list[i] = withoutNulls(item)
		}
		return list
	}
	return value
}

// declares says whether an encoded value belongs into the object. Cluster API's
// schemas refuse empty maps and lists; what is empty inside a dynamic value may
// have a meaning.
func declares(attribute attr.Value, value any) bool {
	switch value := value.(type) {
	case nil:
		return false
	case []any:
		return len(value) > 0 || isDynamic(attribute)
	case map[string]any:
		return len(value) > 0 || isDynamic(attribute)
	}
	return true
}

func isDynamic(attribute attr.Value) bool {
	_, ok := attribute.(basetypes.DynamicValue)
	return ok
}

// isEmpty says whether the value means the same to Kubernetes as its absence.
func isEmpty(value any) bool {
	switch value := value.(type) {
	case nil:
		return true
	case map[string]any:
		return len(value) == 0
	case []any:
		return len(value) == 0
	case string:
		return value == ""
	case bool:
		return !value
	case int64:
		return value == 0
	case float64:
		return value == 0
	}
	return false
}
