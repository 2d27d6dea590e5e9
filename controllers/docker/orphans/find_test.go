// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package orphans

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	. "github.com/onsi/gomega"

	"github.com/terraform-capi/terraform-provider-capi/controllers/docker/identity"
	"github.com/terraform-capi/terraform-provider-capi/internal/container"
)

// Every case has a container w of cluster default/test, which management cluster "old" on mgmt-control-plane made.
func TestFind(t *testing.T) {
	for name, test := range map[string]struct {
		prepare               func(*engine)
		orphans, kept, silent []string
	}{
		"its management cluster lives": {
			prepare: func(e *engine) { e.kind("mgmt", "old") },
		},
		"its management cluster is gone": {
			prepare: func(*engine) {},
			orphans: []string{"w"},
		},
		"another management cluster lives": {
			prepare: func(e *engine) { e.kind("other", "other") },
			orphans: []string{"w"},
		},
		"its management cluster was made anew": {
			prepare: func(e *engine) { e.kind("mgmt", "new") },
			orphans: []string{"w"},
		},
		"its management cluster is stopped": {
			prepare: func(e *engine) { e.kind("mgmt", "old"); e.Stop("mgmt-control-plane") },
			silent:  []string{"mgmt-control-plane"},
		},
		"its management cluster does not answer": {
			prepare: func(e *engine) { e.kind("mgmt", "") },
			silent:  []string{"mgmt-control-plane"},
		},
		"its management cluster hangs": {
			prepare: func(e *engine) {
				e.kind("mgmt", "old")
				e.OnExec = func(context.Context, string, container.Exec) (int, error) { return 0, context.DeadlineExceeded }
			},
			silent: []string{"mgmt-control-plane"},
		},
		"another management cluster is stopped": {
			prepare: func(e *engine) { e.kind("other", "other"); e.Stop("other-control-plane") },
			orphans: []string{"w"},
		},
		"the management cluster of another is elsewhere": {
			prepare: func(e *engine) { e.machine("another", "another", identity.RoleWorker, "cloud", "") },
			orphans: []string{"w"},
		},
		"moved to a workload cluster, whose own management cluster is gone": {
			prepare: func(e *engine) { e.controlPlane("pivot-a", "pivot", "pivot"); e.move("w", "pivot", "pivot-a") },
		},
		"moved to a workload cluster that manages itself": {
			prepare: func(e *engine) {
				e.controlPlane("pivot-a", "pivot", "pivot")
				for _, moved := range []string{"pivot-a", "w"} {
					e.move(moved, "pivot", "pivot-a")
				}
			},
		},
		"moved to a workload cluster whose first node is replaced and whose others are stopped": {
			prepare: func(e *engine) {
				e.machine("pivot-b", "pivot", identity.RoleControlPlane, "pivot", "pivot-a")
				e.answer("pivot-b", "pivot")
				e.Stop("pivot-b")
				e.move("w", "pivot", "pivot-a")
			},
			kept:   []string{"pivot-b"},
			silent: []string{"pivot-b"},
		},
		"moved to a management cluster that is gone": {
			prepare: func(e *engine) { e.kind("mgmt", "old"); e.move("w", "second", "second-control-plane") },
			orphans: []string{"w"},
		},
		"moved to a management cluster elsewhere": {
			prepare: func(e *engine) { e.move("w", "cloud", "") },
		},
		"its cluster is being moved": {
			prepare: func(e *engine) {
				e.kind("second", "second")
				e.worker("w2", "test")
				e.worker("elsewhere", "another")
				e.move("w2", "second", "second-control-plane")
			},
			orphans: []string{"elsewhere"},
		},
		"its cluster's control plane answers": {
			prepare: func(e *engine) { e.controlPlane("cp", "test", "test"); e.worker("elsewhere", "another") },
			orphans: []string{"elsewhere"},
			kept:    []string{"cp", "w"},
		},
		"its cluster's control plane is not made of containers": {
			prepare: func(e *engine) { e.setUp("w") },
			kept:    []string{"w"},
		},
		"it is stopped, and its cluster's control plane is not made of containers": {
			prepare: func(e *engine) { e.setUp("w"); e.Stop("w") },
			kept:    []string{"w"},
		},
		"its bootstrap has failed": {
			prepare: func(e *engine) {
				e.WriteFile("w", "/usr/local/lib/terraform-capi/result", []byte("exit=1\ncommand=kubeadm join\n\n"))
			},
			orphans: []string{"w"},
		},
		"moved, and its cluster has got nodes at both places, of which one answers": {
			prepare: func(e *engine) {
				e.machine("cp", "test", identity.RoleControlPlane, "second", "second-control-plane")
				e.answer("cp", "test")
				e.move("w", "second", "second-control-plane")
			},
			kept: []string{"cp", "w"},
		},
		"its cluster's control plane never was one": {
			prepare: func(e *engine) { e.machine("cp", "test", identity.RoleControlPlane, "old", "mgmt-control-plane") },
			orphans: []string{"cp", "w"},
		},
		"its cluster's control plane is stopped": {
			prepare: func(e *engine) {
				e.controlPlane("cp", "test", "test")
				e.Stop("cp")
				e.worker("elsewhere", "another")
			},
			orphans: []string{"elsewhere"},
			kept:    []string{"cp", "w"},
		},
		"one of its cluster's control planes is stopped": {
			prepare: func(e *engine) {
				e.controlPlane("cp1", "test", "test")
				e.controlPlane("cp2", "test", "test")
				e.Stop("cp2")
			},
			kept: []string{"cp1", "cp2", "w"},
		},
		"a namesake lives": {
			prepare: func(e *engine) {
				e.kind("new", "new")
				e.machine("w2", "test", identity.RoleWorker, "new", "new-control-plane")
			},
			orphans: []string{"w"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			e := newEngine(t)
			e.make("somebody's", map[string]string{"made-by": "hand"})
			e.worker("w", "test")
			test.prepare(e)
			findings, err := Find(t.Context(), e)
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(names(findings.Orphans)).To(Equal(test.orphans))
			g.Expect(names(findings.Kept)).To(Equal(test.kept))
			g.Expect(findings.Silent).To(Equal(test.silent))
		})
	}
}

