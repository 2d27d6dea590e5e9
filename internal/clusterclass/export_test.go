// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package clusterclass

import (
	"encoding/json"
	"testing"

	"github.com/terraform-capi/terraform-provider-capi/internal/tfkit"
)

// QuickStart is upstream's manifest.
func QuickStart(t *testing.T) string {
	t.Helper()
	return readUpstream(t, quickStart)
}

// EveryField is the class with every field as a manifest, and as the values of its
// attributes in JSON.
func EveryField(t *testing.T) (text string, attributes map[string]string) {
	t.Helper()
	attributes = map[string]string{}
	for name, value := range imported(t, parse(t, everything).Object).attributes() {
		content, err := tfkit.ToAny(value)
		if err != nil {
			t.Fatal(err)
		}
		raw, err := json.Marshal(content)
		if err != nil {
			t.Fatal(err)
		}
		attributes[name] = string(raw)
	}
	return manifestOf(t), attributes
}
