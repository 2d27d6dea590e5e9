// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package tfkit

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/big"
	"reflect"
	"strconv"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-framework/types/basetypes"
)

// ErrUnknown means that a value, or a part of it, is not known before apply.
var ErrUnknown = errors.New("the value is not known yet")

// numberPrecision is that of Terraform's own numbers. A number of less precision
// would not equal the one that Terraform reads from the same text.
const numberPrecision = 512

// ToAny turns a Terraform value into the JSON-like value that Kubernetes'
// unstructured objects consist of: nil, bool, string, int64, float64, []any and
// map[string]any. Numbers become int64 if they are whole, else float64. The
// error is ErrUnknown if any part of the value is unknown.
func ToAny(value attr.Value) (any, error) {
	if value == nil || value.IsNull() {
		return nil, nil
	}
	if value.IsUnknown() {
		return nil, ErrUnknown
	}
	switch value := value.(type) {
	case basetypes.DynamicValue:
		return ToAny(value.UnderlyingValue())
	case basetypes.StringValue:
		return value.ValueString(), nil
	case basetypes.BoolValue:
		return value.ValueBool(), nil
	case basetypes.NumberValue:
		return numberToAny(value.ValueBigFloat())
	case basetypes.Int64Value:
		return value.ValueInt64(), nil
	case basetypes.Int32Value:
		return int64(value.ValueInt32()), nil
	case basetypes.Float64Value:
		return floatToAny(value.ValueFloat64()), nil
	case basetypes.ListValue:
		return elementsToAny(value.Elements())
	case basetypes.SetValue:
		return elementsToAny(value.Elements())
	case basetypes.TupleValue:
		return elementsToAny(value.Elements())
	case basetypes.MapValue:
		return attributesToAny(value.Elements())
	case basetypes.ObjectValue:
		return attributesToAny(value.Attributes())
	default:
		return nil, fmt.Errorf("values of type %T have no JSON form", value)
	}
}

func numberToAny(number *big.Float) (any, error) {
	if !number.IsInt() {
		float, _ := number.Float64()
		return float, nil
	}
	if whole, accuracy := number.Int64(); accuracy == big.Exact {
		return whole, nil
	}
	float, accuracy := number.Float64()
	if accuracy == big.Exact {
		return float, nil
	}
	if same, err := numberFromText(floatText(float)); err == nil && same.Equal(types.NumberValue(number)) {
		return float, nil
	}
	return nil, fmt.Errorf("the number %s does not fit into 64 bits", number.Text('g', 20))
}

func floatToAny(float float64) any {
	const limit = 1 << 63
	if float == math.Trunc(float) && float >= -limit && float < limit {
		return int64(float)
	}
	return float
}

func elementsToAny(elements []attr.Value) (any, error) {
	list := make([]any, len(elements))
	for i, element := range elements {
		value, err := ToAny(element)
		if err != nil {
			return nil, inside(strconv.Itoa(i), err)
		}
		list[i] = value
	}
	return list, nil
}

func attributesToAny(attributes map[string]attr.Value) (any, error) {
	object := make(map[string]any, len(attributes))
	for name, attribute := range attributes {
		value, err := ToAny(attribute)
		if err != nil {
			return nil, inside(name, err)
		}
		object[name] = value
	}
	return object, nil
}

func inside(name string, err error) error {
	if errors.Is(err, ErrUnknown) {
		return ErrUnknown
	}
	return fmt.Errorf("in %s: %w", name, err)
}

// FromAny is the reverse of ToAny: objects for maps, tuples for lists. It also
// takes the other number types that decoders of JSON and YAML produce. The
// value has the type that Terraform gives to the same literal in a
// configuration.
func FromAny(value any) (attr.Value, error) {
	switch value := value.(type) {
	case nil:
		return types.DynamicNull(), nil
	case string:
		return types.StringValue(value), nil
	case bool:
		return types.BoolValue(value), nil
	case int64:
		return numberFromText(strconv.FormatInt(value, 10))
	case int:
		return numberFromText(strconv.Itoa(value))
	case float64:
		return numberFromText(floatText(value))
	case json.Number:
		return numberFromText(value.String())
	case []any:
		return tupleFromAny(value)
	case map[string]any:
		return objectFromAny(value)
	default:
		return nil, fmt.Errorf("values of type %T have no Terraform form", value)
	}
}

// DynamicFromAny is FromAny for attributes of dynamic type.
func DynamicFromAny(value any) (types.Dynamic, error) {
	converted, err := FromAny(value)
	if err != nil {
		return types.DynamicNull(), err
	}
	if dynamic, ok := converted.(types.Dynamic); ok {
		return dynamic, nil
	}
	return types.DynamicValue(converted), nil
}

// floatText is the shortest text that stands for a float64, which is what a person
// wrote.
func floatText(float float64) string { return strconv.FormatFloat(float, 'g', -1, 64) }

func numberFromText(text string) (attr.Value, error) {
	number, _, err := big.ParseFloat(text, 10, numberPrecision, big.ToNearestEven)
	if err != nil || number.IsInf() {
		return nil, fmt.Errorf("%q is not a finite number", text)
	}
	return types.NumberValue(number), nil
}

func tupleFromAny(list []any) (attr.Value, error) {
	elementTypes := make([]attr.Type, len(list))
	elements := make([]attr.Value, len(list))
	for i, item := range list {
		element, err := FromAny(item)
		if err != nil {
			return nil, inside(strconv.Itoa(i), err)
		}
		elements[i], elementTypes[i] = element, element.Type(context.Background())
	}
	tuple, diags := types.TupleValue(elementTypes, elements)
	if diags.HasError() {
		return nil, errors.New(diags[0].Detail())
	}
	return tuple, nil
}

func objectFromAny(object map[string]any) (attr.Value, error) {
	attributeTypes := make(map[string]attr.Type, len(object))
	attributes := make(map[string]attr.Value, len(object))
	for name, item := range object {
		attribute, err := FromAny(item)
		if err != nil {
			return nil, inside(name, err)
		}
		attributes[name], attributeTypes[name] = attribute, attribute.Type(context.Background())
	}
	result, diags := types.ObjectValue(attributeTypes, attributes)
	if diags.HasError() {
		return nil, errors.New(diags[0].Detail())
	}
	return result, nil
}

// SameJSON says whether two values mean the same JSON, whatever Terraform types
// they are made of: a list equals a tuple with the same elements, a map an
// object, a whole float an integer. Values that are not wholly known are never the same.
func SameJSON(a, b attr.Value) bool {
	x, errX := ToAny(a)
	y, errY := ToAny(b)
	return errX == nil && errY == nil && reflect.DeepEqual(x, y)
}
