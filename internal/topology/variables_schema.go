// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package topology

import (
	"context"
	"encoding/json"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
)

// wrapped is the name of the only property of the object that a value is put into:
// defaulting and CEL rules work on objects alone.
const wrapped = "value"

// valueSchema says which values the schema of a variable allows, as Cluster API's
// webhook for Clusters does (internal/topology/variables of v1.14).
type valueSchema struct{ rules *fieldRules }

// newValueSchema returns one without rules, which allows everything, for a schema that
// cannot be read. That is for the validation of its class to say.
func newValueSchema(schema *clusterv1.JSONSchemaProps) valueSchema {
	props, err := publicSchema(schema)
	if err != nil {
		return valueSchema{}
	}
	// Not read is nil.
	rules, _ := rulesOf(&apiextensionsv1.JSONSchemaProps{Type: "object", Properties: map[string]apiextensionsv1.JSONSchemaProps{wrapped: *props}})
	return valueSchema{rules}
}

// publicSchema is the schema as Kubernetes has it, which is of the same JSON.
func publicSchema(schema *clusterv1.JSONSchemaProps) (*apiextensionsv1.JSONSchemaProps, error) {
	encoded, err := json.Marshal(schema)
	if err != nil {
		return nil, err
	}
	props := &apiextensionsv1.JSONSchemaProps{}
	return props, json.Unmarshal(encoded, props)
}

// allows says whether the schema allows the value once its defaults are added.
func (s valueSchema) allows(value any) bool {
	if s.rules == nil {
		return true
	}
	value, err := copied(value)
	if err != nil {
		return false
	}
	unknown, errs := s.rules.check(context.Background(), map[string]any{wrapped: value})
	return len(unknown) == 0 && len(errs) == 0
}
