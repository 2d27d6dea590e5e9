// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package topology

import (
	"encoding/json"
	"maps"
	"slices"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/utils/ptr"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
)

// VariablesTemplate returns a value for every variable that a class declares
// inline, to begin a cluster with. Taken as it is, with what stands in angle
// brackets replaced, it makes the cluster that comes of declaring nothing else:
//
//   - a variable that has a default has its default;
//   - one that is required and has none has its example, else the first value that
//     its schema enumerates, else the least one of its type; a string is then the
//     variable's name in angle brackets, as in "<region>", and an object has the
//     properties that it requires and those with defaults;
//   - any other is nil, which is not to declare it.
func VariablesTemplate(class *clusterv1.ClusterClass) map[string]any {
	values := map[string]any{}
	for _, variable := range class.Spec.Variables {
		schema := &variable.Schema.OpenAPIV3Schema
		values[variable.Name] = nil
		if schema.Default != nil || ptr.Deref(variable.Required, false) {
			values[variable.Name] = exampleOf(variable.Name, schema)
		}
	}
	return values
}

func exampleOf(name string, schema *clusterv1.JSONSchemaProps) any {
	for _, raw := range slices.Concat([]*apiextensionsv1.JSON{schema.Default, schema.Example}, enumerated(schema)) {
		if raw == nil {
			continue
		}
		var value any
		if json.Unmarshal(raw.Raw, &value) == nil {
			return value
		}
	}
	switch schema.Type {
	case "string":
		return "<" + name + ">"
	case "integer", "number":
		return float64(ptr.Deref(schema.Minimum, 0))
	case "boolean":
		return false
	case "array":
		return []any{}
	case "object":
		return exampleObject(schema)
	}
	return nil
}

func enumerated(schema *clusterv1.JSONSchemaProps) []*apiextensionsv1.JSON {
	if len(schema.Enum) == 0 {
		return nil
	}
	return []*apiextensionsv1.JSON{&schema.Enum[0]}
}

func exampleObject(schema *clusterv1.JSONSchemaProps) map[string]any {
	object := map[string]any{}
	for _, name := range slices.Sorted(maps.Keys(schema.Properties)) {
		property := schema.Properties[name]
		if property.Default != nil || slices.Contains(schema.Required, name) {
			object[name] = exampleOf(name, &property)
		}
	}
	return object
}
