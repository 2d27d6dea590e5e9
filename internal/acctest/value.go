// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package acctest

import (
	"fmt"
	"maps"
	"math/big"
	"slices"
	"testing"

	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

// Unknown stands in a value for what will be known after the apply.
type Unknown struct{}

// Value makes a Terraform value of a JSON-like one: of maps, lists, strings,
// numbers, truth values, nil and Unknown. What a dynamic type holds is what
// Terraform makes of a literal in a configuration.
func Value(tb testing.TB, typ tftypes.Type, v any) tftypes.Value {
	tb.Helper()
	if v == nil {
		return tftypes.NewValue(typ, nil)
	}
	if _, unknown := v.(Unknown); unknown {
		return tftypes.NewValue(typ, tftypes.UnknownValue)
	}
	switch typ := typ.(type) {
	case tftypes.Object:
		members, ok := v.(map[string]any)
		if !ok {
			tb.Fatalf("%T is no object", v)
		}
		for name := range members {
			if typ.AttributeTypes[name] == nil {
				tb.Fatalf("there is no attribute %q among %v", name, slices.Sorted(maps.Keys(typ.AttributeTypes)))
			}
		}
		values := map[string]tftypes.Value{}
		for name, memberType := range typ.AttributeTypes {
			values[name] = Value(tb, memberType, members[name])
		}
		return tftypes.NewValue(typ, values)
	case tftypes.Map:
		members, ok := v.(map[string]any)
		if !ok {
			tb.Fatalf("%T is no map", v)
		}
		values := map[string]tftypes.Value{}
		for name, member := range members {
			values[name] = Value(tb, typ.ElementType, member)
		}
		return tftypes.NewValue(typ, values)
	case tftypes.List:
		elements, ok := v.([]any)
		if !ok {
			tb.Fatalf("%T is no list", v)
		}
		var values []tftypes.Value
		for _, element := range elements {
			values = append(values, Value(tb, typ.ElementType, element))
		}
		return tftypes.NewValue(typ, values)
	}
	if typ.Is(tftypes.DynamicPseudoType) {
		return literal(tb, v)
	}
	return scalar(tb, typ, v)
}

// literal is the value of a literal in a configuration: objects and tuples, never
// maps and lists.
func literal(tb testing.TB, v any) tftypes.Value {
	tb.Helper()
	switch v := v.(type) {
	case nil, Unknown:
		return Value(tb, tftypes.DynamicPseudoType, v)
	case map[string]any:
		types, values := map[string]tftypes.Type{}, map[string]tftypes.Value{}
		for name, member := range v {
			values[name] = literal(tb, member)
			types[name] = values[name].Type()
		}
		return tftypes.NewValue(tftypes.Object{AttributeTypes: types}, values)
	case []any:
		types, values := []tftypes.Type{}, []tftypes.Value{}
		for _, element := range v {
			value := literal(tb, element)
			values, types = append(values, value), append(types, value.Type())
		}
		return tftypes.NewValue(tftypes.Tuple{ElementTypes: types}, values)
	case string:
		return scalar(tb, tftypes.String, v)
	case bool:
		return scalar(tb, tftypes.Bool, v)
	}
	return scalar(tb, tftypes.Number, v)
}

// scalar converts as Terraform does for an attribute of the type.
func scalar(tb testing.TB, typ tftypes.Type, v any) tftypes.Value {
	tb.Helper()
	switch v := v.(type) {
	case int:
		if typ.Is(tftypes.Number) {
			return tftypes.NewValue(typ, big.NewFloat(float64(v)))
		}
	case float64:
		if typ.Is(tftypes.Number) {
			return tftypes.NewValue(typ, big.NewFloat(v))
		}
	case bool:
		if typ.Is(tftypes.Bool) {
			return tftypes.NewValue(typ, v)
		}
	case string:
		if typ.Is(tftypes.String) {
			return tftypes.NewValue(typ, v)
		}
	}
	if typ.Is(tftypes.String) {
		return tftypes.NewValue(typ, fmt.Sprint(v))
	}
	tb.Fatalf("%T is no %s", v, typ)
	return tftypes.Value{}
}

// Conforms says whether a value is what was planned: Terraform fails an apply
// that makes something else of what was known at plan. If it is not, path says
// where.
func Conforms(planned, actual tftypes.Value) (path string, ok bool) {
	if !planned.IsKnown() {
		return "", true
	}
	members, others := membersOf(planned), membersOf(actual)
	if members == nil || others == nil || len(members) != len(others) {
		return "", planned.Equal(actual)
	}
	for _, name := range slices.Sorted(maps.Keys(members)) {
		other, exists := others[name]
		if !exists {
			return "." + name, false
		}
		if path, ok := Conforms(members[name], other); !ok {
			return "." + name + path, false
		}
	}
	return "", true
}

// membersOf are the parts of an object, a map or a list; nil for other values.
func membersOf(value tftypes.Value) map[string]tftypes.Value {
	if value.IsNull() || !value.IsKnown() {
		return nil
	}
	var members map[string]tftypes.Value
	if value.As(&members) == nil {
		return members
	}
	var elements []tftypes.Value
	if value.As(&elements) != nil {
		return nil
	}
	members = map[string]tftypes.Value{}
	for i, element := range elements {
		members[fmt.Sprint(i)] = element
	}
	return members
}
