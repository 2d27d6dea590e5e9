// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package topology

import (
	"context"
	"slices"
	"strings"
	"sync"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	structuralschema "k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel"
	structuraldefaulting "k8s.io/apiextensions-apiserver/pkg/apiserver/schema/defaulting"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/listtype"
	structuralpruning "k8s.io/apiextensions-apiserver/pkg/apiserver/schema/pruning"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"
	celconfig "k8s.io/apiserver/pkg/apis/cel"

	"github.com/terraform-capi/terraform-provider-capi/controllers/config"
)

// noSuchField is what ValidateFields says of a field that a kind does not have. What
// took its place may follow.
const noSuchField = "there is no such field"

// fieldRules are the rules of a kind's fields that an API server knows.
type fieldRules struct {
	structural *structuralschema.Structural
	validator  validation.SchemaValidator
	cel        *cel.Validator
}

// knownRules has the rules of the bundled kinds that were asked for: reading all of
// them would take half a second.
var knownRules sync.Map // schema.GroupVersionKind to func() (*fieldRules, error)

// ValidateFields returns what an API server would refuse about an object before
// anybody's webhook sees it: fields that its kind does not have, and values that
// they cannot have. There is nothing to say about kinds that are not bundled.
func ValidateFields(ctx context.Context, obj *unstructured.Unstructured) []Problem {
	return validateFields(ctx, obj, (*field.Error).ErrorBody)
}

// withoutValues says what is wrong about a value, but not the value.
func withoutValues(err *field.Error) string {
	return strings.TrimSuffix(err.Type.String()+": "+err.Detail, ": ")
}

func validateFields(ctx context.Context, obj *unstructured.Unstructured, text func(*field.Error) string) (problems []Problem) {
	defer guardProblems("Kubernetes' validation of a "+obj.GetKind(), &problems)
	rules, err := rulesFor(obj.GroupVersionKind())
	if err != nil {
		return Problems(err)
	}
	if rules == nil {
		return nil
	}
	object := runtime.DeepCopyJSON(obj.Object)
	unknown, errs := rules.check(ctx, object)
	for _, path := range unknown {
		problems = append(problems, Problem{Field: path, Message: noSuchField + rules.instead(obj, path)})
	}
	for _, err := range errs {
		problem := Problem{Field: err.Field, Message: text(err)}
		if !slices.Contains(problems, problem) {
			problems = append(problems, problem)
		}
	}
	return problems
}

// check returns the fields that the kind does not have, which it takes out of the
// object, and what is wrong about the others.
func (r *fieldRules) check(ctx context.Context, object map[string]any) (unknown []string, errs field.ErrorList) {
	unknown = structuralpruning.PruneWithOptions(object, r.structural, true, structuralschema.UnknownFieldPathOptions{TrackUnknownFieldPaths: true})
	structuraldefaulting.PruneNonNullableNullsWithoutDefaults(object, r.structural)
	structuraldefaulting.Default(object, r.structural)
	errs = validation.ValidateCustomResource(nil, object, r.validator)
	errs = append(errs, listtype.ValidateListSetsAndMaps(nil, r.structural, object)...)
	// Rules may assume that all is as the schema says.
	if len(errs) == 0 && r.cel != nil {
		errs, _ = r.cel.Validate(ctx, nil, r.structural, object, nil, celconfig.RuntimeCELCostBudget)
	}
	return unknown, errs
}

// rulesFor returns the rules of a kind, nil if it is not bundled.
func rulesFor(gvk schema.GroupVersionKind) (*fieldRules, error) {
	value, _ := knownRules.LoadOrStore(gvk, sync.OnceValues(func() (*fieldRules, error) { return readRules(gvk) }))
	read, _ := value.(func() (*fieldRules, error))
	return read()
}

func readRules(gvk schema.GroupVersionKind) (*fieldRules, error) {
	version, err := config.CRDVersion(gvk)
	if version == nil || err != nil {
		return nil, err
	}
	return rulesOf(version.Schema.OpenAPIV3Schema)
}

func rulesOf(props *apiextensionsv1.JSONSchemaProps) (*fieldRules, error) {
	internal := &apiextensions.JSONSchemaProps{}
	if err := apiextensionsv1.Convert_v1_JSONSchemaProps_To_apiextensions_JSONSchemaProps(props, internal, nil); err != nil {
		return nil, err
	}
	structural, err := structuralschema.NewStructural(internal)
	if err != nil {
		return nil, err
	}
	validator, _, err := validation.NewSchemaValidator(internal)
	if err != nil {
		return nil, err
	}
	return &fieldRules{structural: structural, validator: validator, cel: cel.NewValidator(structural, true, celconfig.PerCallLimit)}, nil
}
