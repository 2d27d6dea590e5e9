// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package topology

import (
	"fmt"
	"sync"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	structuralschema "k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	structuraldefaulting "k8s.io/apiextensions-apiserver/pkg/apiserver/schema/defaulting"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	bootstrapv1 "sigs.k8s.io/cluster-api/api/bootstrap/kubeadm/v1beta2"
	bootstrapadmission "sigs.k8s.io/cluster-api/bootstrap/kubeadm/webhooks/admission"

	"github.com/terraform-capi/terraform-provider-capi/controllers/config"
)

// schemas are those of the bundled providers' kinds, which templates and what is
// made of them have.
var schemas = sync.OnceValues(func() (map[schema.GroupVersionKind]*structuralschema.Structural, error) {
	known := map[schema.GroupVersionKind]*structuralschema.Structural{}
	for _, provider := range config.Providers {
		if provider.Name == "cluster-api" {
			continue
		}
		crds, err := provider.CRDs()
		if err != nil {
			return nil, err
		}
		for _, crd := range crds {
			for i := range crd.Spec.Versions {
				kind := schema.GroupVersionKind{Group: crd.Spec.Group, Version: crd.Spec.Versions[i].Name, Kind: crd.Spec.Names.Kind}
				if known[kind], err = structural(crd.Spec.Versions[i].Schema.OpenAPIV3Schema); err != nil {
					return nil, fmt.Errorf("reading the schema of %s: %w", kind, err)
				}
			}
		}
	}
	return known, nil
})

func structural(props *apiextensionsv1.JSONSchemaProps) (*structuralschema.Structural, error) {
	internal := &apiextensions.JSONSchemaProps{}
	if err := apiextensionsv1.Convert_v1_JSONSchemaProps_To_apiextensions_JSONSchemaProps(props, internal, nil); err != nil {
		return nil, err
	}
	return structuralschema.NewStructural(internal)
}

// defaulted returns a copy of the object as it is once the API server has stored
// it, if its kind is one that is bundled.
func defaulted(obj *unstructured.Unstructured) *unstructured.Unstructured {
	obj = obj.DeepCopy()
	known, err := schemas()
	if err != nil {
		return obj
	}
	if s, found := known[obj.GroupVersionKind()]; found {
		structuraldefaulting.PruneNonNullableNullsWithoutDefaults(obj.Object, s)
		structuraldefaulting.Default(obj.Object, s)
	}
	return obj
}

// defaultedTemplate returns a copy of the template as the topology controller
// compares it. For this comparison alone, the webhook of KubeadmConfigTemplates
// adds what it used to add to all that were stored.
func defaultedTemplate(obj *unstructured.Unstructured) *unstructured.Unstructured {
	obj = defaulted(obj)
	if obj.GroupVersionKind() != kubeadmConfigTemplateKind {
		return obj
	}
	template := &bootstrapv1.KubeadmConfigTemplate{}
	if runtime.DefaultUnstructuredConverter.FromUnstructured(obj.Object, template) != nil {
		return obj
	}
	plain, err := runtime.DefaultUnstructuredConverter.ToUnstructured(template)
	if err != nil {
		return obj
	}
	bootstrapadmission.ApplyPreviousKubeadmConfigDefaults(&template.Spec.Template.Spec)
	full, err := runtime.DefaultUnstructuredConverter.ToUnstructured(template)
	if err != nil {
		return obj
	}
	addNew(obj.Object, plain, full)
	return obj
}

// addNew adds to an object what full has and plain has not. The object itself
// is not made from the type, because that would add what was left empty.
func addNew(object, plain, full map[string]any) {
	for key, value := range full {
		child, isMap := value.(map[string]any)
		switch old, found := plain[key]; {
		case isMap:
			into := asMap(object[key])
			if into == nil {
				into = map[string]any{}
			}
			addNew(into, asMap(old), child)
			if len(into) > 0 {
				object[key] = into
			}
		case !found:
			object[key] = value
		}
	}
}
