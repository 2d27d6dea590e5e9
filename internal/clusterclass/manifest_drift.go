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
	"sigs.k8s.io/yaml"
)

// maxDifferences is how many differences are listed.
const maxDifferences = 10

// observed returns the manifest of a class as it is live, with the content of its
// templates in their references: the text itself, as long as what it declares is
// there. Labels and annotations that are configured beside the manifest are not
// the manifest's.
func (m Manifest) observed(live map[string]any, configured ...types.Map) (string, error) {
	parsed, err := m.parse()
	if err != nil {
		return "", err
	}
	overridden(parsed.content, configured)
	declared, err := fields.Decode(manifestShape, manifestShape, nil, parsed.content)
	if err != nil {
		return "", err
	}
	found, err := fields.Decode(manifestShape, manifestShape, declared, live)
	if err != nil {
		return "", err
	}
	if maps.EqualFunc(declared, found, attr.Value.Equal) {
		return m.Text, nil
	}
	text, err := parsed.rewrite(declared, found)
	return m.escape(text), err
}

// manifestShape is what the attributes that a manifest takes the place of look like
// inside, with the one thing that a manifest has besides: remediation templates that
// belong to the class.
var manifestShape = withRemediationTemplates()

func withRemediationTemplates() map[string]attr.Type {
	_, whole := schemaTypes()
	template := within(whole["infrastructure"], "template")
	workers, _ := within(whole["workers"], "machine_deployments").(types.MapType)
	for _, owner := range []attr.Type{whole["control_plane"], workers.ElemType} {
		remediation, _ := within(owner, "health_check", "remediation").(types.ObjectType)
		remediation.AttrTypes["template"] = template
	}
	selected := map[string]attr.Type{}
	for name := range (&model{}).attributes() {
		selected[name] = whole[name]
	}
	return selected
}

func within(t attr.Type, path ...string) attr.Type {
	for _, name := range path {
		object, _ := t.(types.ObjectType)
		t = object.AttrTypes[name]
	}
	return t
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
	before, err := fields.Encode(manifestShape, declared)
	if err != nil {
		return "", err
	}
	content, err := fields.Encode(manifestShape, found)
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
	class := asClass(content, m.name, m.namespace)
	objects := []*unstructured.Unstructured{class}
	byRole := holders(class.Object)
	for _, role := range slices.Sorted(maps.Keys(byRole)) {
		ref, _ := byRole[role]["templateRef"].(map[string]any)
		objects = append(objects, m.object(role, byRole[role], ref))
	}
	remedies := remediations(class.Object)
	for _, role := range slices.Sorted(maps.Keys(remedies)) {
		if content, ok := remedies[role]["template"].(map[string]any); ok {
			delete(remedies[role], "template")
			objects = append(objects, m.object(role, remedies[role], content))
		}
	}
	return objects
}

// object is the template of a role, which its holder refers to from now on. Roles
// that share a template in the manifest may differ by now.
func (m *manifest) object(role string, holder, content map[string]any) *unstructured.Unstructured {
	template := templateObject(content)
	name := m.name + "-" + nameOf(role)
	template.SetName(name)
	template.SetNamespace(m.namespace)
	holder["templateRef"] = map[string]any{"apiVersion": content["apiVersion"], "kind": content["kind"], "name": name}
	return template
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
