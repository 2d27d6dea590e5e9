// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package kubeconfig

import (
	"context"
	"errors"
	"fmt"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/terraform-capi/terraform-provider-capi/internal/management"
	"github.com/terraform-capi/terraform-provider-capi/internal/session"
	"github.com/terraform-capi/terraform-provider-capi/internal/waiter"
)

// issueError says that a cluster answered, and did not issue credentials.
type issueError struct{ err error }

func (e *issueError) Error() string { return "no credentials were issued: " + e.err.Error() }

func (e *issueError) Unwrap() error { return e.err }

// derivation is how credentials follow from the administrator's kubeconfig.
type derivation struct {
	derive func(context.Context, *stored) (*credentials, error)
	// insideOnly says that the address for this machine is not needed.
	insideOnly bool
}

// fetch waits for the kubeconfig of the model's cluster, and derives credentials from it. It returns no management
// cluster if that cannot be connected to.
func fetch(ctx context.Context, s *session.Session, m *model, known management.Identity, how derivation) (*management.Cluster, *credentials, error) {
	id, key, err := m.cluster()
	if err != nil {
		return nil, nil, err
	}
	mgmt, err := s.Reconnect(ctx, id, known)
	if err != nil {
		return nil, nil, err
	}
	found, err := wait(ctx, mgmt, key, how)
	return mgmt, found, err
}

// wait derives credentials as soon as the kubeconfig is there and, if they are to be issued, the cluster answers; or until
// the deadline of ctx.
func wait(ctx context.Context, mgmt *management.Cluster, key client.ObjectKey, how derivation) (*credentials, error) {
	var found *credentials
	err := waiter.Wait(ctx, func(ctx context.Context) (bool, string, error) {
		kept, err := read(ctx, mgmt, key, how.insideOnly)
		switch {
		case errors.Is(err, errNotYet):
			return false, err.Error(), nil
		case err != nil:
			return false, "", err
		}
		found, err = how.derive(ctx, kept)
		return err == nil, "", err
	})
	return found, err
}

// credentialsFor derives credentials for an identity, for use from an endpoint: the administrator's are kept, others are issued.
func credentialsFor(who identity, endpoint string) derivation {
	if who.isAdministrator() {
		keep := func(_ context.Context, kept *stored) (*credentials, error) { return kept.credentials(endpoint) }
		return derivation{keep, endpoint == endpointInternal}
	}
	return derivation{derive: func(ctx context.Context, kept *stored) (*credentials, error) { return kept.issue(ctx, endpoint, who) }}
}

// issue requests credentials for an identity from the cluster, for use from an endpoint.
func (s *stored) issue(ctx context.Context, endpoint string, who identity) (*credentials, error) {
	clients, err := s.clients()
	if err != nil {
		return nil, &issueError{err}
	}
	// Whether the cluster answers at all: errors of what follows do not tell.
	if _, err := clients.Discovery().RESTClient().Get().AbsPath("/version").DoRaw(ctx); err != nil {
		return nil, fmt.Errorf("the cluster does not answer: %w", err)
	}
	user, expiresAt, err := who.issue(ctx, clients)
	if err != nil {
		return nil, &issueError{err}
	}
	return s.credentialsOf(endpoint, who.String(), user, expiresAt)
}
