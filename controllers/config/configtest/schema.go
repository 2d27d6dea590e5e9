// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

// Package configtest validates objects against the bundled CustomResourceDefinitions as an API server does, without one.
package configtest

import (
	"fmt"
	"sync"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/listtype"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/terraform-capi/terraform-provider-capi/controllers/config"
)

// Docker returns the CustomResourceDefinitions of the Docker provider. They are read once: that takes tests most of their
// time.
var Docker = sync.OnceValue(func() []*apiextensionsv1.CustomResourceDefinition {
	provider, err := config.Find("infrastructure-docker")
	if err != nil {
		panic(err)
	}
	crds, err := provider.CRDs()
	if err != nil {
		panic(err)
	}
	return crds
})

// SchemaOf returns the schema of a kind of the Docker provider.
func SchemaOf(kind string) *apiextensionsv1.JSONSchemaProps {
	for _, crd := range Docker() {
		if crd.Spec.Names.Kind == kind {
			return crd.Spec.Versions[0].Schema.OpenAPIV3Schema
		}
	}
	panic("there is no CustomResourceDefinition of kind " + kind)
}

// Validate returns what the schema of a kind of the Docker provider has against an object.
func Validate(kind string, content map[string]any) field.ErrorList {
	v, err := validatorOf(kind)
	if err != nil {
		panic(fmt.Sprintf("the schema of kind %s: %v", kind, err))
	}
	errs := validation.ValidateCustomResource(nil, content, v.schema)
	return append(errs, listtype.ValidateListSetsAndMaps(nil, v.structural, content)...)
}

type validator struct {
	schema     validation.SchemaValidator
	structural *schema.Structural
}

// validators are made once for each kind.
var validators sync.Map

func validatorOf(kind string) (validator, error) {
	if known, ok := validators.Load(kind); ok {
		return known.(validator), nil //nolint:forcetypeassert // It has nothing else.
	}
	props := &apiextensions.JSONSchemaProps{}
	if err := apiextensionsv1.Convert_v1_JSONSchemaProps_To_apiextensions_JSONSchemaProps(SchemaOf(kind), props, nil); err != nil {
		return validator{}, err
	}
	structural, err := schema.NewStructural(props)
	if err != nil {
		return validator{}, err
	}
	compiled, _, err := validation.NewSchemaValidator(props)
	if err != nil {
		return validator{}, err
	}
	made := validator{compiled, structural}
	validators.Store(kind, made)
	return made, nil
}
