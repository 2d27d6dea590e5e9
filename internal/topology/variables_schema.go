// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package topology

import (
	"context"
	"encoding/json"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	structuralschema "k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel"
	structuraldefaulting "k8s.io/apiextensions-apiserver/pkg/apiserver/schema/defaulting"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	celconfig "k8s.io/apiserver/pkg/apis/cel"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
)

// wrapped is the name of the only property of the object that a value is put into:
// defaulting and CEL rules work on objects alone.
const wrapped = "value"

// valueSchema says which values the schema of a variable allows, as Cluster API's
// webhook for Clusters does (internal/topology/variables of v1.14).
type valueSchema struct {
	structural *structuralschema.Structural
	validator  validation.SchemaValidator
	cel        *cel.Validator
}

// newValueSchema returns nil, which allows everything, for a schema that cannot be read.
// That is for the validation of its class to say.
func newValueSchema(schema *clusterv1.JSONSchemaProps) *valueSchema {
	// Cluster API's schemas have the JSON of Kubernetes' own.
	encoded, err := json.Marshal(schema)
	if err != nil {
		return nil
	}
	var props apiextensionsv1.JSONSchemaProps
	if json.Unmarshal(encoded, &props) != nil {
		return nil
	}
	object := &apiextensionsv1.JSONSchemaProps{Type: "object", Properties: map[string]apiextensionsv1.JSONSchemaProps{wrapped: props}}
	internal := &apiextensions.JSONSchemaProps{}
	if apiextensionsv1.Convert_v1_JSONSchemaProps_To_apiextensions_JSONSchemaProps(object, internal, nil) != nil {
		return nil
	}
	s := &valueSchema{}
	if s.validator, _, err = validation.NewSchemaValidator(internal); err != nil {
		return nil
	}
	if s.structural, err = structuralschema.NewStructural(internal); err != nil {
		return nil
	}
	s.cel = cel.NewValidator(s.structural, false, celconfig.PerCallLimit)
	return s
}

// allows says whether the schema allows the value once its defaults are added.
func (s *valueSchema) allows(value any) bool {
	if s == nil {
		return true
	}
	value, err := copied(value)
	if err != nil {
		return false
	}
	object := map[string]any{wrapped: value}
	structuraldefaulting.Default(object, s.structural)
	if len(validation.ValidateCustomResource(nil, object, s.validator)) > 0 {
		return false
	}
	if s.cel == nil {
		return true
	}
	problems, _ := s.cel.Validate(context.Background(), nil, s.structural, object, nil, celconfig.RuntimeCELCostBudget)
	return len(problems) == 0
}
