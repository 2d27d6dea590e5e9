// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package clusterclass

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
	"sigs.k8s.io/yaml"
)

// maxDifferences is how many differences are listed.
const maxDifferences = 10

// observed returns the manifest of a class as it is live, with the content of its
// templates in their references: text itself, as long as what it declares is
// there. Labels and annotations that are configured beside the manifest are not
// the manifest's.
func observed(text string, live map[string]any, configured ...types.Map) (string, error) {
	parsed, err := parseManifest(text)
	if err != nil {
		return "", err
	}
	overridden(parsed.content, configured)
	attributeTypes := apiTypes()
	declared, err := fields.Decode(attributeTypes, shape, nil, parsed.content)
	if err != nil {
		return "", err
	}
	found, err := fields.Decode(attributeTypes, shape, declared, live)
	if err != nil {
		return "", err
	}
	if maps.EqualFunc(declared, found, attr.Value.Equal) {
		return text, nil
	}
	return parsed.rewrite(declared, found)
}

// overridden removes what other attributes declare from a manifest's content.
func overridden(content map[string]any, configured []types.Map) {
	metadata, _ := content["metadata"].(map[string]any)
	for i, name := range []string{"labels", "annotations"} {
		values, _ := metadata[name].(map[string]any)
		for key := range configured[i].Elements() {
			delete(values, key)
		}
		if len(values) == 0 {
			delete(metadata, name)
		}
	}
}

// rewrite is a manifest of other content. It begins with what differs.
func (m *manifest) rewrite(declared, found map[string]attr.Value) (string, error) {
	before, err := fields.Encode(shape, declared)
	if err != nil {
		return "", err
	}
	content, err := fields.Encode(shape, found)
	if err != nil {
		return "", err
	}
	text := "# In the management cluster these differ from what was applied:\n"
	for i, path := range differences("", before, content) {
		if i == maxDifferences {
			text += "# and more\n"
			break
		}
		text += "# " + path + "\n"
	}
	documents, err := m.text(content)
	return text + documents, err
}

// text is the manifest of a class of the given content.
func (m *manifest) text(content map[string]any) (string, error) {
	text := ""
	for _, object := range m.objects(content) {
		raw, err := yaml.Marshal(object.Object)
		if err != nil {
			return "", err
		}
		text += "---\n" + string(raw)
	}
	return text, nil
}

// objects are the documents that a manifest of the given content has.
func (m *manifest) objects(content map[string]any) []*unstructured.Unstructured {
	class := &unstructured.Unstructured{Object: runtime.DeepCopyJSON(content)}
	class.SetGroupVersionKind(clusterv1.GroupVersion.WithKind(clusterv1.ClusterClassKind))
	class.SetName(m.name)
	class.SetNamespace(m.namespace)
	objects := []*unstructured.Unstructured{class}
	byRole := holders(class.Object)
	for _, role := range slices.Sorted(maps.Keys(byRole)) {
		ref, _ := byRole[role]["templateRef"].(map[string]any)
		template := templateObject(ref)
		// Roles that share a template in the manifest may differ by now.
		name := m.name + "-" + nameOf(role)
		template.SetName(name)
		template.SetNamespace(m.namespace)
		byRole[role]["templateRef"] = map[string]any{"apiVersion": ref["apiVersion"], "kind": ref["kind"], "name": name}
		objects = append(objects, template)
	}
	return objects
}

// differences are the paths at which two values differ.
func differences(path string, a, b any) []string {
	x, isObject := a.(map[string]any)
	y, areObjects := b.(map[string]any)
	if isObject && areObjects {
		all := maps.Clone(x)
		maps.Copy(all, y)
		var found []string
		for _, key := range slices.Sorted(maps.Keys(all)) {
			found = append(found, differences(strings.TrimPrefix(path+"."+key, "."), x[key], y[key])...)
		}
		return found
	}
	list, isList := a.([]any)
	other, areLists := b.([]any)
	if isList && areLists && len(list) == len(other) {
		var found []string
		for i := range list {
			found = append(found, differences(fmt.Sprintf("%s[%d]", path, i), list[i], other[i])...)
		}
		return found
	}
	if !equal(a, b) {
		return []string{path}
	}
	return nil
}

func equal(a, b any) bool { return fmt.Sprint(a) == fmt.Sprint(b) }
