// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"encoding/json"
	"testing"

	"github.com/terraform-capi/terraform-provider-capi/internal/tfkit"
)

// EveryField is the cluster with every field: the values of its attributes in JSON.
func EveryField(t *testing.T) map[string]string {
	t.Helper()
	m := empty()
	if err := m.FromAPI(applied(t, parse(t, everything))); err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	for name, value := range m.attributes() {
		content, err := tfkit.ToAny(value)
		if err != nil {
			t.Fatal(err)
		}
		raw, err := json.Marshal(content)
		if err != nil {
			t.Fatal(err)
		}
		found[name] = string(raw)
	}
	return found
}
