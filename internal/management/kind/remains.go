// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package kind

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
)

// Remains is what a creation that was cut off had left.
type Remains struct {
	// Nodes are the names of the nodes.
	Nodes []string
	// Adopted says that they are a cluster of the same configuration, which was taken
	// over. Otherwise they were unfinished, and were removed.
	Adopted bool
}

// UnlikeError means that a creation that was cut off had made a cluster from another
// configuration.
type UnlikeError struct {
	// Cluster is its name, Nodes are those of its nodes.
	Cluster string
	Nodes   []string
}

func (e *UnlikeError) Error() string {
	return fmt.Sprintf("a creation of KinD cluster %q that was cut off had made it from another configuration (%s)",
		e.Cluster, strings.Join(e.Nodes, ", "))
}

// LabelledError means that containers carry the label that KinD's library finds the
// nodes of a cluster by, and are not nodes of one.
type LabelledError struct {
	// Cluster is the value of the label, Containers are their names.
	Cluster    string
	Containers []string
}

func (e *LabelledError) Error() string {
	return fmt.Sprintf("containers that are not of a KinD cluster carry the label %s=%s: %s", Label, e.Cluster, strings.Join(e.Containers, ", "))
}

// CheckName says whether Create would refuse a name whatever the configuration: with
// ErrExists if there is a KinD cluster that no creation can account for, or with a
// *LabelledError.
func (c *Clusters) CheckName(ctx context.Context, name string) error {
	nodes, others, err := c.find(ctx, name)
	if err != nil {
		return err
	}
	if len(others) > 0 {
		return &LabelledError{Cluster: name, Containers: names(others)}
	}
	if len(nodes) == 0 {
		return nil
	}
	claims, err := c.claims(ctx, name)
	if err != nil {
		return err
	}
	for _, claim := range claims {
		made, err := c.madeUnder(ctx, name, claim.nonces...)
		if err != nil {
			return err
		}
		if len(made) == len(nodes) {
			return nil
		}
	}
	return fmt.Errorf("%w: %q", ErrExists, name)
}

// madeUnder returns the nodes that creations with these nonces made.
func (c *Clusters) madeUnder(ctx context.Context, name string, nonces ...string) ([]node, error) {
	ctx, cancel := context.WithTimeout(ctx, queryTimeout)
	defer cancel()
	for {
		made, err := c.tryMadeUnder(ctx, name, nonces)
		// For a moment docker lists a container that it is creating, but knows nothing of it.
		if !errors.Is(err, errNoContainer) || !sleep(ctx, poll) {
			return made, err
		}
	}
}

func (c *Clusters) tryMadeUnder(ctx context.Context, name string, nonces []string) ([]node, error) {
	nodes, _, err := c.find(ctx, name)
	if err != nil {
		return nil, err
	}
	var made []node
	for _, n := range nodes {
		inspected, err := c.inspect(ctx, n.ID)
		if err != nil {
			return nil, err
		}
		if inspected.nonce() != "" && slices.Contains(nonces, inspected.nonce()) {
			made = append(made, n)
		}
	}
	return made, nil
}

// deleteMadeUnder deletes what the holder of a claim has made. The error is
// ErrTakenOver if that is another creation's by now.
func (c *Clusters) deleteMadeUnder(ctx context.Context, k *claim) error {
	if err := k.held(ctx); err != nil {
		return err
	}
	made, err := c.madeUnder(ctx, k.cluster, k.nonce)
	if err != nil {
		return err
	}
	return c.Delete(ctx, ids(made))
}

// settle deals with what creations left that died, and says what that was. If one
// had made the cluster, it is taken over: then the claim has adopted something.
func (c *Clusters) settle(ctx context.Context, k *claim, config Config) ([]Remains, error) {
	dead, err := k.others(ctx)
	if err != nil {
		return nil, err
	}
	var remains []Remains
	for _, other := range dead {
		made, err := c.madeUnder(ctx, config.Name, other.nonces...)
		if err != nil {
			return nil, err
		}
		usable, err := c.isCluster(ctx, made, config)
		switch {
		case err != nil:
		case usable:
			err = k.adopt(ctx, other)
		default:
			err = c.Delete(ctx, append(ids(made), other.id))
		}
		if err != nil {
			return nil, err
		}
		if len(made) > 0 {
			remains = append(remains, Remains{Nodes: names(made), Adopted: usable})
		}
	}
	if len(k.adopted) > 0 {
		return remains, c.Start(ctx, config.Name)
	}
	exists, err := c.Exists(ctx, config.Name)
	if err == nil && exists {
		err = fmt.Errorf("%w: %q", ErrExists, config.Name)
	}
	return remains, err
}

// isCluster says whether nodes are the cluster that is to be made. The error is an
// *UnlikeError if they are another one that was finished.
func (c *Clusters) isCluster(ctx context.Context, made []node, config Config) (bool, error) {
	controlPlane, ok := controlPlaneOf(made, config.Name)
	if !ok {
		return false, nil
	}
	recorded, err := c.readRecord(ctx, controlPlane.ID)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	want, wanting := json.Marshal(config)
	have, having := json.Marshal(recorded)
	if err := errors.Join(wanting, having); err != nil {
		return false, err
	}
	if !bytes.Equal(want, have) {
		return false, &UnlikeError{Cluster: config.Name, Nodes: names(made)}
	}
	return true, nil
}
