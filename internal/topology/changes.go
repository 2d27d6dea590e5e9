// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package topology

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

const (
	// maxPaths is how many changed fields of one object are named.
	maxPaths = 3
	// pathDepth is how deep they are named below the given field.
	pathDepth = 10
)

// changedPaths names the fields in which two values differ, the first few of
// them, and never what is in them: that may be secret. A list is named as a
// whole, because an item more is no other item.
func changedPaths(path string, before, after any) []string {
	return limited(collectPaths(nil, path, before, after, pathDepth))
}

func collectPaths(paths []string, path string, before, after any, depth int) []string {
	if sameValue(before, after) {
		return paths
	}
	old, isMap := before.(map[string]any)
	updated, staysMap := after.(map[string]any)
	if !isMap && before != nil || !staysMap && after != nil || !isMap && !staysMap || depth == 0 {
		return append(paths, path)
	}
	keys := slices.AppendSeq(slices.Collect(maps.Keys(old)), maps.Keys(updated))
	slices.Sort(keys)
	count := len(paths)
	for _, key := range slices.Compact(keys) {
		paths = collectPaths(paths, join(path, key), old[key], updated[key], depth-1)
	}
	if len(paths) == count {
		// One is empty, the other is not there.
		paths = append(paths, path)
	}
	return paths
}

func join(path, key string) string {
	if strings.ContainsAny(key, "./") {
		return fmt.Sprintf("%s[%s]", path, key)
	}
	return path + "." + key
}

func limited(paths []string) []string {
	if rest := len(paths) - maxPaths; rest > 0 {
		return append(paths[:maxPaths:maxPaths], fmt.Sprintf("%d more", rest))
	}
	return paths
}

// sameValue compares values as JSON does, where a number has no type. A field
// that is not there is not the same as one that is empty: templates are replaced
// for that difference too.
func sameValue(a, b any) bool {
	switch a := a.(type) {
	case map[string]any:
		b, ok := b.(map[string]any)
		return ok && maps.EqualFunc(a, b, sameValue)
	case []any:
		b, ok := b.([]any)
		return ok && slices.EqualFunc(a, b, sameValue)
	case int64:
		if f, ok := b.(float64); ok {
			return float64(a) == f
		}
	case float64:
		if i, ok := b.(int64); ok {
			return a == float64(i)
		}
	}
	return a == b
}
