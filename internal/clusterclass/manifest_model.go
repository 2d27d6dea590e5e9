// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package clusterclass

import (
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/terraform-capi/terraform-provider-capi/internal/tfkit"
)

// manifest is what is written as a manifest, nil if nothing is. The error is
// tfkit.ErrUnknown if not all of it is known.
func (m *model) manifest() (*Manifest, error) {
	if m.Manifest.IsNull() {
		return nil, nil
	}
	values, err := tfkit.ToAny(m.ManifestVariables)
	for _, value := range []attr.Value{m.Manifest, m.ManifestClass, m.ManifestClassOnly, m.Namespace} {
		if value.IsUnknown() {
			err = tfkit.ErrUnknown
		}
	}
	if err != nil {
		return nil, err
	}
	source := &Manifest{
		Text: m.Manifest.ValueString(), Class: m.ManifestClass.ValueString(), ClassOnly: m.ManifestClassOnly.ValueBool(),
		Namespace: m.Namespace.ValueString(),
	}
	if byName, ok := values.(map[string]any); ok {
		source.Variables = map[string]string{}
		for name, value := range byName {
			if text, ok := value.(string); ok {
				source.Variables[name] = text
			}
		}
	}
	return source, nil
}

// parse reads the manifest, nil if there is none.
func (m *model) parse() (*manifest, error) {
	source, err := m.manifest()
	if source == nil || err != nil {
		return nil, err
	}
	return source.parse()
}

// merged adds what the manifest declares to what the attributes do, which are the
// name, the namespace, labels and annotations.
func (m *model) merged(parsed *manifest, content map[string]any) (map[string]any, error) {
	overridden(parsed.content, []types.Map{m.Labels, m.Annotations})
	merged := runtime.DeepCopyJSON(parsed.content)
	for _, path := range [][]string{{"metadata", "name"}, {"metadata", "namespace"}} {
		value, _, _ := unstructured.NestedString(content, path...)
		if err := unstructured.SetNestedField(merged, value, path...); err != nil {
			return nil, err
		}
	}
	for _, part := range []string{"labels", "annotations"} {
		values, _, _ := unstructured.NestedMap(content, "metadata", part)
		for key, value := range values {
			if err := unstructured.SetNestedField(merged, value, "metadata", part, key); err != nil {
				return nil, err
			}
		}
	}
	return merged, nil
}

// leftOut lists the documents that a manifest has besides its class, null unless
// they are to be left out.
func (r *rendered) leftOut() types.List {
	if r.manifest == nil || !r.manifest.source.ClassOnly {
		return types.ListNull(types.StringType)
	}
	elements := []attr.Value{}
	for _, object := range r.manifest.leftOut {
		elements = append(elements, types.StringValue(object))
	}
	return types.ListValueMust(types.StringType, elements)
}
