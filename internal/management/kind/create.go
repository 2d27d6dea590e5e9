// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package kind

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hashicorp/terraform-plugin-log/tflog"
)

// ErrExists means that there is a KinD cluster of that name already.
var ErrExists = errors.New("a KinD cluster of that name exists")

// errRunning means that KinD's library did not stop when it was told to.
var errRunning = errors.New("KinD did not stop in time")

// cleanUpTimeout bounds what happens after a failed or interrupted creation,
// when the operation's own time is over.
const cleanUpTimeout = time.Minute

// Creation is a cluster that was made just now.
type Creation struct {
	Identity    Identity
	Description Description
	// Remains is what earlier creations of this name that were cut off had left.
	Remains []Remains
	claim   *claim
}

// Release ends the creation. It has to be called when the cluster is about to be
// saved, so that until then a process that is killed leaves to the next creation what
// it made. The error is ErrTakenOver if another process has taken over the cluster;
// whatever else goes wrong leaves a container behind that the next creation removes.
func (c *Creation) Release(ctx context.Context) error { return c.claim.release(ctx) }

// Create makes a KinD cluster and returns when its API answers. Its node may
// become Ready a little later: what is installed next waits for that anyway.
// A cluster of the same configuration that a creation made which was cut off, is
// taken over; of others, what was cut off is removed.
//
// The error is ErrExists, ErrBeingCreated, a *LabelledError or an *UnlikeError if there
// is something of that name, which is left alone. Whatever else goes wrong, or when
// ctx ends, what was made is deleted again and a *CreateError tells why.
func (c *Clusters) Create(ctx context.Context, config Config) (*Creation, error) {
	engine, err := c.Engine(ctx)
	if err != nil {
		return nil, err
	}
	if err := c.CheckName(ctx, config.Name); err != nil {
		return nil, err
	}
	if err := c.ensureImage(ctx, config.NodeImage); err != nil {
		return nil, &CreateError{Cause: err, Remedy: remedy(err, config)}
	}
	k, err := c.acquire(ctx, config)
	if err != nil {
		return nil, err
	}
	remains, err := c.settle(ctx, k, config)
	if err != nil {
		k.giveUp(ctx)
		return nil, err
	}
	if len(k.adopted) == 0 {
		if err := c.createClaimed(ctx, k, config, engine); err != nil {
			return nil, c.failed(ctx, k, config, err)
		}
	}
	description, err := c.Describe(ctx, config.Name)
	if err != nil {
		k.abandon()
		return nil, fmt.Errorf("the cluster was made, and cannot be looked at; the next apply takes it over: %w", err)
	}
	return &Creation{
		Identity: Identity{Engine: engine.ID, Nodes: description.Nodes}, Description: *description, Remains: remains, claim: k,
	}, nil
}

func (c *Clusters) createClaimed(ctx context.Context, k *claim, config Config, engine Engine) error {
	if err := k.held(ctx); err != nil {
		return err
	}
	created := make(chan error, 1)
	go func() { created <- c.create(ctx, k, config, engine) }()
	select {
	case err := <-created:
		return err
	case <-k.lost:
		return c.interrupt(ctx, ErrTakenOver, created, func(context.Context) error { return nil })
	case <-ctx.Done():
		return c.interrupt(ctx, ctx.Err(), created, func(ctx context.Context) error { return c.deleteMadeUnder(ctx, k) })
	}
}

// create leaves the nodes of a failed creation: their log has to be read first.
func (c *Clusters) create(ctx context.Context, k *claim, config Config, engine Engine) error {
	if err := c.tools.CreateCluster(ctx, config.toKind(engine, k.nonce)); err != nil {
		return recognize(err)
	}
	made, err := c.madeUnder(ctx, config.Name, k.nonce)
	if err != nil {
		return err
	}
	controlPlane, ok := controlPlaneOf(made, config.Name)
	if !ok {
		return noControlPlane(config.Name)
	}
	return c.writeRecord(ctx, controlPlane.ID, config)
}

// interrupt ends a creation that cannot be told to end: without its containers
// it fails by itself.
func (c *Clusters) interrupt(ctx context.Context, reason error, created <-chan error, cleanUp func(context.Context) error) error {
	reason = fmt.Errorf("creation was interrupted: %w", reason)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanUpTimeout)
	defer cancel()
	for {
		if err := cleanUp(ctx); err != nil {
			tflog.Warn(ctx, "cannot delete the nodes of an interrupted creation", map[string]any{"error": err.Error()})
		}
		select {
		case err := <-created:
			return errors.Join(reason, err)
		case <-ctx.Done():
			return errors.Join(reason, errRunning)
		case <-time.After(time.Second):
		}
	}
}

// failed collects what tells why, and deletes what was made, unless another creation
// has taken that over.
func (c *Clusters) failed(ctx context.Context, k *claim, config Config, cause error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanUpTimeout)
	defer cancel()
	failure := &CreateError{Cause: cause, NodeLog: c.nodeLog(ctx, k)}
	err := c.deleteMadeUnder(ctx, k)
	switch {
	case errors.Is(err, ErrTakenOver):
		failure.Cause, failure.Left = errors.Join(ErrTakenOver, cause), "What was made of it is the other creation's by now."
		k.abandon()
	case err != nil:
		failure.Left = fmt.Sprintf("What was made of it could not be deleted (%s); the next apply deletes it.", err)
		k.abandon()
	case errors.Is(cause, errRunning):
		failure.Left = "KinD may still be making it; the next apply deletes it."
		k.abandon()
	default:
		k.giveUp(ctx)
	}
	failure.Remedy = remedy(failure.Cause, config)
	return failure
}

// giveUp gives the claim back, unless there is something that it accounts for.
func (k *claim) giveUp(ctx context.Context) {
	if len(k.adopted) > 0 {
		k.abandon()
		return
	}
	if err := k.release(context.WithoutCancel(ctx)); err != nil {
		tflog.Warn(ctx, "cannot give back the claim to a cluster's name", map[string]any{"error": err.Error()})
		k.abandon()
	}
}
