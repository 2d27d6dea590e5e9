// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package topologytest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/terraform-capi/terraform-provider-capi/internal/acctest"
	"github.com/terraform-capi/terraform-provider-capi/internal/topology"
)

// What rolls, and what is refused, is foretold for edits by chance, each made to the real
// objects, and compared with what upstream's controllers make of it: no more, and no less.
func TestIntegrationPrediction(t *testing.T) {
	controllers := New(t, acctest.NeedAPIServer(t))
	edits := slices.Concat(templateEdits, versionEdits, classEdits, clusterEdits)
	for seed := range uint64(4) {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			t.Parallel()
			random := rand.New(rand.NewPCG(seed, seed))
			w := newWorld(t, fmt.Sprintf("prediction-%d", seed))
			must(t, settle(t.Context(), controllers, w))
			reality := observe(t.Context(), t, controllers, client.ObjectKeyFromObject(w.cluster))
			for i := range *acctest.Edits / 2 {
				edit := edits[random.IntN(len(edits))]
				next := w.deepCopy()
				edit.change(next, random)
				rolls, refused := predict(t, controllers, w, next, reality)
				err := settle(t.Context(), controllers, next)
				if (err != nil) != (len(refused) > 0) {
					t.Fatalf("edit %d, %s: foretold are the refusals %v, and the error is: %v", i, edit.name, refused, err)
				}
				if err != nil {
					t.Logf("%d: %s: refused: %v", i, edit.name, refused)
					must(t, settle(t.Context(), controllers, w))
					reality = observe(t.Context(), t, controllers, client.ObjectKeyFromObject(w.cluster))
					continue
				}
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

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func settle(ctx context.Context, c *Controllers, w *world) error {
	if err := w.rename(); err != nil {
		return err
	}
	if err := w.apply(ctx, c); err != nil {
		return err
	}
	return c.Settle(ctx, client.ObjectKeyFromObject(w.blueprint.Class), client.ObjectKeyFromObject(w.cluster))
}

// predict foretells what rolls, and what the API server refuses.
func predict(t *testing.T, c *Controllers, before, after *world, reality *reality) (rolls []topology.Roll, refused []topology.Problem) {
	t.Helper()
	planned, err := after.planned(t.Context(), c)
	must(t, err)
	oldBlueprint, err := before.served()
	must(t, err)
	blueprint, err := after.served()
	must(t, err)
	old, problems := topology.Render(t.Context(), oldBlueprint, reality.cluster, nil)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	updated, problems := topology.Render(t.Context(), blueprint, planned, old)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	faults, problems := updated.Faults(t.Context())
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	rolls, problems = topology.Compare(old, updated)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	return rolls, updated.Explain(t.Context(), faults)
}
