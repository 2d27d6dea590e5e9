// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package session_test

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/terraform-capi/terraform-provider-capi/internal/management"
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

func TestMayCreate(t *testing.T) {
	for name, test := range map[string]struct {
		existing metav1.ObjectMeta
		recorded types.UID
		want     bool
	}{
		"of nobody's":     {metav1.ObjectMeta{UID: "1"}, "", false},
		"another's":       {metav1.ObjectMeta{UID: "1"}, "2", false},
		"in the state":    {metav1.ObjectMeta{UID: "managed"}, "", true},
		"read later":      {metav1.ObjectMeta{UID: "read later"}, "2", true},
		"recorded":        {metav1.ObjectMeta{UID: "1"}, "1", true},
		"being deleted":   {metav1.ObjectMeta{UID: "1", DeletionTimestamp: &metav1.Time{}}, "", true},
		"perhaps cut off": {metav1.ObjectMeta{UID: "1", Annotations: map[string]string{management.CreationAnnotation: "x/0"}}, "", true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := session.New(nil)
				s.Manage("managed", nil)
				time.AfterFunc(time.Second, func() { s.Manage("read later", nil) })
				if got := s.MayCreate(t.Context(), &metav1.PartialObjectMetadata{ObjectMeta: test.existing}, test.recorded); got != test.want {
					t.Errorf("MayCreate is %t", got)
				}
				other := &metav1.PartialObjectMetadata{ObjectMeta: metav1.ObjectMeta{UID: "managed"}}
				if session.New(nil).MayCreate(t.Context(), other, "") {
					t.Error("two sessions share what is managed")
				}
			})
		})
	}
}
