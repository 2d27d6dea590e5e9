// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package management

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/terraform-capi/terraform-provider-capi/internal/management/kind"
)

// Connection is the one of the provider block.
type Connection interface {
	// RESTConfig is the connection for clients. The error is ErrNotConfigured if the block says nothing, and ErrNotKnownYet,
	// too, if it says what becomes known only during apply.
	RESTConfig() (*rest.Config, error)
	// String says where the values come from.
	String() string
}

// KindClusters are the KinD clusters of a Docker engine. The methods return
// kind.ErrNotFound if there is no cluster of that name.
type KindClusters interface {
	KubeConfig(ctx context.Context, name string) (string, error)
	Identity(ctx context.Context, name string) (kind.Identity, error)
	Engine(ctx context.Context) (kind.Engine, error)
}

// Resolver turns management cluster ids into connected Clusters. It connects on
// first use, so that having one costs nothing at plan, and keeps what it
// connected to. It may be used concurrently.
type Resolver struct {
	// Timing is that of creations in the management clusters that are connected to.
	Timing CreationTiming

	connection Connection
	kind       KindClusters

	mu       sync.Mutex
	clusters map[string]*entry
}

// entry lets callers with the same id wait for one connection, and callers
// with other ids not wait at all.
type entry struct {
	mu      sync.Mutex
	cluster *Cluster
	// failure is the last one; from retryAt on, an operation may try again.
	failure error
	retryAt time.Time
	// engine is asked once about a cluster that is missing.
	engine func() (kind.Engine, error)
}

// NewResolver returns a Resolver for the provider block's connection, which may be nil, and for
// the KinD clusters of this machine.
func NewResolver(connection Connection, clusters KindClusters) *Resolver {
	return &Resolver{Timing: DefaultCreationTiming, connection: connection, kind: clusters, clusters: map[string]*entry{}}
}

// Connect returns the management cluster with the given id; an empty id is the
// provider block's connection. Errors can be told apart with errors.Is and
// ErrNotConfigured, ErrNotFound, ErrUnreachable and ErrRejected. A failure is remembered
// until Retry or Forget, so that a plan takes no longer than one attempt, however many
// resources it has.
func (r *Resolver) Connect(caller context.Context, id string) (*Cluster, error) {
	e := r.entry(id)
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.cluster != nil || e.failure != nil {
		return e.cluster, e.failure
	}
	// The attempt has limits of its own. One that is cut off by the caller's would be made again for the next resource.
	ctx, cancel := context.WithCancel(context.WithoutCancel(caller))
	defer cancel()
	defer context.AfterFunc(caller, func() {
		if errors.Is(caller.Err(), context.Canceled) {
			cancel()
		}
	})()
	began := time.Now()
	cluster, err := r.connect(ctx, id)
	if err != nil && ctx.Err() == nil {
		e.failure, e.retryAt = err, time.Now().Add(time.Since(began))
	}
	e.cluster = cluster
	return cluster, err
}

// Retry lets the next Connect try again after a failure, which operations do: what could not be reached may have been made
// since. They do not wait for a silent API server one after the other: a failure is kept for as long as it took to find out.
func (r *Resolver) Retry(id string) {
	e := r.entry(id)
	e.mu.Lock()
	defer e.mu.Unlock()
	if !time.Now().Before(e.retryAt) {
		e.failure, e.engine = nil, nil
	}
}

func (r *Resolver) connect(ctx context.Context, id string) (*Cluster, error) {
	config, err := r.restConfig(ctx, id)
	if err != nil {
		return nil, err
	}
	cluster, err := NewCluster(ctx, id, config)
	if err != nil && id == "" {
		return nil, fmt.Errorf("%w (connected with %s)", err, r.connection)
	}
	if err != nil {
		return nil, err
	}
	cluster.Timing = r.Timing
	return cluster, nil
}

// Forget drops the connection to a management cluster. Whoever deletes or
// replaces one has to call it: a new cluster of the same name has another
// address and other credentials.
func (r *Resolver) Forget(id string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.clusters, id)
}

func (r *Resolver) entry(id string) *entry {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.clusters[id] == nil {
		r.clusters[id] = &entry{}
	}
	return r.clusters[id]
}

func (r *Resolver) restConfig(ctx context.Context, id string) (*rest.Config, error) {
	if err := ValidateID(id); err != nil {
		return nil, err
	}
	name, ok := ParseKindID(id)
	if !ok {
		if r.connection == nil {
			return nil, fmt.Errorf("%w: set management_cluster", ErrNotConfigured)
		}
		return r.connection.RESTConfig()
	}
	kubeconfig, err := r.kind.KubeConfig(ctx, name)
	switch {
	case errors.Is(err, kind.ErrNotFound):
		return nil, &reasonError{reason: ErrNotFound, message: fmt.Sprintf("there is no KinD cluster %q", name)}
	case err != nil:
		return nil, &reasonError{
			reason:  ErrUnreachable,
			message: fmt.Sprintf("cannot read the credentials of KinD cluster %q", name),
			cause:   err,
		}
	}
	config, err := clientcmd.RESTConfigFromKubeConfig([]byte(kubeconfig))
	if err != nil {
		return nil, fmt.Errorf("the kubeconfig that KinD cluster %q hands out is not valid: %w", name, err)
	}
	return config, nil
}

// ExpandHome replaces a leading ~ with the user's home directory, as a shell
// would.
func ExpandHome(path string) (string, error) {
	if path != "~" && !strings.HasPrefix(path, "~/") {
		return path, nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", fmt.Errorf("cannot find the home directory for %q: %w", path, err)
	}
	return filepath.Join(home, path[1:]), nil
}
