// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package topology

import (
	"encoding/json"
	"maps"
	"slices"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	utiljson "k8s.io/apimachinery/pkg/util/json"
	"k8s.io/utils/ptr"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
)

// VariablesTemplate returns a value for every variable that a class declares inline, to
// start a cluster with. The class's schemas allow them as far as examples can be found:
//
//   - a variable that has a default has its default;
//   - one that has none and is required, or is needed by a patch that is always enabled,
//     has its example, else the first value that its schema enumerates, else one that
//     the schema allows; a string is then the variable's name in angle brackets, as in
//     "<region>", if it may be, and an object has all its properties, since a patch may
//     need any of them;
//   - any other is nil, which is not to declare it.
func VariablesTemplate(class *clusterv1.ClusterClass) (values map[string]any, err error) {
	defer Guard("The search for examples of a class's variables", &err)
	needed := neededValues(class)
	values = map[string]any{}
	for _, variable := range class.Spec.Variables {
		schema, need := &variable.Schema.OpenAPIV3Schema, needed.parts[variable.Name]
		values[variable.Name] = nil
		if schema.Default != nil || ptr.Deref(variable.Required, false) || need != nil {
			values[variable.Name] = exampleOf(variable.Name, schema, need)
		}
	}
	return values, nil
}

// exampleOf returns the first candidate that the schema allows. If there is none, the
// first shows at least the type.
func exampleOf(name string, schema *clusterv1.JSONSchemaProps, need *need) any {
	candidates := slices.Concat(fixedValues(name, schema, need), madeValues(name, schema, need))
	allowed := newValueSchema(schema)
	for _, candidate := range candidates {
		if allowed.allows(candidate) {
			return candidate
		}
	}
	if len(candidates) == 0 {
		return nil
	}
	return candidates[0]
}

// fixedValues are those that the schema itself names.
func fixedValues(name string, schema *clusterv1.JSONSchemaProps, need *need) []any {
	var values []any
	named := []*apiextensionsv1.JSON{schema.Default, schema.Example}
	for i := range schema.Enum {
		named = append(named, &schema.Enum[i])
	}
	for _, raw := range named {
		var value any
		if raw != nil && utiljson.Unmarshal(raw.Raw, &value) == nil && value != nil {
			values = append(values, completed(name, schema, need, value))
		}
	}
	return values
}

// completed adds to a value what patches need of it.
func completed(name string, schema *clusterv1.JSONSchemaProps, need *need, value any) any {
	switch value := value.(type) {
	case map[string]any:
		for _, part := range slices.Sorted(maps.Keys(need.of())) {
			property := partSchema(schema, part)
			switch {
			case property == nil:
			case value[part] == nil:
				value[part] = exampleOf(part, property, need.parts[part])
			default:
				value[part] = completed(part, property, need.parts[part], value[part])
			}
		}
	case []any:
		for schema.Items != nil && len(value) < need.items() {
			value = append(value, exampleOf(name, schema.Items, need.item))
		}
		return value
	}
	return value
}

// partSchema is the schema of what stands under a name in an object or a map.
func partSchema(schema *clusterv1.JSONSchemaProps, part string) *clusterv1.JSONSchemaProps {
	if property, found := schema.Properties[part]; found {
		return &property
	}
	return schema.AdditionalProperties
}

func madeValues(name string, schema *clusterv1.JSONSchemaProps, need *need) []any {
	switch schema.Type {
	case "string":
		return texts(name, schema)
	case "integer", "number":
		return numbers(schema)
	case "boolean":
		return []any{false, true}
	case "array":
		return lists(name, schema, need)
	case "object":
		return objects(schema, need)
	}
	if ptr.Deref(schema.XIntOrString, false) {
		return slices.Concat(numbers(schema), texts(name, schema))
	}
	return []any{map[string]any{}}
}

// numbers begin with the least that is allowed. Where nothing is said 1 comes before
// 0, which as a size or a count has a meaning of its own.
func numbers(schema *clusterv1.JSONSchemaProps) []any {
	var values []any
	if schema.Minimum != nil {
		values = append(values, *schema.Minimum, *schema.Minimum+1)
	}
	values = append(values, int64(1), int64(0))
	if schema.Maximum != nil {
		values = append(values, *schema.Maximum, *schema.Maximum-1)
	}
	if schema.Minimum != nil && schema.Type == "number" {
		values = append(values, float64(*schema.Minimum)+0.5)
	}
	return values
}

// lists are as short as the schema and the patches let them be.
func lists(name string, schema *clusterv1.JSONSchemaProps, need *need) []any {
	var values []any
	least := int(ptr.Deref(schema.MinItems, 0))
	for _, length := range []int{max(least, need.items()), least, least + 1} {
		list := []any{}
		for len(list) < length && schema.Items != nil {
			list = append(list, exampleOf(name, schema.Items, need.each()))
		}
		values = append(values, list)
	}
	return values
}

// objects begin with all properties. Rules about several properties may forbid that, so
// the next leave out one of those that may be missing, then more and more of them, and
// the last have only one.
func objects(schema *clusterv1.JSONSchemaProps, need *need) []any {
	all := map[string]any{}
	var optional []string
	for _, name := range slices.Sorted(maps.Keys(schema.Properties)) {
		property := schema.Properties[name]
		all[name] = exampleOf(name, &property, need.of()[name])
		if !slices.Contains(schema.Required, name) && need.of()[name] == nil {
			optional = append(optional, name)
		}
	}
	if schema.AdditionalProperties != nil {
		for _, name := range need.names(schema) {
			all[name] = exampleOf(name, schema.AdditionalProperties, need.of()[name])
		}
	}
	values := []any{all}
	for _, name := range optional {
		values = append(values, without(all, name))
	}
	for kept := len(optional) - 1; kept >= 0; kept-- {
		values = append(values, without(all, optional[kept:]...))
	}
	for i := range optional {
		values = append(values, without(all, slices.Concat(optional[:i], optional[i+1:])...))
	}
	return values
}

func without(object map[string]any, names ...string) map[string]any {
	object = maps.Clone(object)
	for _, name := range names {
		delete(object, name)
	}
	return object
}

// copied is a value of the same JSON that shares nothing with it.
func copied(value any) (any, error) {
	encoded, err := json.Marshal(value)
	if err != nil {
		return nil, err
	}
	var result any
	return result, utiljson.Unmarshal(encoded, &result)
}
