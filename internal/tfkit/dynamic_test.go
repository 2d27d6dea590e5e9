// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package tfkit

import (
	"encoding/json"
	"errors"
	"math/big"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/types"
	utiljson "k8s.io/apimachinery/pkg/util/json"
)

func TestFromAnyAndBack(t *testing.T) {
	for name, value := range map[string]any{
		"null":         nil,
		"string":       "text",
		"bool":         true,
		"whole":        int64(3),
		"negative":     int64(-9223372036854775808),
		"fraction":     0.1,
		"big":          1e300,
		"empty list":   []any{},
		"empty object": map[string]any{},
		"mixed list":   []any{int64(1), "two", nil, false, 2.5},
		"nested": map[string]any{
			"a": map[string]any{"b": []any{map[string]any{"c": nil}, []any{int64(1)}}},
			"d": "",
		},
	} {
		t.Run(name, func(t *testing.T) {
			converted, err := DynamicFromAny(value)
			if err != nil {
				t.Fatal(err)
			}
			back, err := ToAny(converted)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(value, back); diff != "" {
				t.Errorf("not the same after conversion there and back:\n%s", diff)
			}
		})
	}
}

func TestFromAnyTakesDecodersNumbers(t *testing.T) {
	for _, value := range []any{int(7), int64(7), float64(7), json.Number("7")} {
		converted, err := FromAny(value)
		if err != nil {
			t.Fatal(err)
		}
		if want := types.NumberValue(big.NewFloat(7)); !converted.Equal(want) {
			t.Errorf("FromAny(%T) = %s, want %s", value, converted, want)
		}
	}
}

// Terraform reads 0.1 as the decimal fraction, which no float64 is. A number that
// came from the API must equal it all the same.
func TestFromAnyNumberEqualsTerraforms(t *testing.T) {
	inConfiguration, _, err := big.ParseFloat("0.1", 10, 512, big.ToNearestEven)
	if err != nil {
		t.Fatal(err)
	}
	converted, err := FromAny(0.1)
	if err != nil {
		t.Fatal(err)
	}
	if !converted.Equal(types.NumberValue(inConfiguration)) {
		t.Errorf("0.1 became %s", converted)
	}
}

func TestFromAnyRefuses(t *testing.T) {
	for name, value := range map[string]any{
		"foreign type":  struct{}{},
		"nested":        []any{map[string]any{"a": make(chan int)}},
		"not a number":  json.Number("abc"),
		"infinite":      json.Number("1e999999999999"),
		"infinite list": []any{json.Number("Inf")},
	} {
		t.Run(name, func(t *testing.T) {
			if converted, err := FromAny(value); err == nil {
				t.Errorf("no error, but %s", converted)
			}
		})
	}
}

func TestToAny(t *testing.T) {
	list := types.ListValueMust(types.StringType, []attr.Value{types.StringValue("a"), types.StringNull()})
	for name, test := range map[string]struct {
		value attr.Value
		want  any
	}{
		"no value":    {nil, nil},
		"typed null":  {types.StringNull(), nil},
		"list":        {list, []any{"a", nil}},
		"set":         {types.SetValueMust(types.Int64Type, []attr.Value{types.Int64Value(2)}), []any{int64(2)}},
		"map":         {types.MapValueMust(types.BoolType, map[string]attr.Value{"x": types.BoolValue(true)}), map[string]any{"x": true}},
		"int32":       {types.Int32Value(4), int64(4)},
		"whole float": {types.Float64Value(4), int64(4)},
		"float":       {types.Float64Value(4.5), 4.5},
		"dynamic":     {types.DynamicValue(types.DynamicValue(types.StringValue("inner"))), "inner"},
		"long number": {types.NumberValue(big.NewFloat(1 << 70)), float64(1 << 70)},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := ToAny(test.value)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestToAnyRefusesWhatIsNotKnown(t *testing.T) {
	for _, value := range []attr.Value{
		types.StringUnknown(),
		types.DynamicUnknown(),
		types.DynamicValue(types.StringUnknown()),
		types.TupleValueMust([]attr.Type{types.StringType}, []attr.Value{types.StringUnknown()}),
		types.ObjectValueMust(map[string]attr.Type{"a": types.BoolType}, map[string]attr.Value{"a": types.BoolUnknown()}),
	} {
		if _, err := ToAny(value); !errors.Is(err, ErrUnknown) {
			t.Errorf("ToAny(%s): %v, want ErrUnknown", value, err)
		}
	}
}

func TestToAnyNamesWhereANumberIsTooLarge(t *testing.T) {
	number, _, err := big.ParseFloat("123456789012345678901234567890.0", 10, 512, big.ToNearestEven)
	if err != nil {
		t.Fatal(err)
	}
	value := types.ObjectValueMust(
		map[string]attr.Type{"size": types.NumberType},
		map[string]attr.Value{"size": types.NumberValue(number)})
	if _, err := ToAny(value); err == nil || !strings.HasPrefix(err.Error(), "in size: the number 1.2345678901234567") {
		t.Errorf("error is %v", err)
	}
}

func TestSameJSON(t *testing.T) {
	list := types.ListValueMust(types.Int64Type, []attr.Value{types.Int64Value(1)})
	tuple, err := FromAny([]any{float64(1)})
	if err != nil {
		t.Fatal(err)
	}
	if !SameJSON(list, tuple) {
		t.Errorf("%s and %s mean the same", list, tuple)
	}
	if SameJSON(list, types.StringValue("1")) {
		t.Error("a list is not a string")
	}
	if SameJSON(types.StringUnknown(), types.StringUnknown()) {
		t.Error("nothing is known to be the same as an unknown value")
	}
}

func FuzzFromAnyAndBack(f *testing.F) {
	f.Add(`{"a": [1, 2.5, null, {"b": "c"}], "d": -1e30}`)
	f.Add(`[[], {}, "", 9223372036854775807, 0.1, true]`)
	f.Fuzz(func(t *testing.T, document string) {
		var value any
		if err := utiljson.Unmarshal([]byte(document), &value); err != nil {
			t.Skip()
		}
		converted, err := DynamicFromAny(value)
		if err != nil {
			t.Fatal(err)
		}
		back, err := ToAny(converted)
		if err != nil {
			t.Fatal(err)
		}
		again, err := DynamicFromAny(back)
		if err != nil {
			t.Fatal(err)
		}
		if !again.Equal(converted) {
			t.Errorf("%s became %s", converted, again)
		}
	})
}
