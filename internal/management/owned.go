// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package management

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/sets"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Owned returns the part of an object that this provider applied, and whether it ever applied any. What defaulting, other
// managers and controllers added is not in it.
func Owned(obj *unstructured.Unstructured) (map[string]any, bool, error) {
	owned, found := map[string]any{}, false
	for _, entry := range obj.GetManagedFields() {
		if entry.Manager != FieldManager || entry.Operation != metav1.ManagedFieldsOperationApply ||
			entry.Subresource != "" || entry.FieldsV1 == nil {
			continue
		}
		var fields map[string]any
		if err := json.Unmarshal(entry.FieldsV1.GetRawBytes(), &fields); err != nil {
			return nil, false, fmt.Errorf("cannot read the managed fields of %s %s: %w", obj.GetKind(), obj.GetName(), err)
		}
		found = true
		if part, ok := ownedPart(obj.Object, fields).(map[string]any); ok {
			owned = part
		}
	}
	return owned, found, nil
}

// Importable is the part of an object that a configuration would declare: what
// this provider applied, if it did; else all that was set by somebody. Labels and
// annotations that Cluster API, kubectl and this provider note down for
// themselves are not in it.
func Importable(obj *unstructured.Unstructured) (map[string]any, error) {
	content, applied, err := Owned(obj)
	if err != nil {
		return nil, err
	}
	if !applied {
		content = obj.DeepCopy().Object
	}
	for _, field := range []string{"labels", "annotations"} {
		notes := asMap(asMap(content["metadata"])[field])
		maps.DeleteFunc(notes, func(key string, _ any) bool { return isBookkeeping(key) })
		if len(notes) == 0 {
			unstructured.RemoveNestedField(content, "metadata", field)
		}
	}
	return content, nil
}

// IsApplied says whether this provider has ever applied the object.
func IsApplied(obj client.Object) bool {
	return slices.ContainsFunc(obj.GetManagedFields(), func(entry metav1.ManagedFieldsEntry) bool { return entry.Manager == FieldManager })
}

func isBookkeeping(key string) bool {
	domain, _, _ := strings.Cut(key, "/")
	return domain == "terraform-capi.io" || domain == "kubectl.kubernetes.io" ||
		domain == "cluster.x-k8s.io" || strings.HasSuffix(domain, ".cluster.x-k8s.io")
}

// ownedPart returns what fields, in the notation of metadata.managedFields,
// selects from value. A field without children is owned as a whole; but of a map
// that was applied empty, what is in it by now came from defaulting, which owns
// nothing.
func ownedPart(value any, fields map[string]any) any {
	if m, isMap := value.(map[string]any); len(fields) == 0 && (!isMap || isAtomic(m)) {
		return value
	}
	switch value := value.(type) {
	case map[string]any:
		part := map[string]any{}
		for key, children := range fields {
			name, ok := strings.CutPrefix(key, "f:")
			child, exists := value[name]
			if ok && exists {
				part[name] = ownedPart(child, asMap(children))
			}
		}
		return part
	case []any:
		part := []any{}
		for _, item := range value {
			if children, ok := ownedItem(item, fields); ok {
				part = append(part, ownedPart(item, children))
			}
		}
		return part
	}
	return value
}

// atomicKeys are those of the maps that Kubernetes' types declare atomic:
// references and selectors.
var atomicKeys = sets.New("apiGroup", "apiVersion", "containerName", "divisor", "fieldPath", "key", "kind",
	"matchExpressions", "matchLabels", "name", "namespace", "optional", "resource", "resourceVersion", "uid")

// isAtomic tells a map that is always owned as a whole from one that was applied
// empty, which managed fields do not.
func isAtomic(m map[string]any) bool {
	return atomicKeys.HasAll(slices.Collect(maps.Keys(m))...)
}

// ownedItem finds the fields of one list item: lists that are maps name their
// items by the values of their keys ("k:{...}"), sets by the value ("v:...").
func ownedItem(item any, fields map[string]any) (map[string]any, bool) {
	for key, children := range fields {
		kind, raw, _ := strings.Cut(key, ":")
		var selector any
		if json.Unmarshal([]byte(raw), &selector) != nil {
			continue
		}
		if kind == "v" && fmt.Sprint(selector) == fmt.Sprint(item) {
			return nil, true
		}
		if kind == "k" && hasKeys(asMap(item), asMap(selector)) {
			return asMap(children), true
		}
	}
	return nil, false
}

func hasKeys(item, keys map[string]any) bool {
	for name, value := range keys {
		if fmt.Sprint(item[name]) != fmt.Sprint(value) {
			return false
		}
	}
	return len(keys) > 0
}

func asMap(value any) map[string]any {
	m, _ := value.(map[string]any)
	return m
}
