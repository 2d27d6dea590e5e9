// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package topology

import (
	"encoding/json"
	"fmt"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// Owned returns the part of an object that the given field manager applied by
// server-side apply, and whether it ever applied any. What defaulting, other
// managers and controllers added is not in it.
func Owned(obj *unstructured.Unstructured, manager string) (map[string]any, bool, error) {
	owned, found := map[string]any{}, false
	for _, entry := range obj.GetManagedFields() {
		if entry.Manager != manager || entry.Operation != metav1.ManagedFieldsOperationApply ||
			entry.Subresource != "" || entry.FieldsV1 == nil {
			continue
		}
		var fields map[string]any
		if err := json.Unmarshal(entry.FieldsV1.Raw, &fields); err != nil {
			return nil, false, fmt.Errorf("cannot read the managed fields of %s %s: %w", obj.GetKind(), obj.GetName(), err)
		}
		found = true
		if part, ok := ownedPart(obj.Object, fields).(map[string]any); ok {
			owned = part
		}
	}
	return owned, found, nil
}

// ownedPart returns what fields, in the notation of metadata.managedFields,
// selects from value. A field without children is owned as a whole.
func ownedPart(value any, fields map[string]any) any {
	if len(fields) == 0 {
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
