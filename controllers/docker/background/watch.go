// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package background

import (
	"context"
	"time"

	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/terraform-capi/terraform-provider-capi/controllers/docker/identity"
	"github.com/terraform-capi/terraform-provider-capi/internal/container"
)

// reconnectInterval is how often Watch tries to reach an engine that is away. It stays short, because everything waits for
// the engine to come back, and an attempt costs an engine that is down or has stalled nothing.
const reconnectInterval = 2 * time.Second

// EventSource tells what happens to containers.
type EventSource interface {
	Events(ctx context.Context, label string) (<-chan container.Event, error)
}

// Watch listens to the engine's events about our containers until the manager stops, and has the objects that
// Find returns for them reconciled. Nothing tells what happens while it cannot listen, so it has all objects reconciled
// when the engine comes back; and when it goes away, so that all of them say so. It is a manager.Runnable.
type Watch struct {
	// Engine that has the containers.
	Engine EventSource
	// Jobs whose Events carry the requests.
	Jobs *Jobs
	// Find returns the objects that an event is about.
	Find func(ctx context.Context, event container.Event) []client.Object
	// All returns all objects of the kind.
	All func(ctx context.Context) ([]client.Object, error)
}

// Start implements manager.Runnable.
func (w *Watch) Start(ctx context.Context) error {
	away := false
	for {
		events, err := w.Engine.Events(ctx, identity.MachineLabel)
		switch {
		case err == nil:
			away = false
			w.wake(ctx)
			w.follow(ctx, events)
		case !away:
			away = true
			ctrl.LoggerFrom(ctx).Info("Waiting for the container engine", "reason", err.Error())
			w.wake(ctx)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(reconnectInterval):
		}
	}
}

// wake has all objects reconciled.
func (w *Watch) wake(ctx context.Context) {
	objects, err := w.All(ctx)
	if err != nil {
		ctrl.LoggerFrom(ctx).Error(err, "Failed to list the objects that depend on the container engine")
	}
	for _, object := range objects {
		w.Jobs.Notify(object)
	}
}

func (w *Watch) follow(ctx context.Context, events <-chan container.Event) {
	for event := range events {
		switch event.Action {
		case "start", "die", "destroy", "pause", "unpause":
			for _, object := range w.Find(ctx, event) {
				w.Jobs.Notify(object)
			}
		}
	}
}
