// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package live

import (
	"fmt"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/terraform-capi/terraform-provider-capi/internal/redact"
)

// pendingCondition says how a condition differs from what is wanted. The
// condition has to be about this generation of its object, or any if that is 0.
func pendingCondition(c *metav1.Condition, conditionType string, want metav1.ConditionStatus, generation int64) string {
	switch {
	case c == nil:
		return conditionType + " is not reported yet"
	case c.Status != want:
		return describe(*c)
	case c.ObservedGeneration != 0 && c.ObservedGeneration < generation:
		return conditionType + " is of before the last change"
	}
	return ""
}

func describe(c metav1.Condition) string {
	text := fmt.Sprintf("%s is %s (%s)", c.Type, c.Status, c.Reason)
	if c.Message != "" {
		text += ": " + oneLine(c.Message)
	}
	return text
}

// oneLine makes Cluster API's bulleted messages fit a line, without credentials.
func oneLine(message string) string {
	lines := strings.FieldsFunc(redact.Text(message), func(r rune) bool { return r == '\n' })
	for i, line := range lines {
		lines[i] = strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(line), "* "))
	}
	return strings.ReplaceAll(strings.Join(lines, "; "), ":; ", ": ")
}

// conditionOf reads a condition of an object of any kind.
func conditionOf(obj *unstructured.Unstructured, conditionType string) metav1.Condition {
	list, _, _ := unstructured.NestedSlice(obj.Object, "status", "conditions")
	for _, item := range list {
		fields, _ := item.(map[string]any)
		var condition metav1.Condition
		if runtime.DefaultUnstructuredConverter.FromUnstructured(fields, &condition) == nil && condition.Type == conditionType {
			return condition
		}
	}
	return metav1.Condition{}
}
