// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package provider

import (
	"os"
	"runtime/debug"
)

// garbagePercent lets the heap grow to five times what is in use. Plans make a lot
// of garbage around little that stays: with Go's default, a third of the time of a
// plan over hundreds of clusters is spent on collecting it.
const garbagePercent = 400

// CollectLess sets the garbage collector up for a process that plans, unless the
// environment does.
func CollectLess() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(garbagePercent)
	}
}
