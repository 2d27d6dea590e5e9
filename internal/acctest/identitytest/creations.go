// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package identitytest

import (
	"testing"
	"time"

	"github.com/terraform-capi/terraform-provider-capi/internal/acctest"
	"github.com/terraform-capi/terraform-provider-capi/internal/management"
)

// Creations tests that a resource never takes over an object that exists, except what
// an interrupted creation left.
func (s Subject) Creations(t *testing.T) {
	t.Helper()
	for name, test := range map[string]func(t *testing.T, w workspace){
		"an object of another workspace":               existing,
		"another workspace creates it after the plan":  createdMeanwhile,
		"two resources of a configuration":             twice,
		"another apply is under way":                   underWay,
		"what an interrupted apply left is taken over": interrupted,
	} {
		t.Run(name, func(t *testing.T) {
			w := s.open(t, acctest.NeedAPIServer(t).Engine())
			t.Cleanup(w.remove)
			test(t, w)
		})
	}
}

// again is another workspace with the same configuration.
func (w workspace) again() workspace {
	w.t.Helper()
	return w.open(w.t, w.env.Engine())
}

// needUntouched fails the test if the object changed.
func (w workspace) needUntouched(before string) {
	w.t.Helper()
	if after := w.version(); after != before {
		w.t.Errorf("the object was %s, and is %s", before, after)
	}
}

// version changes if somebody changes or replaces the object. Its status does not
// count.
func (w workspace) version() string {
	w.t.Helper()
	live := w.live()
	if live == nil {
		return "not there"
	}
	return string(live.GetUID()) + " " + live.GetAnnotations()[management.CreationAnnotation]
}

func existing(t *testing.T, w workspace) {
	t.Helper()
	created := w.create()
	before := w.version()
	planned := w.again().plan(w.Change, acctest.Object{})
	w.need("plan", acctest.WithoutWarnings(planned.Diagnostics), "ERROR: Already exists")
	w.needUntouched(before)
	read, diagnostics := w.read(created)
	w.need("refresh of the first workspace", diagnostics)
	if !read.Exists() {
		t.Error("the first workspace has lost the object")
	}
}

func createdMeanwhile(t *testing.T, w workspace) {
	t.Helper()
	second := w.again()
	planned := second.plan(w.Change, acctest.Object{})
	w.need("plan", acctest.WithoutWarnings(planned.Diagnostics))
	w.create()
	before := w.version()
	applied, diagnostics := second.apply(planned)
	w.need("apply", diagnostics, "ERROR: Already exists")
	if applied.Exists() {
		t.Error("the second workspace has the object in its state")
	}
	w.needUntouched(before)
}

func twice(t *testing.T, w workspace) {
	t.Helper()
	first := w.plan(nil, acctest.Object{})
	w.need("plan of the first", acctest.WithoutWarnings(first.Diagnostics))
	second := w.plan(w.Change, acctest.Object{})
	w.need("plan of the second", acctest.WithoutWarnings(second.Diagnostics), "ERROR: Two resources create the same object")
}

// timing is that of creations, which tests can wait for.
var timing = management.CreationTiming{Heartbeat: 200 * time.Millisecond, Lapse: 2 * time.Second}

// begin is another apply, up to the creation of the object.
func (w workspace) begin() *management.Creation {
	w.t.Helper()
	cluster, err := management.NewCluster(w.t.Context(), "", w.env.Cluster.RESTConfig)
	if err != nil {
		w.t.Fatal(err)
	}
	cluster.Timing = timing
	w.again().create()
	created := w.live()
	w.remove()
	created.SetFinalizers(nil)
	creation, err := cluster.Begin(w.t.Context(), created)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(creation.Stop)
	return creation
}

func underWay(t *testing.T, w workspace) {
	t.Helper()
	creation := w.begin()
	before := w.uid()
	applied, diagnostics := w.apply(w.plan(nil, acctest.Object{}))
	w.need("apply", acctest.WithoutWarnings(diagnostics), "ERROR: Being created")
	if applied.Exists() {
		t.Error("the object is in the state")
	}
	if w.uid() != before {
		t.Error("the object was replaced")
	}
	if err := creation.Finish(t.Context()); err != nil {
		t.Errorf("the other apply was disturbed: %v", err)
	}
}

func interrupted(t *testing.T, w workspace) {
	t.Helper()
	w.begin().Stop()
	before := w.uid()
	applied, diagnostics := w.apply(w.plan(w.Change, acctest.Object{}))
	w.need("apply", diagnostics, "WARNING: Interrupted creation taken over")
	if !applied.Exists() || w.uid() != before {
		t.Errorf("in the state: %t, the object was %s, and is %s", applied.Exists(), before, w.uid())
	}
	if mark := w.live().GetAnnotations()[management.CreationAnnotation]; mark != "" {
		t.Errorf("the mark %q outlives the creation", mark)
	}
	w.need("a third workspace", acctest.WithoutWarnings(w.again().plan(nil, acctest.Object{}).Diagnostics), "ERROR: Already exists")
	destroyed, diagnostics := w.destroy(applied)
	w.need("destroy", diagnostics)
	if destroyed.Exists() || w.live() != nil {
		t.Error("what was taken over is not destroyed")
	}
}
