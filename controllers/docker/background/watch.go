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

// reconnectInterval is how long Watch waits for an engine that is away.
const reconnectInterval = 2 * time.Second

// Watch listens to the engine's events about our containers until the manager stops, and has the objects that
// find returns for them reconciled. It is a manager.Runnable.
type Watch struct {
	// Runtime that has the containers.
	Runtime container.Runtime
	// Jobs whose Events carry the requests.
	Jobs *Jobs
	// Find returns the objects that an event is about.
	Find func(ctx context.Context, event container.Event) []client.Object
}

// Start implements manager.Runnable.
func (w *Watch) Start(ctx context.Context) error {
	log := ctrl.LoggerFrom(ctx)
	for {
		events, err := w.Runtime.Events(ctx, identity.MachineLabel)
		if err != nil {
			log.Info("Waiting for the container engine's events", "reason", err.Error())
		} else {
			w.follow(ctx, events)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(reconnectInterval):
		}
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
