// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package identitytest

import (
	"encoding/json"
	"regexp"
	"testing"

	"github.com/terraform-capi/terraform-provider-capi/internal/acctest"
)

const (
	another   = "ERROR: Another management cluster answers"
	notThis   = "ERROR: Another object answers"
	tooNew    = "ERROR: State of a newer version"
	someError = "ERROR: *"
)

// answer is who answers under the id of the management cluster after the resource
// was created, and what must come of it.
type answer struct {
	// engine answers; nil is the one that the resource was created with.
	engine func(t *testing.T, env *acctest.Environment) acctest.Engine
	// happens to the object meanwhile.
	happens func(w workspace)
	// newer says that a newer version of the provider recorded what the object is.
	newer bool
	// refresh, update and destroy are the diagnostics. The latter two do not come
	// after a refresh.
	refresh, update, destroy []string
	// forgotten says that the refresh forgets the resource.
	forgotten bool
	// deleted says that the destruction deletes the object.
	deleted bool
}

var answers = map[string]answer{
	"the same": {deleted: true},
	"the same, which a newer version recorded": {
		newer: true, refresh: []string{tooNew}, update: []string{tooNew}, destroy: []string{tooNew},
	},
	"another management cluster": {
		engine: func(t *testing.T, _ *acctest.Environment) acctest.Engine {
			t.Helper()
			return acctest.NeedAnotherAPIServer(t).Engine()
		},
		refresh: []string{another}, update: []string{another}, destroy: []string{another},
	},
	"an engine without the KinD cluster, which it had": {
		engine:    func(*testing.T, *acctest.Environment) acctest.Engine { return acctest.Engine{ID: acctest.EngineID} },
		forgotten: true, update: []string{"ERROR: Management cluster not found"},
	},
	"another engine, without the KinD cluster": {
		engine:  func(*testing.T, *acctest.Environment) acctest.Engine { return acctest.Engine{ID: "another"} },
		refresh: []string{another}, update: []string{another}, destroy: []string{another},
	},
	"no engine": {
		engine:  func(*testing.T, *acctest.Environment) acctest.Engine { return acctest.Engine{} },
		refresh: []string{"WARNING: Management cluster unreachable"},
		update:  []string{someError}, destroy: []string{"ERROR: Management cluster unreachable"},
	},
	"nobody": {
		engine: func(_ *testing.T, env *acctest.Environment) acctest.Engine {
			dead := regexp.MustCompile(`server: .*`).ReplaceAllString(env.Kubeconfig, "server: https://127.0.0.1:1")
			return acctest.Engine{ID: acctest.EngineID, Kubeconfigs: map[string]string{acctest.KindName: dead}}
		},
		refresh: []string{"WARNING: Management cluster unreachable"},
		update:  []string{someError}, destroy: []string{"ERROR: Management cluster unreachable"},
	},
	"an object that was created again": {
		happens: workspace.recreate,
		refresh: []string{notThis}, update: []string{notThis}, destroy: []string{notThis},
	},
	"no object": {
		happens: workspace.remove, forgotten: true, update: []string{someError},
	},
	"credentials that may not identify it": {
		engine: restricted, deleted: true,
	},
	"credentials that may not identify it, and no object": {
		engine: restricted, happens: workspace.remove,
		refresh: []string{"WARNING: Cannot tell whether it exists"},
		update:  []string{someError}, destroy: []string{"ERROR: Cannot tell whether it exists"},
	},
	"credentials that may not identify it, and an object that was created again": {
		engine: restricted, happens: workspace.recreate,
		refresh: []string{notThis}, update: []string{notThis}, destroy: []string{notThis},
	},
}

// restricted is an engine whose kubeconfig is of a user that may not read the
// namespace kube-system.
func restricted(t *testing.T, env *acctest.Environment) acctest.Engine {
	t.Helper()
	kubeconfig := env.User(t, "restricted", acctest.WithoutIdentity("default", "capi-kubeadm-bootstrap-system"))
	return acctest.Engine{ID: acctest.EngineID, Kubeconfigs: map[string]string{acctest.KindName: kubeconfig}}
}

// recordedByNewer is a private state whose record has a field that this version of the
// provider does not know.
func recordedByNewer(t *testing.T, private []byte) []byte {
	t.Helper()
	keys := map[string][]byte{}
	if err := json.Unmarshal(private, &keys); err != nil {
		t.Fatal(err)
	}
	record := map[string]any{}
	if err := json.Unmarshal(keys["record"], &record); err != nil {
		t.Fatal(err)
	}
	record["fieldOfANewerVersion"] = true
	var err error
	if keys["record"], err = json.Marshal(record); err != nil {
		t.Fatal(err)
	}
	if private, err = json.Marshal(keys); err != nil {
		t.Fatal(err)
	}
	return private
}

// Answers tests what happens to a resource when something else answers under its id.
func (s Subject) Answers(t *testing.T) {
	t.Helper()
	for name, test := range answers {
		t.Run(name, func(t *testing.T) {
			env := acctest.NeedAPIServer(t)
			if s.Prepare != nil {
				s.Prepare(t, env)
			}
			w := s.open(t, env.Engine())
			created := w.create()
			t.Cleanup(w.remove)
			if test.newer {
				created.Private = recordedByNewer(t, created.Private)
			}
			if test.happens != nil {
				test.happens(w)
			}
			if test.engine != nil {
				w = s.open(t, test.engine(t, env))
			}
			w.hold(test, created)
		})
	}
}

// hold refreshes, updates and destroys what was created.
func (w workspace) hold(test answer, created acctest.Object) {
	w.t.Helper()
	before := w.live()
	read, diagnostics := w.read(created)
	w.need("refresh", diagnostics, test.refresh...)
	if read.Exists() == test.forgotten {
		w.t.Errorf("forgotten by the refresh: %t", !read.Exists())
	}
	updated, diagnostics := w.apply(w.plan(w.Change, created))
	w.need("update", acctest.WithoutWarnings(diagnostics), test.update...)
	if len(test.update) == 0 {
		created = updated
	} else if live := w.live(); (live == nil) != (before == nil) || live != nil && live.GetUID() != before.GetUID() {
		w.t.Errorf("the refused update changed %v to %v", before, live)
	}
	if live := w.live(); live != nil && before != nil && len(test.update) > 0 && live.GetGeneration() != before.GetGeneration() {
		w.t.Errorf("the refused update changed the object: %v", live)
	}
	destroyed, diagnostics := w.destroy(created)
	if w.Reads {
		w.need("destroy", diagnostics)
		if (w.live() == nil) != (before == nil) {
			w.t.Error("the destruction deleted what it only reads")
		}
		return
	}
	w.need("destroy", diagnostics, test.destroy...)
	if destroyed.Exists() != (len(test.destroy) > 0) {
		w.t.Errorf("kept by the destruction: %t", destroyed.Exists())
	}
	if wasThere, isThere := before != nil, w.live() != nil; isThere != (wasThere && !test.deleted) {
		w.t.Errorf("the object was there: %t, and is: %t", wasThere, isThere)
	}
}
