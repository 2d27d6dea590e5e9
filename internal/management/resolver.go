// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package management

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/terraform-capi/terraform-provider-capi/internal/management/kind"
	"github.com/terraform-capi/terraform-provider-capi/internal/redact"
)

// Connection is how the provider block says to reach a management cluster. The
// zero value says nothing.
type Connection struct {
	// Kubeconfig is the content of a kubeconfig. It goes before
	// KubeconfigPath.
	Kubeconfig string
	// KubeconfigPath is a file; a leading ~ is the home directory.
	KubeconfigPath string
	// Context names a context in it; empty is the current one.
	Context string
	// Unknown says that the values become known only during apply, as when
	// they come from a resource that does not exist yet.
	Unknown bool
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
	// failure is the last one, and holds until retryAt.
	failure error
	retryAt time.Time
}

// NewResolver returns a Resolver for the provider block's connection and for
// the KinD clusters of this machine.
func NewResolver(connection Connection, clusters KindClusters) *Resolver {
	return &Resolver{Timing: DefaultCreationTiming, connection: connection, kind: clusters, clusters: map[string]*entry{}}
}

// Connect returns the management cluster with the given id; an empty id is the
// provider block's connection. Errors can be told apart with errors.Is and
// ErrNotConfigured, ErrNotFound and ErrUnreachable. That a cluster is unreachable is
// remembered for as long as it took to find out: otherwise the resources of a plan
// would wait for a silent API server one after the other.
func (r *Resolver) Connect(ctx context.Context, id string) (*Cluster, error) {
	e := r.entry(id)
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.cluster != nil {
		return e.cluster, nil
	}
	if time.Now().Before(e.retryAt) {
		return nil, e.failure
	}
	began := time.Now()
	cluster, err := r.connect(ctx, id)
	if errors.Is(err, ErrUnreachable) && ctx.Err() == nil {
		e.failure, e.retryAt = err, time.Now().Add(time.Since(began))
	}
	e.cluster = cluster
	return cluster, err
}

func (r *Resolver) connect(ctx context.Context, id string) (*Cluster, error) {
	config, err := r.restConfig(ctx, id)
	if err != nil {
		return nil, err
	}
	cluster, err := NewCluster(ctx, id, config)
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
		return r.connection.restConfig()
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

func (c Connection) restConfig() (*rest.Config, error) {
	switch {
	case c.Unknown:
		return nil, &reasonError{
			reason:  ErrNotConfigured,
			message: "the provider block's management cluster cannot be used yet",
			cause:   ErrNotKnownYet,
		}
	case c.Kubeconfig == "" && c.KubeconfigPath == "":
		return nil, &reasonError{
			reason: ErrNotConfigured,
			message: "neither the resource nor the provider block says which management cluster to use; " +
				"set management_cluster, or kubeconfig or kubeconfig_path in the provider block",
		}
	}
	kubeconfig, err := c.load()
	if err != nil {
		return nil, err
	}
	name := cmp.Or(c.Context, kubeconfig.CurrentContext)
	if kubeconfig.Contexts[name] == nil {
		return nil, fmt.Errorf("the kubeconfig of the provider block has no context %q, but %q", name, slices.Sorted(maps.Keys(kubeconfig.Contexts)))
	}
	config, err := clientcmd.NewNonInteractiveClientConfig(*kubeconfig, name, &clientcmd.ConfigOverrides{}, nil).ClientConfig()
	if err != nil {
		return nil, fmt.Errorf("the kubeconfig of the provider block cannot be used: %w", err)
	}
	return config, nil
}

func (c Connection) load() (*clientcmdapi.Config, error) {
	if c.Kubeconfig != "" {
		kubeconfig, err := clientcmd.Load([]byte(c.Kubeconfig))
		if err != nil {
			var secrets redact.Contents
			secrets.Add(c.Kubeconfig)
			return nil, fmt.Errorf("the provider block's kubeconfig is not a kubeconfig: %w", secrets.Error(err))
		}
		return kubeconfig, nil
	}
	path, err := ExpandHome(c.KubeconfigPath)
	if err != nil {
		return nil, err
	}
	kubeconfig, err := clientcmd.LoadFromFile(path)
	if err != nil {
		return nil, fmt.Errorf("cannot read the kubeconfig_path of the provider block: %w", err)
	}
	return kubeconfig, nil
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
