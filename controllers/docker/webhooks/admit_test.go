// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package webhooks

import (
	"context"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"
	"sigs.k8s.io/yaml"

	"github.com/terraform-capi/terraform-provider-capi/controllers/config/configtest"
)

var ctx = context.Background()

// create asks for a new object whose spec is YAML. As in an API server, first the schema is looked at, then the
// webhook is asked. It returns what is wrong, or the empty string.
func create[T client.Object](t *testing.T, kind string, validator admission.Validator[T], obj T, spec string) string {
	t.Helper()
	content := map[string]any{}
	if err := yaml.UnmarshalStrict([]byte(spec), &content); err != nil {
		t.Fatal(err)
	}
	content = map[string]any{"metadata": map[string]any{"name": "a"}, "spec": content}
	if errs := configtest.Validate(kind, content); len(errs) > 0 {
		return errs.ToAggregate().Error()
	}
	const strict = true
	if err := runtime.DefaultUnstructuredConverter.FromUnstructuredWithValidation(content, obj, strict); err != nil {
		t.Fatal(err)
	}
	_, err := validator.ValidateCreate(ctx, obj)
	return problem(err)
}

// problem is an error of a webhook without what all of them start with.
func problem(err error) string {
	if err == nil {
		return ""
	}
	_, text, _ := strings.Cut(err.Error(), " is invalid: ")
	return text
}

// templateSpec is the spec of a template of objects with that spec.
func templateSpec(spec string) string {
	if spec == "" {
		spec = "{}"
	}
	return "template:\n  spec:\n    " + strings.ReplaceAll(spec, "\n", "\n    ")
}

// inTemplate is a problem of a spec as one of a template's.
func inTemplate(problem string) string {
	return strings.ReplaceAll(problem, "spec.", "spec.template.spec.")
}
