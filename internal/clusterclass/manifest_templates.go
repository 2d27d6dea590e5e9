// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package clusterclass

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// serverFields are fields of objects that API servers and controllers write, and
// that stand in manifests which were read from a cluster.
var serverFields = []string{"status"}

// templateContent is what the reference to a template has of it.
func templateContent(doc document) (map[string]any, error) {
	object := doc.object.Object
	if unknown := otherKeys(object, append([]string{"apiVersion", "kind", "metadata", "spec"}, serverFields...)...); unknown != "" {
		return nil, doc.fault("templates have no %s", unknown)
	}
	spec, _ := object["spec"].(map[string]any)
	template, _ := spec["template"].(map[string]any)
	if unknown := otherKeys(template, "metadata", "spec"); unknown != "" {
		return nil, doc.fault("spec.template has no %s, but metadata and spec", unknown)
	}
	own, err := labelsAndAnnotations(object["metadata"])
	if err != nil {
		return nil, doc.fault("metadata: %s", err)
	}
	made, err := labelsAndAnnotations(template["metadata"])
	if err != nil {
		return nil, doc.fault("spec.template.metadata: %s", err)
	}
	content := own
	if len(made) > 0 {
		content["metadata"] = made
	}
	if template["spec"] != nil {
		content["spec"] = template["spec"]
	}
	if extra := without(spec, "template"); len(extra) > 0 {
		content["extraSpec"] = extra
	}
	return content, nil
}

func without(object map[string]any, key string) map[string]any {
	rest := maps.Clone(object)
	delete(rest, key)
	return rest
}

// otherKeys are the keys of an object besides those that are known.
func otherKeys(object map[string]any, known ...string) string {
	keys := slices.DeleteFunc(slices.Sorted(maps.Keys(object)), func(key string) bool { return slices.Contains(known, key) })
	return strings.Join(keys, ", ")
}

// labelsAndAnnotations is what people write in an object's metadata besides its
// name and namespace. The rest is of servers and controllers.
func labelsAndAnnotations(metadata any) (map[string]any, error) {
	fields, _ := metadata.(map[string]any)
	found := map[string]any{}
	for _, name := range []string{"labels", "annotations"} {
		if fields[name] == nil {
			continue
		}
		values, ok := fields[name].(map[string]any)
		if !ok {
			return nil, errors.New(name + " have to be a map")
		}
		for key, value := range values {
			if _, ok := value.(string); !ok {
				return nil, fmt.Errorf("%s: the value of %s has to be a string. Put it in quotes", name, key)
			}
		}
		if len(values) > 0 {
			found[name] = values
		}
	}
	return found, nil
}