// The management cluster "old" of container w of cluster default/test lives.
func TestFindWithoutObjects(t *testing.T) {
	const mgmt = "mgmt-control-plane"
	cluster, paused := object("Cluster", "test", "1", ""), object("Cluster", "test", "1", `, "spec": {"paused": true}`)
	for name, test := range map[string]struct {
		prepare                func(*engine)
		orphans, kept, unknown []string
		reason                 string
	}{
		"it has its object": {
			prepare: func(e *engine) { e.has(mgmt, object("DevMachine", "other", "made", "")) },
		},
		"its object was moved here, and has another UID": {
			prepare: func(e *engine) { e.has(mgmt, object("DevMachine", "w", "another", "")) },
		},
		"its object is gone, and its cluster never came up": {
			prepare: func(e *engine) { e.has(mgmt, cluster) },
			orphans: []string{"w"}, reason: reasonNoObject,
		},
		"all objects of its cluster are gone, which never came up": {
			prepare: func(e *engine) { e.has(mgmt) },
			orphans: []string{"w"}, reason: reasonNoObject,
		},
		"its object is gone, and others of its cluster are there": {
			prepare: func(e *engine) {
				e.worker("w2", "test")
				e.has(mgmt, cluster, object("DockerMachine", "w2", "another", ""))
			},
			orphans: []string{"w"}, reason: reasonNoObject,
		},
		"its object is gone, and its cluster lives": {
			prepare: func(e *engine) {
				e.controlPlane("cp", "test", "test")
				e.has(mgmt, cluster, object("DockerMachine", "cp", "another", ""))
			},
			kept: []string{"w"}, reason: reasonNoObject,
		},
		"all objects of its cluster are gone, which lives": {
			prepare: func(e *engine) { e.controlPlane("cp", "test", "test"); e.has(mgmt) },
			kept:    []string{"cp", "w"}, reason: reasonNoObject,
		},
		"its object is gone, and its node was set up": {
			prepare: func(e *engine) { e.setUp("w"); e.has(mgmt, cluster) },
			kept:    []string{"w"}, reason: reasonNoObject,
		},
		"its cluster is being moved away": {
			prepare: func(e *engine) { e.has(mgmt, paused) },
			unknown: []string{"w"}, reason: reasonPaused,
		},
		"others of its cluster were moved": {
			prepare: func(e *engine) {
				e.kind("second", "second")
				e.worker("w2", "test")
				e.move("w2", "second", "second-control-plane")
				e.has(mgmt)
			},
			unknown: []string{"w"}, reason: reasonBeingMoved,
		},
		"a kind is not served": {
			prepare: func(e *engine) { e.lists[mgmt] = "" },
			unknown: []string{"w"},
			reason:  "management cluster does not list its objects: kubectl in mgmt-control-plane: error: the server doesn't have a resource type \"devmachines\"",
		},
		"the load balancer has lost its object": {
			prepare: func(e *engine) {
				e.machine("test-lb", "test", identity.RoleLoadBalancer, "old", mgmt)
				e.has(mgmt, cluster, object("DockerMachine", "w", "another", ""))
			},
			orphans: []string{"test-lb"}, reason: reasonNoObject,
		},
		"the load balancer has its object": {
			prepare: func(e *engine) {
				e.machine("test-lb", "test", identity.RoleLoadBalancer, "old", mgmt)
				e.has(mgmt, cluster, object("DockerMachine", "w", "another", ""), object("DockerCluster", "infra", "another", ""))
			},
		},
		"it goes with its object while that is looked for": {
			prepare: func(e *engine) {
				ask := e.OnExec
				e.OnExec = func(ctx context.Context, name string, exec container.Exec) (int, error) {
					if slices.Equal(exec.Command, objectsCommand) {
						e.Vanish("w")
					}
					return ask(ctx, name, exec)
				}
				e.has(mgmt, cluster)
			},
		},
		"its label does not name the node of its management cluster": {
			prepare: func(e *engine) {
				e.machine("nameless", "test", identity.RoleWorker, "old", "")
				e.has(mgmt, cluster, object("DockerMachine", "w", "another", ""))
			},
			orphans: []string{"nameless"}, reason: reasonNoObject,
		},
		"its label does not name the node of its management cluster, which is elsewhere": {
			prepare: func(e *engine) { e.machine("nameless", "test", identity.RoleWorker, "cloud", "") },
			unknown: []string{"nameless"}, reason: reasonElsewhere,
		},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			e := newEngine(t)
			e.worker("w", "test")
			e.kind("mgmt", "old")
			test.prepare(e)
			findings, err := Find(t.Context(), e)
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(names(findings.Orphans)).To(Equal(test.orphans))
			g.Expect(names(findings.Kept)).To(Equal(test.kept))
			g.Expect(names(findings.Unknown)).To(Equal(test.unknown))
			for _, c := range slices.Concat(findings.Orphans, findings.Kept, findings.Unknown) {
				g.Expect(c.Reason).To(Equal(test.reason))
			}
		})
	}
}

