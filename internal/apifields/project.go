// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package apifields

import (
	"fmt"
	"reflect"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/resource"
)

// project returns the part of a live JSON value that a declared one has: of an
// object the declared fields only. Lists are compared item by item if they are
// of equal length, and taken whole if not.
func project(declared, live any) any {
	switch declared := declared.(type) {
	case map[string]any:
		fields, ok := live.(map[string]any)
		if !ok {
			return live
		}
		return projectObject(declared, fields)
	case []any:
		items, ok := live.([]any)
		if !ok || len(items) != len(declared) {
			return live
		}
		list := make([]any, len(items))
		for i, item := range items {
			list[i] = project(declared[i], item)
		}
		return list
	}
	if same(declared, live) {
		return declared
	}
	return live
}

func projectObject(declared, live map[string]any) map[string]any {
	object := map[string]any{}
	for name, value := range declared {
		child, exists := live[name]
		switch {
		case value == nil:
		case exists:
			object[name] = project(value, child)
		case isEmpty(withoutNulls(value)):
			// Typed clients drop empty fields when they write an object.
			object[name] = value
		}
	}
	return object
}

// same compares JSON values. A float equals the integer of the same value, a string
// the number that it stands for, and
// durations and amounts are equal however they are written: admission webhooks
// rewrite 5m as 5m0s, and 1000m as 1.
func same(a, b any) bool {
	a, b = canonical(a), canonical(b)
	switch x := a.(type) {
	case map[string]any:
		y, ok := b.(map[string]any)
		if !ok || len(x) != len(y) {
			return false
		}
		for name := range x {
			if other, exists := y[name]; !exists || !same(x[name], other) {
				return false
			}
		}
		return true
	case []any:
		y, ok := b.([]any)
		if !ok || len(x) != len(y) {
			return false
		}
		for i := range x {
			if !same(x[i], y[i]) {
				return false
			}
		}
		return true
	}
	return reflect.DeepEqual(a, b) || sameText(a, b) || sameDuration(a, b) || sameQuantity(a, b)
}

// sameText compares a string with a number or a boolean, which Terraform converts into
// each other.
func sameText(a, b any) bool {
	if text, isText := b.(string); isText {
		a, b = text, a
	}
	text, isText := a.(string)
	switch b.(type) {
	case bool, int64, float64:
		return isText && text == fmt.Sprint(b)
	}
	return false
}

func sameDuration(a, b any) bool {
	x, isText := a.(string)
	y, isTextToo := b.(string)
	if !isText || !isTextToo {
		return false
	}
	first, err := time.ParseDuration(x)
	second, errToo := time.ParseDuration(y)
	return err == nil && errToo == nil && first == second
}

// sameTime compares points in time: admission webhooks rewrite them in UTC.
func sameTime(a, b string) bool {
	first, err := time.Parse(time.RFC3339, a)
	second, errToo := time.Parse(time.RFC3339, b)
	return err == nil && errToo == nil && first.Equal(second)
}

// sameQuantity compares amounts such as 1000m and 1. At least one of them has to
// have a unit: 1.1 and 1.10 may as well be versions.
func sameQuantity(a, b any) bool {
	x, isText := a.(string)
	y, isTextToo := b.(string)
	if !isText || !isTextToo || !strings.ContainsAny(x+y, "numkKMGTPEi") {
		return false
	}
	first, err := resource.ParseQuantity(x)
	second, errToo := resource.ParseQuantity(y)
	return err == nil && errToo == nil && first.Cmp(second) == 0
}

func canonical(value any) any {
	switch number := value.(type) {
	case float64:
		if whole := int64(number); float64(whole) == number {
			return whole
		}
	case int:
		return int64(number)
	}
	return value
}
