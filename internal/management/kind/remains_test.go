// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package kind

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/terraform-capi/terraform-provider-capi/internal/management/kind/kindtest"
)

// A creation that is killed at any moment leaves to the next one what it made, and
// nothing else. That one may be killed, too.
func TestCreateAfterKill(t *testing.T) {
	for first := 0; ; first++ {
		if !killed(t, newEngine(), first) {
			if first < 15 {
				t.Fatalf("a creation made %d calls", first)
			}
			return
		}
		for second := 0; ; second++ {
			docker := newEngine()
			killed(t, docker, first)
			if !killed(t, docker, second) {
				break
			}
			if _, err := create(t.Context(), NewFor(docker, silent), full); err != nil {
				t.Errorf("killed after %d calls, and %d calls: %v", first, second, err)
			}
			expectContainers(t, docker, "mgmt-control-plane")
			description, err := NewFor(docker, silent).Describe(t.Context(), "mgmt")
			if err != nil || description.Status != StatusRunning || !cmp.Equal(description.Config, full) {
				t.Errorf("killed after %d calls, and %d calls: %+v, %v", first, second, description, err)
			}
		}
	}
}

// killed creates a cluster in a process that is killed after that many calls. It says
// whether it was, and lets the time pass until that is known.
func killed(t *testing.T, docker *kindtest.Engine, calls int) bool {
	t.Helper()
	process := docker.Process(calls)
	_, err := create(t.Context(), NewFor(process, silent), full)
	if process.Killed() != (err != nil) {
		t.Fatalf("killed after %d calls: %t, %v", calls, process.Killed(), err)
	}
	docker.Advance(2 * silent)
	return process.Killed()
}

// What a creation made that was killed when it had finished is taken over, and is
// started if it was stopped meanwhile. Unfinished, it is removed.
func TestCreateTakesOver(t *testing.T) {
	for last, adopted := range map[string]bool{"kind run": false, "kind finish": false, "docker cp - ": true} {
		docker := newEngine()
		process := docker.Process(-1)
		dying := false
		process.Before = func(call string) error {
			if dying {
				process.Kill()
			}
			dying = strings.HasPrefix(call, last)
			return nil
		}
		if _, err := create(t.Context(), NewFor(process, silent), full); err == nil {
			t.Fatal("it was not killed")
		}
		id := idOf(t, docker, "mgmt-control-plane")
		docker.SetState("mgmt-control-plane", "exited")
		docker.Advance(2 * silent)
		clusters := NewFor(docker, silent)
		if err := clusters.CheckName(t.Context(), "mgmt"); err != nil {
			t.Errorf("%s: a plan would refuse: %v", last, err)
		}
		remains, err := create(t.Context(), clusters, full)
		if diff := cmp.Diff([]Remains{{Nodes: []string{"mgmt-control-plane"}, Adopted: adopted}}, remains); diff != "" || err != nil {
			t.Errorf("%s: %s, %v", last, diff, err)
		}
		if same := idOf(t, docker, "mgmt-control-plane") == id; same != adopted {
			t.Errorf("%s: same cluster: %t", last, same)
		}
		if c := docker.Containers(); !slices.ContainsFunc(c, func(c kindtest.Container) bool { return c.Name == "mgmt-control-plane" && c.State == "running" }) {
			t.Errorf("%s: the cluster does not run", last)
		}
		expectContainers(t, docker, "mgmt-control-plane")
	}
}

// A container that docker is creating is listed before it can be inspected.
func TestCreateFindsUnbornNode(t *testing.T) {
	docker := newEngine()
	process := docker.Process(-1)
	process.Before = func(call string) error {
		if strings.HasPrefix(call, "kind init") {
			process.Kill()
		}
		return nil
	}
	if _, err := create(t.Context(), NewFor(process, silent), full); err == nil {
		t.Fatal("it was not killed")
	}
	docker.Edit("mgmt-control-plane", func(c *kindtest.Container) { c.Unborn = true })
	docker.Advance(2 * silent)
	inspections := 0
	docker.Before = func(call string) error {
		if strings.HasPrefix(call, "docker inspect") {
			inspections++
			if inspections == 2 {
				docker.Edit("mgmt-control-plane", func(c *kindtest.Container) { c.Unborn = false })
			}
		}
		return nil
	}
	if remains, err := create(t.Context(), NewFor(docker, silent), full); len(remains) != 1 || err != nil {
		t.Errorf("%v, %v", remains, err)
	}
}

// A cluster of another configuration is somebody's: neither taken over nor removed.
func TestCreateLeavesAnotherConfiguration(t *testing.T) {
	docker := newEngine()
	process := docker.Process(-1)
	creation, err := NewFor(process, silent).Create(t.Context(), full)
	if err != nil {
		t.Fatal(err)
	}
	process.Kill()
	if err := creation.Release(t.Context()); err == nil {
		t.Fatal("a dead process released its claim")
	}
	docker.Advance(2 * silent)
	id := idOf(t, docker, "mgmt-control-plane")
	for range 2 {
		var unlike *UnlikeError
		if _, err := create(t.Context(), NewFor(docker, silent), small); !errors.As(err, &unlike) || !slices.Equal(unlike.Nodes, []string{"mgmt-control-plane"}) {
			t.Errorf("error is %v", err)
		}
	}
	if _, err := create(t.Context(), NewFor(docker, silent), full); err != nil {
		t.Error(err)
	}
	if idOf(t, docker, "mgmt-control-plane") != id {
		t.Error("the cluster was replaced")
	}
	expectContainers(t, docker, "mgmt-control-plane")
}

// A process that was suspended for so long that another one took over touches nothing
// of what that makes.
func TestCreateSuspended(t *testing.T) {
	for _, step := range []string{"docker create", "kind run", "kind init", "kind finish", "docker cp - ", "docker rm"} {
		docker := newEngine()
		process := docker.Process(-1)
		var id string
		suspended := false
		process.Before = func(call string) error {
			if !suspended && strings.HasPrefix(call, step) {
				suspended = true
				docker.Advance(2 * silent)
				if _, err := create(t.Context(), NewFor(docker, silent), full); err != nil {
					return fmt.Errorf("the other creation failed: %w", err)
				}
				id = idOf(t, docker, "mgmt-control-plane")
			}
			return nil
		}
		creation, err := NewFor(process, silent).Create(t.Context(), full)
		if err == nil {
			err = creation.Release(t.Context())
		}
		if err == nil {
			t.Errorf("%s: no error", step)
		}
		expectContainers(t, docker, "mgmt-control-plane")
		if got := idOf(t, docker, "mgmt-control-plane"); got != id {
			t.Errorf("%s: the cluster was replaced", step)
		}
	}
}
