// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package clusterclass

import (
	"encoding/json"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework/types"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"

	"github.com/terraform-capi/terraform-provider-capi/internal/tfkit"
)

// variableOrigin is what the data source says of a variable besides what the
// resource declares: inline, or the patch whose runtime extension adds it.
const variableOrigin = "from"

// variablesOf returns the variables that clusters of a class have, in the form of
// the resource's attribute, so that one can be made of the other.
func variablesOf(class *clusterv1.ClusterClass) (types.Dynamic, error) {
	found := map[string]any{}
	for _, variable := range class.Status.Variables {
		// Several definitions differ in nothing but their origin, or the class
		// is not ready.
		for _, definition := range variable.Definitions[:min(len(variable.Definitions), 1)] {
			var schema any
			content, err := json.Marshal(definition.Schema.OpenAPIV3Schema)
			if err == nil {
				err = json.Unmarshal(content, &schema)
			}
			if err != nil {
				return types.DynamicNull(), fmt.Errorf("the schema of variable %s: %w", variable.Name, err)
			}
			required := definition.Required != nil && *definition.Required
			found[variable.Name] = map[string]any{"required": required, "schema": schema, variableOrigin: definition.From}
		}
	}
	return tfkit.DynamicFromAny(found)
}

// FromVariables returns a class of nothing but variables, which are those of
// the resource or of the data source. The errors name the attribute.
func FromVariables(variables types.Dynamic) (*clusterv1.ClusterClass, error) {
	declared, err := withoutOrigin(variables)
	if err != nil {
		return nil, err
	}
	m := model{Variables: declared}
	content, err := m.encode()
	if err != nil {
		return nil, err
	}
	return typed(&unstructured.Unstructured{Object: content})
}

func withoutOrigin(variables types.Dynamic) (types.Dynamic, error) {
	content, err := tfkit.ToAny(variables)
	if err != nil {
		return variables, err
	}
	byName, _ := content.(map[string]any)
	for _, value := range byName {
		if variable, ok := value.(map[string]any); ok {
			delete(variable, variableOrigin)
		}
	}
	return tfkit.DynamicFromAny(content)
}
