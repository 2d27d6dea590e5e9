// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package kind

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/terraform-capi/terraform-provider-capi/internal/management/kind/kindtest"
)

// silent is a lapse within which no test needs a sign of life.
const silent = time.Hour

var small = Config{Name: "mgmt", NodeImage: image}

// foreign are containers that no creation may touch: another KinD cluster, and one of
// a workload cluster called as the management cluster.
var foreign = []kindtest.Container{
	{Name: "other-control-plane", Labels: map[string]string{Label: "other", roleLabel: "control-plane"}},
	{Name: "mgmt-lb", Labels: map[string]string{ourLabels + "cluster": "mgmt", ourLabels + "machine": ""}},
	{Name: "terraform-capi-claim-mgmt-other", Labels: map[string]string{claimLabel: "mgmt-other", claimNonceLabel: "other"}},
}

func newEngine() *kindtest.Engine {
	docker := kindtest.New(image)
	for _, c := range foreign {
		docker.Add(c)
	}
	return docker
}

// expectContainers are those of others, and these.
func expectContainers(t *testing.T, docker *kindtest.Engine, want ...string) {
	t.Helper()
	for _, c := range foreign {
		want = append(want, c.Name)
	}
	slices.Sort(want)
	if diff := cmp.Diff(want, docker.Names()); diff != "" {
		t.Error(diff)
	}
}

// create creates a cluster to the end.
func create(ctx context.Context, clusters *Clusters, config Config) ([]Remains, error) {
	creation, err := clusters.Create(ctx, config)
	if err != nil {
		return nil, err
	}
	return creation.Remains, creation.Release(ctx)
}

func TestCreate(t *testing.T) {
	docker := newEngine()
	remains, err := create(t.Context(), NewFor(docker, silent), full)
	if err != nil || remains != nil {
		t.Fatalf("%v, %v", remains, err)
	}
	expectContainers(t, docker, "mgmt-control-plane")
	id := idOf(t, docker, "mgmt-control-plane")
	if _, err := create(t.Context(), NewFor(docker, silent), full); !errors.Is(err, ErrExists) {
		t.Errorf("the second creation: %v", err)
	}
	expectContainers(t, docker, "mgmt-control-plane")
	if idOf(t, docker, "mgmt-control-plane") != id {
		t.Error("the second creation replaced the cluster")
	}
}

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

// Whenever a second creation begins, the first one finishes what it makes.
func TestCreateTwoAtOnce(t *testing.T) {
	for _, moment := range []string{"docker create", "kind list", "kind run", "kind init", "kind finish", "docker cp - ", "docker rm"} {
		t.Run(moment, func(t *testing.T) {
			t.Parallel()
			docker := newEngine()
			const lapse = 6 * time.Second
			winner := docker.Process(-1)
			var loser error
			begun := false
			winner.Before = func(call string) error {
				if strings.HasPrefix(call, moment) && !begun {
					begun = true
					_, loser = create(t.Context(), NewFor(docker, lapse), full)
				}
				return nil
			}
			_, err := create(t.Context(), NewFor(winner, lapse), full)
			if moment == "docker create" {
				// The second one overtakes.
				err, loser = loser, err
			}
			if err != nil {
				t.Errorf("the winner: %v", err)
			}
			if !errors.Is(loser, ErrExists) && !errors.Is(loser, ErrBeingCreated) {
				t.Errorf("the loser: %v", loser)
			}
			expectContainers(t, docker, "mgmt-control-plane")
		})
	}
}

// Nothing is deleted by its name: what others make while a creation fails, stays.
func TestCreateFailure(t *testing.T) {
	for _, step := range []string{"kind list", "kind run", "kind init", "kind finish", "docker cp - "} {
		docker := newEngine()
		docker.After = func(call string) error {
			if strings.HasPrefix(call, step) {
				return errors.New("no luck")
			}
			return nil
		}
		_, err := create(t.Context(), NewFor(docker, silent), full)
		var failure *CreateError
		if !errors.As(err, &failure) || !strings.Contains(failure.Error(), "no luck") {
			t.Errorf("%s: error is %v", step, err)
		}
		expectContainers(t, docker)
	}
	t.Run("another cluster", func(t *testing.T) {
		docker := newEngine()
		docker.Before = func(call string) error {
			if strings.HasPrefix(call, "kind run") {
				docker.Add(kindtest.Container{Name: "mgmt-control-plane", Labels: map[string]string{Label: "mgmt", roleLabel: "control-plane"}})
			}
			return nil
		}
		if _, err := create(t.Context(), NewFor(docker, silent), full); err == nil {
			t.Error("no error")
		}
		expectContainers(t, docker, "mgmt-control-plane")
	})
	t.Run("no image", func(t *testing.T) {
		docker := kindtest.New()
		_, err := create(t.Context(), NewFor(docker, silent), full)
		if !errors.Is(err, errImage) || len(docker.Names()) > 0 {
			t.Errorf("%v, %q", err, docker.Names())
		}
	})
}

// What cannot be deleted after a failure, the next creation deletes.
func TestCreateFailureCannotCleanUp(t *testing.T) {
	docker := newEngine()
	docker.Before = func(call string) error {
		if strings.HasPrefix(call, "kind init") || strings.HasPrefix(call, "docker rm") {
			return errors.New("the disk is full")
		}
		return nil
	}
	_, err := create(t.Context(), NewFor(docker, silent), full)
	var failure *CreateError
	if !errors.As(err, &failure) || !strings.Contains(failure.Left, "the next apply deletes it") {
		t.Errorf("error is %v, %+v", err, failure)
	}
	docker.Before = nil
	docker.Advance(2 * silent)
	remains, err := create(t.Context(), NewFor(docker, silent), full)
	if len(remains) != 1 || err != nil {
		t.Errorf("%v, %v", remains, err)
	}
	expectContainers(t, docker, "mgmt-control-plane")
}

func TestCreateInterrupted(t *testing.T) {
	for _, step := range []string{"kind run", "kind init", "kind finish"} {
		docker := newEngine()
		ctx, cancel := context.WithCancel(t.Context())
		docker.Before = func(call string) error {
			if strings.HasPrefix(call, step) {
				cancel()
				// KinD is busy until its container has gone.
				for step != "kind run" && slices.Contains(docker.Names(), "mgmt-control-plane") {
					time.Sleep(time.Millisecond) //nolint:forbidigo // There is nothing to wait on.
				}
			}
			return nil
		}
		_, err := create(ctx, NewFor(docker, silent), full)
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s: error is %v", step, err)
		}
		expectContainers(t, docker)
	}
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

func idOf(t *testing.T, docker *kindtest.Engine, name string) string {
	t.Helper()
	for _, c := range docker.Containers() {
		if c.Name == name {
			return c.ID
		}
	}
	t.Fatalf("there is no container %s", name)
	return ""
}
