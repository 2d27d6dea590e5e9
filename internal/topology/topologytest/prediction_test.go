// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package topologytest

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/terraform-capi/terraform-provider-capi/internal/acctest"
	"github.com/terraform-capi/terraform-provider-capi/internal/topology"
)

// What rolls is foretold for edits by chance, each made to the real objects, and
// compared with what upstream's controllers make of it: no more, and no less.
func TestIntegrationPrediction(t *testing.T) {
	controllers := New(t, acctest.NeedAPIServer(t))
	edits := slices.Concat(templateEdits, classEdits, clusterEdits)
	for seed := range uint64(4) {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			t.Parallel()
			random := rand.New(rand.NewPCG(seed, seed))
			w := newWorld(t, fmt.Sprintf("prediction-%d", seed))
			settle(t, controllers, w)
			reality := observe(t.Context(), t, controllers, client.ObjectKeyFromObject(w.cluster))
			for i := range *acctest.Edits / 2 {
				edit := edits[random.IntN(len(edits))]
				next := w.deepCopy()
				edit.change(next, random)
				rolls := predict(t, controllers, w, next, reality)
				settle(t, controllers, next)
				nextReality := observe(t.Context(), t, controllers, client.ObjectKeyFromObject(w.cluster))
				rolled := nextReality.rolledSince(t.Context(), t, controllers, reality)
				t.Logf("%d: %s: %v", i, edit.name, rolls)
				if !same(predicted(rolls), rolled) {
					t.Fatalf("edit %d, %s: foretold is %v, and what rolled is %v", i, edit.name, rolls, rolled)
				}
				w, reality = next, nextReality
			}
		})
	}
}

func settle(t *testing.T, c *Controllers, w *world) {
	t.Helper()
	if err := w.rename(); err != nil {
		t.Fatal(err)
	}
	if err := w.apply(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	if err := c.Settle(t.Context(), client.ObjectKeyFromObject(w.blueprint.Class), client.ObjectKeyFromObject(w.cluster)); err != nil {
		t.Fatal(err)
	}
}

func predict(t *testing.T, c *Controllers, before, after *world, reality *reality) []topology.Roll {
	t.Helper()
	planned, err := after.planned(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	old, problems := topology.Render(t.Context(), before.blueprint, reality.cluster, nil)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	updated, problems := topology.Render(t.Context(), after.blueprint, planned, old)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	rolls, problems := topology.Compare(old, updated)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	return rolls
}
