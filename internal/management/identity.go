// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package management

import (
	"context"
	"errors"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/terraform-capi/terraform-provider-capi/internal/management/kind"
)

// Identity tells a management cluster from every other one. Ids do not: a Docker
// context, DOCKER_HOST or the current context of a kubeconfig decides what answers
// under an id, and a cluster can be replaced by another one of its name.
type Identity struct {
	// UID is the one of the namespace kube-system, which lives as long as the
	// cluster. It is empty if the credentials do not allow to read it.
	UID types.UID `json:"uid,omitempty"`
	// KinD is what the Docker engine knows about a KinD cluster, nil for others.
	KinD *kind.Identity `json:"kind,omitempty"`
}

// Identify returns the identity of the management cluster that answers under an id.
func (r *Resolver) Identify(ctx context.Context, id string) (Identity, error) {
	cluster, err := r.Connect(ctx, id)
	if err != nil {
		return Identity{}, err
	}
	uid, err := cluster.UID(ctx)
	if err != nil && !apierrors.IsForbidden(err) {
		return Identity{}, err
	}
	identity := Identity{UID: uid}
	if name, isKind := ParseKindID(id); isKind {
		inEngine, err := r.kind.Identity(ctx, name)
		if err != nil {
			return Identity{}, fmt.Errorf("cannot identify KinD cluster %q: %w", name, err)
		}
		identity.KinD = &inEngine
	}
	return identity, nil
}

// Reconnect connects to a management cluster that something is recorded of. The
// error is ErrGone if that cluster is proven not to exist any more, and ErrAnother
// if it is another one that answers under the id. An identity that is empty, as
// when a resource is being imported, is any cluster's.
func (r *Resolver) Reconnect(ctx context.Context, id string, recorded Identity) (*Cluster, error) {
	cluster, err := r.Connect(ctx, id)
	if errors.Is(err, ErrNotFound) && recorded.KinD != nil {
		return nil, r.missing(ctx, id, recorded, err)
	}
	if err != nil || recorded.UID == "" {
		return cluster, err
	}
	uid, err := cluster.UID(ctx)
	switch {
	case apierrors.IsForbidden(err):
		// Objects have UIDs of their own. Only that one is gone cannot be proven.
		return cluster, nil
	case err != nil:
		return nil, &reasonError{reason: ErrUnreachable, message: "cannot identify " + Describe(id), cause: err}
	case uid != recorded.UID:
		return nil, &reasonError{reason: ErrAnother, message: fmt.Sprintf(
			"%s was the cluster whose namespace kube-system has UID %s; the one that answers now at %s has %s",
			Describe(id), recorded.UID, cluster.RESTConfig.Host, uid)}
	}
	return cluster, nil
}

// missing says whether a KinD cluster that is not there is gone: the engine that
// had it has to say so.
func (r *Resolver) missing(ctx context.Context, id string, recorded Identity, notFound error) error {
	engine, err := r.engineWithout(ctx, id)
	switch {
	case err != nil:
		return &reasonError{reason: ErrUnreachable, message: "cannot find out whether " + Describe(id) + " exists", cause: err}
	case engine.ID != recorded.KinD.Engine:
		return &reasonError{reason: ErrAnother, message: fmt.Sprintf(
			"%s was in the Docker engine with id %s; the engine that answers now has id %s, and no such cluster",
			Describe(id), recorded.KinD.Engine, engine.ID)}
	}
	return &reasonError{reason: ErrGone, message: notFound.Error()}
}

// engineWithout asks for the engine that does not have a cluster, once for all that was in it.
func (r *Resolver) engineWithout(ctx context.Context, id string) (kind.Engine, error) {
	e := r.entry(id)
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.engine == nil {
		engine, err := r.kind.Engine(ctx)
		if ctx.Err() != nil {
			return engine, err
		}
		e.engine = func() (kind.Engine, error) { return engine, err }
	}
	return e.engine()
}

// UID is the UID of the namespace kube-system. The error is Forbidden if the
// credentials do not allow to read that.
func (c *Cluster) UID(ctx context.Context) (types.UID, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.uid != "" {
		return c.uid, nil
	}
	namespace := &corev1.Namespace{}
	if err := c.Get(ctx, client.ObjectKey{Name: metav1.NamespaceSystem}, namespace); err != nil {
		return "", fmt.Errorf("cannot read the UID of namespace %s: %w", metav1.NamespaceSystem, err)
	}
	c.uid = namespace.UID
	return c.uid, nil
}
