// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

// Package session is what the resources of one provider instance share: the
// connections to management clusters, and what one resource has to know of
// another that Terraform does not show it. Terraform makes a new resource value
// for each request, so nothing can be kept there, and a process may serve
// several provider instances, so nothing can be kept in the package either.
package session

import (
	"reflect"
	"sync"

	"github.com/terraform-capi/terraform-provider-capi/internal/management"
)

// Session is one provider instance, from its configuration to the end of the
// plan or apply. It may be used concurrently.
type Session struct {
	// Resolver has the connections.
	*management.Resolver

	claims  sync.Map // claim to true
	managed sync.Map // types.UID to []byte

	mu    sync.Mutex
	parts map[reflect.Type]any
}

// New returns the session of a provider instance that was just configured.
func New(resolver *management.Resolver) *Session {
	return &Session{Resolver: resolver, parts: map[reflect.Type]any{}}
}

// Part returns what a package keeps in a session: the only value of its type T
// there, which is zero at first.
func Part[T any](s *Session) *T {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := reflect.TypeFor[T]()
	part, ok := s.parts[key].(*T)
	if !ok {
		part = new(T)
		s.parts[key] = part
	}
	return part
}
