// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

// Package kind makes, describes and deletes the KinD clusters that serve as
// management clusters: one node, control plane and worker in one.
//
// KinD's library drives the docker command. The facts that the library does not
// offer are taken from the same command, so that both talk to the same engine
// whichever context or DOCKER_HOST selects it.
package kind

import (
	"context"
	"errors"
	"fmt"
	"io"

	"sigs.k8s.io/kind/pkg/cluster"
	"sigs.k8s.io/kind/pkg/cluster/nodes"
	"sigs.k8s.io/kind/pkg/cluster/nodeutils"
)

// ErrNotFound means that there is no KinD cluster of that name: no container
// is a node of it.
var ErrNotFound = errors.New("KinD cluster not found")

// Clusters are the KinD clusters of the Docker engine that the docker command
// talks to.
type Clusters struct {
	docker command
}

// New returns the KinD clusters of this machine's Docker engine. It does not
// talk to the engine yet.
func New() *Clusters {
	return &Clusters{docker: runDocker}
}

// provider is made per call: it is cheap, and it logs in the call's context.
func (c *Clusters) provider(ctx context.Context) *cluster.Provider {
	return cluster.NewProvider(cluster.ProviderWithLogger(logger{ctx: ctx}), cluster.ProviderWithDocker())
}

// Exists says whether containers of a KinD cluster called name exist, in
// whatever shape they are.
func (c *Clusters) Exists(ctx context.Context, name string) (bool, error) {
	found, err := c.find(ctx, name)
	return len(found) > 0, err
}

// KubeConfig returns a kubeconfig of the cluster's administrator that works from
// this machine. It is read from the node and written nowhere. The error is
// ErrNotFound if there is no such cluster.
func (c *Clusters) KubeConfig(ctx context.Context, name string) (string, error) {
	if err := c.mustExist(ctx, name); err != nil {
		return "", err
	}
	var kubeconfig string
	err := await(ctx, func() (err error) {
		kubeconfig, err = c.provider(ctx).KubeConfig(name, false)
		return err
	})
	if err != nil {
		return "", explain(err)
	}
	return kubeconfig, nil
}

// LoadImage loads the images of a docker-archive into the cluster's node, under
// the names that the archive gives them.
func (c *Clusters) LoadImage(ctx context.Context, name string, archive io.Reader) error {
	node, err := c.node(ctx, name)
	if err != nil {
		return err
	}
	if err := await(ctx, func() error { return nodeutils.LoadImageArchive(node, archive) }); err != nil {
		return fmt.Errorf("cannot load an image into node %s: %w", node, explain(err))
	}
	return nil
}

func (c *Clusters) node(ctx context.Context, name string) (nodes.Node, error) {
	if err := c.mustExist(ctx, name); err != nil {
		return nil, err
	}
	var node nodes.Node
	err := await(ctx, func() error {
		all, err := c.provider(ctx).ListNodes(name)
		if err != nil {
			return err
		}
		node, err = nodeutils.BootstrapControlPlaneNode(all)
		return err
	})
	return node, explain(err)
}

func (c *Clusters) mustExist(ctx context.Context, name string) error {
	exists, err := c.Exists(ctx, name)
	if err != nil {
		return err
	}
	if !exists {
		return fmt.Errorf("%w: %q", ErrNotFound, name)
	}
	return nil
}

// await lets a call into KinD's library, which knows no context, return when
// the context ends. The call itself goes on until the docker command that it
// waits for has ended.
func await(ctx context.Context, call func() error) error {
	done := make(chan error, 1)
	go func() { done <- call() }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}
