// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

// Package kind makes, describes and deletes the KinD clusters that serve as
// management clusters: one node, control plane and worker in one.
//
// KinD's library drives the docker command. All that the library does not offer,
// and all that it does to whatever carries a label, is done with the same command,
// so that both talk to the same engine whichever context or DOCKER_HOST selects it.
package kind

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// ErrNotFound means that there is no KinD cluster of that name: no container
// is a node of it.
var ErrNotFound = errors.New("KinD cluster not found")

// Clusters are the KinD clusters of the Docker engine that the docker command
// talks to. They may be used concurrently.
type Clusters struct {
	tools Tools
	// lapse is how long a creation may be silent until it counts as dead.
	lapse time.Duration
}

// DefaultLapse is how long a creation may be silent until it counts as dead: a few
// docker commands on a machine that hardly gets to them.
const DefaultLapse = 30 * time.Second

// New returns the KinD clusters of this machine's Docker engine. It does not
// talk to the engine yet.
func New() *Clusters { return NewFor(tools{}, DefaultLapse) }

// NewFor returns the KinD clusters that other tools see, as tests have them.
func NewFor(tools Tools, lapse time.Duration) *Clusters {
	return &Clusters{tools: tools, lapse: lapse}
}

// Exists says whether containers of a KinD cluster called name exist, in
// whatever shape they are.
func (c *Clusters) Exists(ctx context.Context, name string) (bool, error) {
	nodes, _, err := c.find(ctx, name)
	return len(nodes) > 0, err
}

// LoadImage loads the images of a docker-archive into the cluster's node, under
// the names that the archive gives them.
func (c *Clusters) LoadImage(ctx context.Context, name string, archive io.Reader) error {
	node, err := c.controlPlane(ctx, name)
	if err != nil {
		return err
	}
	err = await(ctx, func() error { return c.tools.LoadImageArchive(ctx, name, node.Name, archive) })
	if err != nil {
		return fmt.Errorf("cannot load an image into node %s: %w", node.Name, recognize(err))
	}
	return nil
}

// NodeHasImage tells whether the cluster's node has an image under exactly this reference. It asks containerd, because
// crictl, which KinD's library uses, is not in every node image.
func (c *Clusters) NodeHasImage(ctx context.Context, name, reference string) (bool, error) {
	node, err := c.controlPlane(ctx, name)
	if err != nil {
		return false, err
	}
	images, err := c.query(ctx, "exec", node.ID, "ctr", "--namespace=k8s.io", "images", "list", "--quiet")
	if err != nil {
		return false, fmt.Errorf("cannot list the images of node %s: %w", node.Name, err)
	}
	return slices.Contains(strings.Fields(string(images)), reference), nil
}

// await lets a call into KinD's library, which knows no context, return when
// the context ends. The call itself runs until the docker command that it waits
// for has ended.
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

// sleep says whether it was not interrupted.
func sleep(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}