// Containers that were made while the engine did not answer do not name the node; others of their management cluster do.
func TestFindNameless(t *testing.T) {
	g := NewWithT(t)
	e := newEngine(t)
	e.worker("w", "test")
	e.machine("nameless", "other", identity.RoleWorker, "old", "")
	findings, err := Find(t.Context(), e)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(names(findings.Orphans)).To(Equal([]string{"nameless", "w"}))
	g.Expect(findings.Unknown).To(BeEmpty())
}

func TestFindGroups(t *testing.T) {
	g := NewWithT(t)
	e := newEngine(t)
	e.worker("b-1", "b")
	e.worker("a-2", "a")
	e.worker("a-1", "a")
	e.machine("a-0", "a", identity.RoleWorker, "first", "first-control-plane")
	e.machine("a-3", "a", identity.RoleWorker, "second", "second-control-plane")
	e.move("a-3", "old", "mgmt-control-plane")
	findings, err := Find(t.Context(), e)
	g.Expect(err).NotTo(HaveOccurred())
	var lines []string
	for _, orphan := range findings.Orphans {
		lines = append(lines, orphan.String())
	}
	g.Expect(lines).To(Equal([]string{
		"cluster default/a of management cluster first on first-control-plane: a-0",
		"cluster default/a of management cluster old on mgmt-control-plane: a-1, a-2, a-3",
		"cluster default/b of management cluster old on mgmt-control-plane: b-1",
	}))
}

