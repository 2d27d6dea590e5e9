// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package crash_test

import (
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// seeds is how many further crashes by chance there are, beyond one at every site.
var seeds = flag.Int("seeds", 0, "number of crashes by chance")

// operations are what is interrupted.
var operations = []string{"create", "update", "delete", "read"}

// operate makes the resource ready for an operation, and returns the operation.
func operate(t *testing.T, tf *terraform, operation string, s scenario, name string) func() error {
	t.Helper()
	if operation == "create" {
		return func() error { return tf.apply(s.config(t, name)) }
	}
	if err := tf.apply(s.config(t, name)); err != nil {
		t.Fatalf("cannot create it: %v", err)
	}
	switch operation {
	case "read":
		return tf.refresh
	case "update":
		changed := s.changed(t, name)
		return func() error { return tf.apply(changed) }
	}
	return tf.destroy
}

var runs atomic.Int64

// crash has the fault happen in an operation, and then lives on as a user would: the
// configuration is applied, or what the error says that can be imported is imported;
// then the plan is empty, and what is destroyed leaves nothing.
func crash(t *testing.T, on *suite, s scenario, operation string, f *fault) (order []string, counts map[string]int) {
	t.Helper()
	name := fmt.Sprintf("test-%d", runs.Add(1))
	w := newWorld(t, on)
	if s.prepare != nil {
		s.prepare(t, on, name)
	}
	mine := func() []string { return inventory(t, on, name, s.alone) }
	before, containers := mine(), w.containers()
	tf := newTerraform(w, s.resourceType)
	run := operate(t, tf, operation, s, name)
	w.watch(f)
	failure := run()
	order, counts = w.watch(nil)
	if f == nil && failure != nil {
		t.Fatalf("without a fault: %v", failure)
	}
	config := s.config(t, name)
	if operation == "delete" && tf.state != nil {
		if err := tf.destroy(); err != nil {
			t.Fatalf("after %v, destroying again: %v", failure, err)
		}
	}
	if operation != "delete" {
		if err := tf.apply(config); err != nil {
			if err := tf.importNamed(err); err != nil {
				t.Fatalf("after %v, applying again: %v", failure, err)
			}
			if err := tf.apply(config); err != nil {
				t.Fatalf("after %v, applying what was imported: %v", failure, err)
			}
		}
		if tf.state == nil {
			t.Fatalf("after %v, nothing is in the state", failure)
		}
		if changes, err := tf.plan(config); err != nil || changes != "" {
			t.Fatalf("after %v, the plan is not empty: %s, %v", failure, changes, err)
		}
		if err := tf.destroy(); err != nil {
			t.Fatalf("after %v, destroying: %v", failure, err)
		}
	}
	if tf.state != nil {
		t.Error("what was destroyed is in the state")
	}
	if diff := cmp.Diff(before, mine()); diff != "" {
		t.Errorf("after %v, left or touched are:\n%s", failure, diff)
	}
	if diff := cmp.Diff(containers, w.containers()); diff != "" {
		t.Errorf("after %v, left or touched are:\n%s", failure, diff)
	}
	return order, counts
}

// faults are the places and ways to fail in an operation. Those that were met in
// another operation of the resource are left out, unless something is written there:
// that is met in each operation, before and after it took effect, if that does not
// take too long.
func faults(order []string, counts map[string]int, met map[string]bool, thorough bool) []*fault {
	var all []*fault
	for _, site := range order {
		switch {
		case thorough && isWrite(site):
			all = append(all, &fault{site: site, nth: 1}, &fault{site: site, nth: 1, after: true},
				&fault{site: site, nth: counts[site], after: true, stop: true})
		case !met[site]:
			way := len(met)
			all = append(all, &fault{site: site, nth: 1, after: way%2 == 0, stop: way%3 == 1})
		}
		met[site] = true
	}
	return all
}

// isWrite says whether a call changes something.
func isWrite(site string) bool {
	for _, write := range []string{"POST", "PUT", "PATCH", "DELETE", "docker create", "docker cp -", "docker rm", "docker rename", "docker exec --interactive", "kind"} {
		if strings.HasPrefix(site, write) && !strings.HasSuffix(site, "(dry run)") {
			return true
		}
	}
	return false
}

func TestCrash(t *testing.T) {
	full, bare := newSuite(t, false), newSuite(t, true)
	for _, name := range slices.Sorted(maps.Keys(scenarios)) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			on := full
			if scenarios[name].bare {
				on = bare
			}
			crashEverywhere(t, on, scenarios[name])
		})
	}
}

func crashEverywhere(t *testing.T, on *suite, s scenario) {
	t.Helper()
	met := map[string]bool{}
	for _, operation := range operations {
		t.Run(operation, func(t *testing.T) {
			order, counts := crash(t, on, s, operation, nil)
			all := faults(order, counts, met, !s.alone)
			t.Logf("%d call sites, %d faults", len(order), len(all))
			for _, f := range all {
				t.Run(f.String(), func(t *testing.T) {
					if !s.alone {
						t.Parallel()
					}
					crash(t, on, s, operation, f)
				})
			}
		})
	}
}

// TestCrashByChance fails anywhere, as often as is asked for.
func TestCrashByChance(t *testing.T) {
	if *seeds == 0 {
		t.Skip("-seeds says how many crashes")
	}
	suites, known := map[bool]*suite{false: newSuite(t, false), true: newSuite(t, true)}, map[string][]*fault{}
	names := slices.Sorted(maps.Keys(scenarios))
	for seed := range *seeds {
		random := rand.New(rand.NewPCG(uint64(seed), 1))
		name, operation := names[random.IntN(len(names))], operations[random.IntN(len(operations))]
		s, on := scenarios[name], suites[scenarios[name].bare]
		if known[name+operation] == nil {
			order, counts := crash(t, on, s, operation, nil)
			for _, site := range order {
				for nth := range counts[site] {
					known[name+operation] = append(known[name+operation], &fault{site: site, nth: nth + 1})
				}
			}
		}
		f := *known[name+operation][random.IntN(len(known[name+operation]))]
		f.after, f.stop = random.IntN(2) == 0, random.IntN(4) == 0
		t.Run(fmt.Sprintf("%d/%s/%s/%s", seed, name, operation, &f), func(t *testing.T) {
			if !s.alone {
				t.Parallel()
			}
			crash(t, on, s, operation, &f)
		})
	}
}

// String names the fault.
func (f *fault) String() string {
	verb, when := "kill", "before"
	if f.stop {
		verb = "interrupt"
	}
	if f.after {
		when = "after"
	}
	return strings.ReplaceAll(fmt.Sprintf("%s %s %s #%d", verb, when, f.site, f.nth), "/", "|")
}
