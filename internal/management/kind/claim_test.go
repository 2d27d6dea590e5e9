// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package kind

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/terraform-capi/terraform-provider-capi/internal/management/kind/kindtest"
)

// A claim is alive for as long as its holder is, however long that takes.
func TestClaimStaysAlive(t *testing.T) {
	docker := kindtest.New(image)
	const lapse = 3 * time.Second
	clusters := NewFor(docker, lapse)
	k, err := clusters.acquire(t.Context(), small)
	if err != nil {
		t.Fatal(err)
	}
	time.Sleep(lapse + lapse/beatsPerLapse) //nolint:forbidigo // The time that passes is what is tested.
	if _, err := clusters.acquire(t.Context(), small); !errors.Is(err, ErrBeingCreated) || !strings.Contains(err.Error(), "process") {
		t.Errorf("error is %v", err)
	}
	if err := k.release(t.Context()); err != nil {
		t.Error(err)
	}
	if names := docker.Names(); len(names) > 0 {
		t.Errorf("left are %q", names)
	}
	if err := k.release(t.Context()); !errors.Is(err, ErrTakenOver) {
		t.Errorf("released again: %v", err)
	}
}

// A holder that finds out that its claim was taken over says so.
func TestClaimLost(t *testing.T) {
	for name, take := range map[string]func(docker *kindtest.Engine){
		"removed": func(docker *kindtest.Engine) { docker.Remove("terraform-capi-claim-mgmt") },
		"set aside": func(docker *kindtest.Engine) {
			docker.Edit("terraform-capi-claim-mgmt", func(c *kindtest.Container) { c.Name = "aside" })
		},
	} {
		docker := kindtest.New(image)
		k, err := NewFor(docker, 10*time.Millisecond).acquire(t.Context(), small)
		if err != nil {
			t.Fatal(err)
		}
		take(docker)
		<-k.lost
		if err := k.release(t.Context()); !errors.Is(err, ErrTakenOver) {
			t.Errorf("%s: error is %v", name, err)
		}
		k.abandon()
	}
}

// An answer that was lost does not make a creation wait for itself.
func TestClaimWhoseAnswerWasLost(t *testing.T) {
	docker := kindtest.New(image)
	docker.After = func(call string) error {
		if strings.HasPrefix(call, "docker create") {
			return errors.New("Conflict. The container name \"/a\" is already in use by container \"1\"")
		}
		return nil
	}
	k, err := NewFor(docker, silent).acquire(t.Context(), small)
	if err != nil {
		t.Fatal(err)
	}
	if err := k.release(t.Context()); err != nil || len(docker.Names()) > 0 {
		t.Errorf("%v, left are %q", err, docker.Names())
	}
}

// The clock of the engine's host may be set back.
func TestClaimOfTheFuture(t *testing.T) {
	docker := kindtest.New(image)
	docker.Add(kindtest.Container{
		Name: "terraform-capi-claim-mgmt", Labels: map[string]string{claimLabel: "mgmt", claimNonceLabel: "dead"},
		Files: map[string]string{heartbeatPath: time.Now().Add(2 * silent).Format(time.RFC3339Nano)},
	})
	k, err := NewFor(docker, silent).acquire(t.Context(), small)
	if err != nil {
		t.Fatal(err)
	}
	k.abandon()
}

// A container that this provider did not make is not taken for a claim, and a claim
// without a nonce does not account for nodes without one.
func TestClaimOfOthers(t *testing.T) {
	docker := kindtest.New(image)
	docker.Add(kindtest.Container{Name: "terraform-capi-claim-mgmt", Labels: map[string]string{claimLabel: "another"}})
	if _, err := NewFor(docker, silent).Create(t.Context(), small); err == nil || !strings.Contains(err.Error(), "rename or remove it") {
		t.Errorf("error is %v", err)
	}
	docker.Edit("terraform-capi-claim-mgmt", func(c *kindtest.Container) { c.Labels = map[string]string{claimLabel: "mgmt"} })
	docker.Add(kindtest.Container{Name: "mgmt-control-plane", Labels: map[string]string{Label: "mgmt", roleLabel: "control-plane"}})
	docker.Advance(2 * silent)
	if _, err := NewFor(docker, silent).Create(t.Context(), small); !errors.Is(err, ErrExists) {
		t.Errorf("error is %v", err)
	}
}
