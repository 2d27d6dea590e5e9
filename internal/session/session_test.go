// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package session_test

import (
	"sync"
	"testing"

	"github.com/terraform-capi/terraform-provider-capi/internal/session"
)

type part struct{ sync.Map }

func TestPartsAreOfASession(t *testing.T) {
	one, other := session.New(nil), session.New(nil)
	session.Part[part](one).Store("a", 1)
	if _, found := session.Part[part](one).Load("a"); !found {
		t.Error("a session does not keep its part")
	}
	if _, found := session.Part[part](other).Load("a"); found {
		t.Error("two sessions share a part")
	}
}

func TestClaim(t *testing.T) {
	s := session.New(nil)
	for _, test := range []struct {
		step     session.Step
		kind, id string
		want     bool
	}{
		{session.Plan, "capi_cluster", "default/web", true},
		{session.Create, "capi_cluster", "default/web", true},
		{session.Plan, "capi_cluster_class", "default/web", true},
		{session.Plan, "capi_cluster", "default/db", true},
		{session.Plan, "capi_cluster", "default/web", false},
		{session.Create, "capi_cluster", "default/web", false},
	} {
		if got := s.Claim(test.step, test.kind, test.id); got != test.want {
			t.Errorf("Claim(%s, %s, %s) = %t", test.step, test.kind, test.id, got)
		}
	}
	if !session.New(nil).Claim(session.Plan, "capi_cluster", "default/web") {
		t.Error("two sessions share a claim")
	}
}

func TestManages(t *testing.T) {
	s := session.New(nil)
	s.Manage("1")
	if !s.Manages("1") || s.Manages("2") || session.New(nil).Manages("1") {
		t.Error("a session manages what was noted in it, and nothing else")
	}
}