func TestFindErrors(t *testing.T) {
	for method, want := range map[string]string{
		"List":     "no engine",
		"ReadFile": "which management cluster container w belongs to: no engine",
	} {
		e := newEngine(t)
		e.worker("w", "test")
		e.BeforeCall = func(_ context.Context, called, _ string) error {
			if called == method {
				return errors.New("no engine")
			}
			return nil
		}
		_, err := Find(t.Context(), e)
		NewWithT(t).Expect(err).To(MatchError(ContainSubstring(want)))
		_, err = Of(t.Context(), e, "old")
		NewWithT(t).Expect(err).To(MatchError(ContainSubstring(want)))
	}

	// Who was not heard out may have had to say that it lives.
	for name, find := range map[string]func(context.Context, *engine) (Findings, error){
		"Find": func(ctx context.Context, e *engine) (Findings, error) { return Find(ctx, e) },
		"Of":   func(ctx context.Context, e *engine) (Findings, error) { return Of(ctx, e, "old") },
	} {
		e := newEngine(t)
		e.controlPlane("cp", "test", "")
		ctx, cancel := context.WithCancel(t.Context())
		e.OnExec = func(context.Context, string, container.Exec) (int, error) { cancel(); return 0, ctx.Err() }
		_, err := find(ctx, e)
		NewWithT(t).Expect(err).To(MatchError(context.Canceled), name)
	}

	// A worker that cannot be looked into may be set up.
	e := newEngine(t)
	e.worker("w", "test")
	e.BeforeCall = func(_ context.Context, method, subject string) error {
		if method == "ReadFile" && strings.HasSuffix(subject, "/result") {
			return errors.New("no engine")
		}
		return nil
	}
	_, err := Of(t.Context(), e, "old")
	NewWithT(t).Expect(err).To(MatchError(ContainSubstring("whether node w was set up: no engine")))
}

// Its control planes say whether a cluster lives, whatever has become of its management cluster.
func TestOf(t *testing.T) {
	g := NewWithT(t)
	e := newEngine(t)
	e.kind("mgmt", "old")
	e.worker("dead", "test")
	e.machine("dead-cp", "test", identity.RoleControlPlane, "old", "mgmt-control-plane")
	e.controlPlane("lives", "lives", "lives")
	e.controlPlane("stopped", "stopped", "stopped")
	e.Stop("stopped")
	e.worker("moved", "other")
	e.worker("being-moved", "other")
	e.move("moved", "second", "second-control-plane")
	e.machine("theirs", "test", identity.RoleWorker, "second", "second-control-plane")
	findings, err := Of(t.Context(), e, "old")
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(names(findings.Orphans)).To(Equal([]string{"dead", "dead-cp"}))
	g.Expect(findings.Kept).To(ConsistOf(
		And(HaveField("Name", "lives"), HaveField("Life", "its control plane answers")),
		And(HaveField("Name", "stopped"), HaveField("Life", "no control plane answers, but nodes were set up: stopped"))))
}
