// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package provider

import (
	"runtime/debug"
	"testing"
)

func TestCollectLess(t *testing.T) {
	for _, tc := range []struct {
		environment string
		want        int
	}{{"", garbagePercent}, {"50", 100}} {
		before := debug.SetGCPercent(100)
		t.Setenv("GOGC", tc.environment)
		CollectLess()
		if got := debug.SetGCPercent(before); got != tc.want {
			t.Errorf("with GOGC=%q the percentage is %d, want %d", tc.environment, got, tc.want)
		}
	}
}
