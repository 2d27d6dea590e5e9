// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package topology

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	structuralschema "k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
)

// instead continues a message that a kind has no such field: with the fields that the
// kind has in its place, or with the one that was probably meant.
func (r *fieldRules) instead(obj *unstructured.Unstructured, path string) string {
	if places, err := renamed(obj, path); err == nil && len(places) > 0 {
		return fmt.Sprintf("; in %s there is %s instead", obj.GroupVersionKind().Version, strings.Join(limited(places), ", "))
	}
	steps := fieldSteps(path)
	parent := r.structural
	for _, step := range steps[:len(steps)-1] {
		if parent = child(parent, step); parent == nil {
			return ""
		}
	}
	return didYouMean(steps[len(steps)-1], slices.Sorted(maps.Keys(parent.Properties)))
}

func child(s *structuralschema.Structural, step string) *structuralschema.Structural {
	if property, found := s.Properties[step]; found {
		return &property
	}
	if s.AdditionalProperties != nil {
		return s.AdditionalProperties.Structural
	}
	return s.Items
}

// fieldSteps takes a.b[0].c apart into a, b, 0, c.
func fieldSteps(path string) []string {
	return strings.FieldsFunc(path, func(r rune) bool { return r == '.' || r == '[' || r == ']' })
}

// renamed returns which fields of an object's kind take the place of one that only
// another version of the kind has. The converters of the kind's provider say it: an
// object of the other version that has nothing but this field is converted. If its value
// is not as the other version has it, any such value will do to find the place.
func renamed(obj *unstructured.Unstructured, path string) (places []string, err error) {
	defer Guard("Cluster API's conversion of a "+obj.GetKind(), &err)
	kind, steps := obj.GroupVersionKind(), fieldSteps(path)
	for hub := range hubKinds {
		if hub.GroupKind() != kind.GroupKind() {
			continue
		}
		other := hub
		if kind.Version == hub.Version {
			other.Version = contractV1Beta1
		}
		if places, err := movedTo(kind, other, steps, lookup(obj.Object, steps)); err == nil && len(places) > 0 {
			return places, nil
		}
		rules, err := rulesFor(other)
		if err != nil || rules == nil {
			return nil, err
		}
		field := rules.structural
		for _, step := range steps {
			if field = child(field, step); field == nil {
				return nil, nil
			}
		}
		places, err := movedTo(kind, other, steps, anyValueOf(field))
		if place := commonPath(places); place != "" && !strings.HasPrefix(path, place) {
			return []string{place}, err
		}
		return nil, err
	}
	return nil, nil
}

// movedTo returns where the value of a field of another version is after conversion.
func movedTo(kind, other schema.GroupVersionKind, steps []string, value any) ([]string, error) {
	hub := kind
	hub.Version = clusterv1.GroupVersion.Version
	var converted [2]any
	for i, value := range []any{nil, value} {
		content, _ := containing(steps, value).(map[string]any)
		only := &unstructured.Unstructured{Object: content}
		only.SetGroupVersionKind(other)
		result, err := convert(only, kind, hubKinds[hub])
		if err != nil {
			return nil, err
		}
		converted[i] = result.Object["spec"]
	}
	return added(nil, "spec", converted[0], converted[1]), nil
}

// anyValueOf returns a value that a schema takes, with all that it may have in it. A text
// may be of a length of time.
func anyValueOf(s *structuralschema.Structural) any {
	switch {
	case s.XIntOrString || s.Type == "integer":
		return int64(1)
	case s.Type == "boolean":
		return true
	case s.Type == "array" && s.Items != nil:
		return []any{anyValueOf(s.Items)}
	case s.Type == "object":
		object := map[string]any{}
		for name := range s.Properties {
			property := s.Properties[name]
			object[name] = anyValueOf(&property)
		}
		return object
	case s.ValueValidation != nil && len(s.ValueValidation.Enum) > 0:
		return s.ValueValidation.Enum[0].Object
	case s.ValueValidation != nil && s.ValueValidation.Format == "date-time":
		return "2000-01-01T00:00:00Z"
	}
	return "1s"
}

// commonPath returns the path to all that the paths lead to.
func commonPath(paths []string) string {
	if len(paths) == 0 {
		return ""
	}
	common := strings.Split(paths[0], ".")
	for _, path := range paths[1:] {
		steps := strings.Split(path, ".")
		n := 0
		for n < min(len(common), len(steps)) && common[n] == steps[n] {
			n++
		}
		common = common[:n]
	}
	return strings.Join(common, ".")
}

// lookup returns what a path leads to, nil if that is nothing.
func lookup(value any, steps []string) any {
	for _, step := range steps {
		switch parent := value.(type) {
		case map[string]any:
			value = parent[step]
		case []any:
			i, err := strconv.Atoi(step)
			if err != nil || i >= len(parent) {
				return nil
			}
			value = parent[i]
		default:
			return nil
		}
	}
	return runtime.DeepCopyJSONValue(value)
}

// containing returns an object that has nothing but a value in the place to which the
// steps lead, and only that place if the value is nil.
func containing(steps []string, value any) any {
	if len(steps) == 0 {
		return value
	}
	if i, err := strconv.Atoi(steps[0]); err == nil {
		list := make([]any, i+1)
		for j := range list {
			list[j] = map[string]any{}
		}
		list[i] = containing(steps[1:], value)
		return list
	}
	if len(steps) == 1 && value == nil {
		return map[string]any{}
	}
	return map[string]any{steps[0]: containing(steps[1:], value)}
}

// added returns the paths of what only after has: of an object that is new as a whole
// the one of the object, unless there is but one field in it.
func added(paths []string, path string, before, after any) []string {
	switch after := after.(type) {
	case map[string]any:
		if before == nil && len(after) > 1 {
			return append(paths, path)
		}
		before, _ := before.(map[string]any)
		for _, key := range slices.Sorted(maps.Keys(after)) {
			paths = added(paths, join(path, key), before[key], after[key])
		}
		return paths
	case []any:
		before, _ := before.([]any)
		for i, item := range after {
			var old any
			if i < len(before) {
				old = before[i]
			}
			paths = added(paths, fmt.Sprintf("%s[%d]", path, i), old, item)
		}
		return paths
	}
	if sameValue(before, after) {
		return paths
	}
	return append(paths, path)
}
