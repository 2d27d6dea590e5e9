// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package topology

import (
	"math"
	"strconv"

	structuralschema "k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// ConvertFields gives the fields of an object the types that the schema of its kind asks
// for, if it is one that is bundled, as Terraform does with attributes that have a type:
// a number becomes a string where a string belongs, and the other way round if the
// string is one. What cannot be converted stays as it is, and so does what the schema
// leaves open. The object is changed.
func ConvertFields(obj *unstructured.Unstructured) {
	if rules, err := rulesFor(obj.GroupVersionKind()); err == nil && rules != nil {
		converted(rules.structural, obj.Object)
	}
}

// converted changes objects and lists, and returns other values anew.
func converted(schema *structuralschema.Structural, value any) any {
	switch value := value.(type) {
	case map[string]any:
		for name := range value {
			if part := structuralPart(schema, name); part != nil {
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

func structuralPart(schema *structuralschema.Structural, name string) *structuralschema.Structural {
	if property, found := schema.Properties[name]; found {
		return &property
	}
	if schema.AdditionalProperties != nil {
		return schema.AdditionalProperties.Structural
	}
	return nil
}

// fromText is the value of a type that the text stands for, else the text.
func fromText(wanted, text string) any {
	switch wanted {
	case "integer", "number":
		if number, err := strconv.ParseInt(text, 10, 64); err == nil {
			return number
		}
		number, err := strconv.ParseFloat(text, 64)
		if wanted == "number" && err == nil && !math.IsNaN(number) && !math.IsInf(number, 0) {
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
