// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package container

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Create is as Docker's.
func (f *Fake) Create(ctx context.Context, spec Spec) error {
	return f.call(ctx, "Create", spec.Name, func() error {
		if _, ok := f.containers[spec.Name]; ok {
			return fmt.Errorf("container %s: %w", spec.Name, ErrConflict)
		}
		if f.images[spec.Image] == "" {
			return fmt.Errorf("image %s: %w", spec.Image, ErrNotFound)
		}
		c := &fakeContainer{spec: spec, files: map[string][]byte{}}
		c.Container = Container{
			ID: f.newID(spec.Name), Name: spec.Name, Image: spec.Image, Labels: spec.Labels,
			State: StateCreated, Created: time.Now(), Ports: spec.Ports, AssignedIPv4: spec.IPv4, Network: spec.Network,
		}
		if spec.Network != "" {
			c.Networks = []string{spec.Network}
		}
		f.makeVolumes(c)
		f.containers[spec.Name] = c
		f.publish("create", c)
		return nil
	})
}

// Start is as Docker's.
func (f *Fake) Start(ctx context.Context, name string) error {
	return f.call(ctx, "Start", name, func() error {
		c, err := f.find(name)
		if err != nil || c.Running() {
			return err
		}
		return f.start(c)
	})
}

func (f *Fake) start(c *fakeContainer) error {
	for _, port := range c.Ports {
		if other := f.listener(port.HostPort); other != "" {
			return fmt.Errorf("container %s: port %d is taken by %s: %w", c.Name, port.HostPort, other, ErrPortTaken)
		}
	}
	address, err := f.address(c)
	if err != nil {
		return err
	}
	c.State, c.Started, c.IPv4 = StateRunning, time.Now(), address
	f.publish("start", c)
	return nil
}

// listener returns the running container that publishes a host port.
func (f *Fake) listener(hostPort int) string {
	for _, c := range f.containers {
		for _, port := range c.Ports {
			if c.Running() && port.HostPort == hostPort {
				return c.Name
			}
		}
	}
	return ""
}

// Kill is as Docker's. Signals have no effect.
func (f *Fake) Kill(ctx context.Context, name, signal string) error {
	return f.call(ctx, "Kill", name+" "+signal, func() error {
		c, err := f.find(name)
		if err == nil && !c.Running() {
			return fmt.Errorf("container %s does not run: %w", name, ErrConflict)
		}
		return err
	})
}

// Remove is as Docker's.
func (f *Fake) Remove(ctx context.Context, name string) error {
	return f.call(ctx, "Remove", f.nameOf(name), func() error {
		if c, err := f.find(name); err == nil {
			delete(f.containers, c.Name)
			f.removeVolumes(c)
			f.publish("destroy", c)
		}
		return nil
	})
}

// Inspect is as Docker's.
func (f *Fake) Inspect(ctx context.Context, name string) (found Container, err error) {
	err = f.call(ctx, "Inspect", name, func() error {
		c, err := f.find(name)
		if err == nil {
			found = c.Container
		}
		return err
	})
	return found, err
}

// List is as Docker's.
func (f *Fake) List(ctx context.Context, labels map[string]string) (list []Container, err error) {
	err = f.call(ctx, "List", "", func() error {
		for _, c := range f.containers {
			if hasLabels(c.Labels, labels) {
				list = append(list, c.Container)
			}
		}
		slices.SortFunc(list, func(a, b Container) int { return strings.Compare(a.Name, b.Name) })
		return nil
	})
	return list, err
}

func hasLabels(have, want map[string]string) bool {
	for key, value := range want {
		if actual, ok := have[key]; !ok || value != "" && actual != value {
			return false
		}
	}
	return true
}

// Logs is as Docker's. Containers of the fake write nothing.
func (f *Fake) Logs(ctx context.Context, name string, _ int) (string, error) {
	return "", f.call(ctx, "Logs", name, func() error { _, err := f.find(name); return err })
}
