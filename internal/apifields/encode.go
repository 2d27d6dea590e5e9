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
// take absence for them and refuse emptiness. The types are those of Types. The
// error is tfkit.ErrUnknown if any part is not known yet.
func (f Fields) Encode(attributeTypes map[string]attr.Type, attributes map[string]attr.Value) (map[string]any, error) {
	declared, err := toAny(attributes)
	if err != nil {
		return nil, err
	}
	return f.encodeObject("", attributeTypes, declared)
}

func toAny(attributes map[string]attr.Value) (map[string]any, error) {
	object := map[string]any{}
	for name, value := range attributes {
		converted, err := tfkit.ToAny(value)
		if err != nil {
			return nil, err
		}
		object[name] = converted
	}
	return object, nil
}

func (f Fields) encodeObject(at string, attributeTypes map[string]attr.Type, declared map[string]any) (map[string]any, error) {
	object := map[string]any{}
	for _, name := range slices.Sorted(maps.Keys(declared)) {
		attributePath := join(at, name)
		t, exists := attributeTypes[name]
		if !exists {
			return nil, fmt.Errorf("%s: there is no such attribute", attributePath)
		}
		field := f.of(attributePath, name)
		if field.form == skipped || declared[name] == nil {
			continue
		}
		value, err := f.encode(attributePath, field, t, declared[name])
		if err != nil {
			return nil, err
		}
		if declares(t, value) {
			place(object, field.path, value)
		}
	}
	return object, nil
}

func (f Fields) encode(at string, field Field, t attr.Type, declared any) (any, error) {
	switch t := t.(type) {
	case basetypes.DynamicType:
		return encodeDynamic(at, field, declared)
	case basetypes.ObjectType:
		if object, ok := declared.(map[string]any); ok {
			return f.encodeObject(at, t.AttrTypes, object)
		}
	case basetypes.MapType:
		if object, ok := declared.(map[string]any); ok {
			return f.encodeMap(at, field, t, object)
		}
	case basetypes.ListType:
		if list, ok := declared.([]any); ok {
			return f.encodeList(at, t, list)
		}
	default:
		return encodeScalar(at, field, t, declared)
	}
	return nil, fmt.Errorf("%s: %w", at, wrongKind(kindFor(t), declared))
}

func (f Fields) encodeMap(at string, field Field, t basetypes.MapType, declared map[string]any) (any, error) {
	object, list := map[string]any{}, []any{}
	for _, name := range slices.Sorted(maps.Keys(declared)) {
		if declared[name] == nil {
			continue
		}
		value, err := f.encode(join(at, "*"), Field{}, t.ElemType, declared[name])
		if err != nil {
			return nil, err
		}
		object[name] = value
		if item, ok := value.(map[string]any); ok && field.form == namedList {
			item[field.key()] = name
			list = append(list, item)
		}
	}
	if field.form == namedList {
		return list, nil
	}
	return object, nil
}

func (f Fields) encodeList(at string, t basetypes.ListType, declared []any) (any, error) {
	list := []any{}
	for _, element := range declared {
		value, err := f.encode(join(at, "*"), Field{}, t.ElemType, element)
		if err != nil {
			return nil, err
		}
		list = append(list, value)
	}
	return list, nil
}

func encodeScalar(at string, field Field, t attr.Type, declared any) (any, error) {
	value, err := scalar(field, t, declared)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", at, err)
	}
	return value, nil
}

// scalar converts as Terraform does: inside dynamic values it leaves that to the
// provider.
func scalar(field Field, t attr.Type, declared any) (any, error) {
	switch declared.(type) {
	case map[string]any, []any, nil:
		return nil, wrongKind(kindFor(t), declared)
	}
	text := fmt.Sprint(declared)
	switch t.(type) {
	case basetypes.Int64Type, tfkit.WholeNumberType:
		number, err := strconv.ParseInt(text, 10, 64)
		switch {
		case err != nil:
			return nil, fmt.Errorf("%q is not a whole number", text)
		case field.form == asText:
			return text, nil
		}
		return number, nil
	case basetypes.BoolType:
		if value, err := strconv.ParseBool(text); err == nil {
			return value, nil
		}
		return nil, fmt.Errorf("%q is neither true nor false", text)
	}
	if number, err := strconv.ParseInt(text, 10, 32); field.form == intOrString && err == nil {
		return number, nil
	}
	return text, nil
}

func encodeDynamic(at string, field Field, declared any) (any, error) {
	content := withoutNulls(declared)
	if field.form != namedValues {
		return content, nil
	}
	object, ok := content.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("%s: %w", at, wrongKind("an object, name = value,", content))
	}
	list := []any{}
	for _, name := range slices.Sorted(maps.Keys(object)) {
		list = append(list, map[string]any{"name": name, "value": object[name]})
	}
	if len(list) == 0 {
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
func declares(t attr.Type, value any) bool {
	_, isDynamic := t.(basetypes.DynamicType)
	switch value := value.(type) {
	case nil:
		return false
	case []any:
		return len(value) > 0 || isDynamic
	case map[string]any:
		return len(value) > 0 || isDynamic
	}
	return true
}

// isEmpty says whether the value means the same to Kubernetes as its absence.
func isEmpty(value any) bool {
	switch value := value.(type) {
	case nil:
		return true
	case map[string]any:
		return !slices.ContainsFunc(slices.Collect(maps.Values(value)), func(child any) bool { return !isEmpty(child) })
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
