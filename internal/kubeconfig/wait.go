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

// fetch waits for the kubeconfig of the model's cluster. It returns no management
// cluster if that cannot be connected to.
func fetch(ctx context.Context, s *session.Session, m *model, who identity, known management.Identity) (*management.Cluster, *credentials, error) {
	id, key, err := m.cluster()
	if err != nil {
		return nil, nil, err
	}
	mgmt, err := s.Reconnect(ctx, id, known)
	if err != nil {
		return nil, nil, err
	}
	found, err := wait(ctx, mgmt, key, m.Endpoint.ValueString(), who)
	return mgmt, found, err
}

// wait reads the kubeconfig as soon as it is there, and has credentials issued as soon as the cluster answers, or until the
// deadline of ctx.
func wait(ctx context.Context, mgmt *management.Cluster, key client.ObjectKey, endpoint string, who identity) (*credentials, error) {
	var found *credentials
	err := waiter.Wait(ctx, func(ctx context.Context) (bool, string, error) {
		kept, err := read(ctx, mgmt, key, endpoint == endpointInternal && who.isAdministrator())
		switch {
		case errors.Is(err, errNotYet):
			return false, err.Error(), nil
		case err != nil:
			return false, "", err
		case who.isAdministrator():
			found, err = kept.credentials(endpoint)
			return err == nil, "", err
		}
		found, err = kept.issue(ctx, endpoint, who)
		return err == nil, "", err
	})
	return found, err
}

// issue has the cluster issue credentials for somebody, for use from an endpoint.
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
