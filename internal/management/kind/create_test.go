// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package kind

import (
	"context"
	"errors"
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
