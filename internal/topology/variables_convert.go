// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package topology

import (
	"math"
	"strconv"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/utils/ptr"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
)

// ConvertVariables gives the values of a Cluster's variables the types that the schemas
// of its class ask for, as Terraform does with attributes that have a type: a number
// becomes a string where a string belongs, and the other way round if the string is one.
// What cannot be converted stays as it is, and so does what the schema leaves open. A
// nil class converts nothing.
func ConvertVariables(class *clusterv1.ClusterClass, cluster *unstructured.Unstructured) {
	if class == nil {
		return
	}
	schemas := map[string]*clusterv1.JSONSchemaProps{}
	for i := range class.Spec.Variables {
		schemas[class.Spec.Variables[i].Name] = &class.Spec.Variables[i].Schema.OpenAPIV3Schema
	}
	for i := range class.Status.Variables {
		variable := &class.Status.Variables[i]
		if len(variable.Definitions) > 0 && !ptr.Deref(variable.DefinitionsConflict, false) {
			schemas[variable.Name] = &variable.Definitions[0].Schema.OpenAPIV3Schema
		}
	}
	topology := asMap(asMap(cluster.Object["spec"])["topology"])
	convertVariables(schemas, topology["variables"])
	sets := []any{topology["controlPlane"]}
	for _, kind := range []string{"machineDeployments", "machinePools"} {
		list, _ := asMap(topology["workers"])[kind].([]any)
		sets = append(sets, list...)
	}
	for _, set := range sets {
		convertVariables(schemas, asMap(asMap(set)["variables"])["overrides"])
	}
}

func convertVariables(schemas map[string]*clusterv1.JSONSchemaProps, variables any) {
	list, _ := variables.([]any)
	for _, item := range list {
		variable := asMap(item)
		name, _ := variable["name"].(string)
		if schema := schemas[name]; schema != nil {
			variable["value"] = converted(schema, variable["value"])
		}
	}
}

func converted(schema *clusterv1.JSONSchemaProps, value any) any {
	switch value := value.(type) {
	case map[string]any:
		for name := range value {
			if part := partSchema(schema, name); part != nil {
				value[name] = converted(part, value[name])
			}
		}
		return value
	case []any:
		for i := range value {
			if schema.Items != nil {
				value[i] = converted(schema.Items, value[i])
			}
		}
		return value
	case string:
		return fromText(schema.Type, value)
	}
	if schema.Type != "string" {
		return value
	}
	switch value := value.(type) {
	case bool:
		return strconv.FormatBool(value)
	case int64:
		return strconv.FormatInt(value, 10)
	case float64:
		return strconv.FormatFloat(value, 'f', -1, 64)
	}
	return value
}

// fromText is the value of a type that the text stands for, else the text.
func fromText(wanted, text string) any {
	switch wanted {
	case "integer":
		if number, err := strconv.ParseInt(text, 10, 64); err == nil {
			return number
		}
	case "number":
		if number, err := strconv.ParseInt(text, 10, 64); err == nil {
			return number
		}
		if number, err := strconv.ParseFloat(text, 64); err == nil && !math.IsNaN(number) && !math.IsInf(number, 0) {
			return number
		}
	case "boolean":
		switch text {
		case "true":
			return true
		case "false":
			return false
		}
	}
	return text
}
