// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package identitytest

import (
	"testing"

	"github.com/terraform-capi/terraform-provider-capi/internal/acctest"
)

// Restricted tests the life of a resource with credentials that never allowed to
// identify the management cluster. Only that an object is gone cannot be told.
func (s Subject) Restricted(t *testing.T) {
	t.Helper()
	env := acctest.NeedAPIServer(t)
	if s.Prepare != nil {
		s.Prepare(t, env)
	}
	w := s.open(t, restricted(t, env))
	t.Cleanup(w.remove)
	created := w.create()
	read, diagnostics := w.read(created)
	w.need("refresh", diagnostics)
	uid := w.uid()
	updated, diagnostics := w.apply(w.plan(w.Change, read))
	w.need("update", diagnostics)
	if !updated.Exists() || w.uid() != uid {
		t.Errorf("in the state after the update: %t, the object was %s, and is %s", updated.Exists(), uid, w.uid())
	}
	destroyed, diagnostics := w.destroy(updated)
	w.need("destroy", diagnostics)
	if destroyed.Exists() || w.live() != nil != w.Reads {
		t.Errorf("after the destruction: in the state: %t, the object is %v", destroyed.Exists(), w.live())
	}
	w.remove()
	kept, diagnostics := w.read(updated)
	w.need("refresh without an object", diagnostics, "WARNING: Cannot tell whether it exists")
	if !kept.Exists() {
		t.Error("the refresh forgets what may exist")
	}
	if w.Reads {
		return
	}
	kept, diagnostics = w.destroy(kept)
	w.need("destroy without an object", diagnostics, "ERROR: Cannot tell whether it exists")
	if !kept.Exists() {
		t.Error("the destruction forgets what may exist")
	}
}
