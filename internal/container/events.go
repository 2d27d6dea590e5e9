// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package container

import (
	"context"
	"fmt"

	"github.com/docker/docker/api/types/events"
	"github.com/docker/docker/api/types/filters"
)

// Event is something that happened to a container.
type Event struct {
	// Action is "start", "die", "destroy", ...
	Action string
	// Name of the container.
	Name string
	// Labels of the container.
	Labels map[string]string
}

// Events reports what happens to containers that have the label. The channel is closed when ctx is done
// or the connection is lost; what happened in between is not repeated.
func (d *Docker) Events(ctx context.Context, label string) (<-chan Event, error) {
	// Without this a dead engine would look like one where nothing happens.
	if err := d.Ping(ctx); err != nil {
		return nil, fmt.Errorf("listening to the engine's events: %w", err)
	}
	ctx, cancel := context.WithCancel(ctx)
	messages, failures := d.client.Events(ctx, events.ListOptions{
		Filters: filters.NewArgs(filters.Arg("type", string(events.ContainerEventType)), filters.Arg("label", label)),
	})
	out := make(chan Event)
	go func() {
		defer cancel()
		defer close(out)
		for {
			select {
			case <-ctx.Done():
				return
			case <-failures: //nolint:errcheck // Whatever it was, the channel is closed, and the caller connects again.
				return
			case message := <-messages:
				event := Event{
					Action: string(message.Action),
					Name:   message.Actor.Attributes["name"],
					Labels: message.Actor.Attributes,
				}
				select {
				case out <- event:
				case <-ctx.Done():
					return
				}
			}
		}
	}()
	return out, nil
}
