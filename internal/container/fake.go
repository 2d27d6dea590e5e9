// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package container

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
)

// Fake is a container engine in memory. It exists because what reconcilers must be tested for, such as lost
// calls, vanished containers and failing pulls, a real engine does not do on demand, and because a test can
// ask it what was done and what was not.
//
// It models: local images, networks, containers with their states, files and unique names, volumes that they share, host
// ports and addresses, removal, restarts of the engine, an engine that stalls, events, and commands as functions of the
// test. It does not model: processes, time, file modes, what is in anonymous volumes.
type Fake struct {
	// BeforeCall, if set, is called before each call with the method's name and the container, image or
	// network it is about. An error makes the call fail with it, without effect.
	BeforeCall func(ctx context.Context, method, subject string) error
	// AfterCall, if set, is called after each call took effect. An error makes the call look failed: the
	// answer was lost.
	AfterCall func(ctx context.Context, method, subject string) error
	// OnExec, if set, runs commands. Without it every command succeeds and prints nothing.
	OnExec func(ctx context.Context, container string, exec Exec) (int, error)
	// OnPull, if set, decides whether an image can be pulled. Without it every image can.
	OnPull func(image string, credentials *Credentials) error
	// EngineInfo is what Info returns.
	EngineInfo Info

	mu         sync.Mutex
	images     map[string]string
	volumes    map[string]fakeVolume
	networks   map[string]Network
	containers map[string]*fakeContainer
	listeners  map[chan Event]string
	calls      []string
	// resumed is closed when an engine that has stalled goes on; nil if it has not stalled.
	resumed chan struct{}
	// created is how many containers there have been.
	created int
}

type fakeContainer struct {
	Container
	spec  Spec
	files map[string][]byte
	// stale says that the network that it is connected to does not exist any more.
	stale bool
}

var _ engine = (*Fake)(nil)

// NewFake returns an engine with the given local images and nothing else.
func NewFake(images ...string) *Fake {
	f := &Fake{
		EngineInfo: Info{ServerVersion: "28.5.2", CgroupVersion: "2", CPUs: 4, MemoryBytes: 8 << 30},
		images:     map[string]string{},
		volumes:    map[string]fakeVolume{},
		networks:   map[string]Network{},
		containers: map[string]*fakeContainer{},
		listeners:  map[chan Event]string{},
	}
	for _, image := range images {
		f.images[image] = "id-of-" + image
	}
	return f
}

// Calls lists what was called so far, as "Method subject".
func (f *Fake) Calls() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.calls)
}

// Spec returns what a container was made from.
func (f *Fake) Spec(name string) Spec {
	f.mu.Lock()
	defer f.mu.Unlock()
	if c, ok := f.containers[name]; ok {
		return c.spec
	}
	return Spec{}
}

// WriteFile writes a file in a container, as a process in it would.
func (f *Fake) WriteFile(name, file string, content []byte) {
	f.mu.Lock()
	defer f.mu.Unlock()
	files, key := f.files(f.containers[name], file)
	files[key] = content
}

// Stop ends a container's first process, as a crash or "docker stop" would.
func (f *Fake) Stop(name string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	c := f.containers[name]
	f.stop(c)
}

func (f *Fake) stop(c *fakeContainer) {
	c.State, c.ExitCode, c.IPv4 = StateExited, 137, ""
	f.publish("die", c)
}

// Pause is what "docker pause" does to a container.
func (f *Fake) Pause(name string) { f.freeze(name, StatePaused, "pause") }

// Unpause is what "docker unpause" does to a container.
func (f *Fake) Unpause(name string) { f.freeze(name, StateRunning, "unpause") }

func (f *Fake) freeze(name string, state State, action string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	c := f.containers[name]
	c.State = state
	f.publish(action, c)
}

// Restart is a restart of the engine: what runs stops, and starts again where it was asked to.
func (f *Fake) Restart() {
	f.mu.Lock()
	defer f.mu.Unlock()
	var stopped []*fakeContainer
	for _, c := range f.containers {
		if c.Running() {
			f.stop(c)
			stopped = append(stopped, c)
		}
	}
	for _, c := range stopped {
		if c.spec.RestartUnlessStopped {
			_ = f.start(c) // An address or port that is taken keeps it down, as in a real engine.
		}
	}
}

// Vanish removes a container behind everybody's back, and leaves its volumes, as "docker rm" without -v does.
func (f *Fake) Vanish(name string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	c := f.containers[name]
	delete(f.containers, name)
	f.publish("destroy", c)
}

// Stall makes all calls hang, as those to an engine whose process is stopped, until Resume or the end of their
// contexts.
func (f *Fake) Stall() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.resumed = make(chan struct{})
}

// Resume lets an engine that has stalled go on.
func (f *Fake) Resume() {
	f.mu.Lock()
	defer f.mu.Unlock()
	close(f.resumed)
	f.resumed = nil
}

// call records a call, lets the hooks have their say and runs do with the engine locked.
func (f *Fake) call(ctx context.Context, method, subject string, do func() error) error {
	f.mu.Lock()
	f.calls = append(f.calls, strings.TrimSpace(method+" "+subject))
	resumed := f.resumed
	f.mu.Unlock()
	if resumed != nil {
		select {
		case <-resumed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if f.BeforeCall != nil {
		if err := f.BeforeCall(ctx, method, subject); err != nil {
			return err
		}
	}
	f.mu.Lock()
	err := do()
	f.mu.Unlock()
	if err == nil && f.AfterCall != nil {
		err = f.AfterCall(ctx, method, subject)
	}
	return err
}

func (f *Fake) find(name string) (*fakeContainer, error) {
	if c, ok := f.containers[name]; ok {
		return c, nil
	}
	for _, c := range f.containers {
		if c.ID == name {
			return c, nil
		}
	}
	return nil, fmt.Errorf("container %s: %w", name, ErrNotFound)
}

// newID returns an id that no container has had.
func (f *Fake) newID(name string) string {
	f.created++
	return fmt.Sprintf("id-%d-of-%s", f.created, name)
}

// nameOf is the name of a container that may be named by its id.
func (f *Fake) nameOf(name string) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	if c, err := f.find(name); err == nil {
		return c.Name
	}
	return name
}

func (f *Fake) publish(action string, c *fakeContainer) {
	for listener, label := range f.listeners {
		if _, ok := c.Labels[label]; !ok {
			continue
		}
		select {
		case listener <- Event{Action: action, Name: c.Name, Labels: c.Labels}:
		default: // a listener that does not listen
		}
	}
}

// Ping is as Docker's.
func (f *Fake) Ping(ctx context.Context) error {
	return f.call(ctx, "Ping", "", func() error { return nil })
}

// Info is as Docker's.
func (f *Fake) Info(ctx context.Context) (info Info, err error) {
	err = f.call(ctx, "Info", "", func() error { info = f.EngineInfo; return nil })
	return info, err
}

// Events is as Docker's.
func (f *Fake) Events(ctx context.Context, label string) (<-chan Event, error) {
	listener := make(chan Event, 100)
	err := f.call(ctx, "Events", label, func() error {
		f.listeners[listener] = label
		return nil
	})
	if err != nil {
		return nil, err
	}
	context.AfterFunc(ctx, func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		delete(f.listeners, listener)
		close(listener)
	})
	return listener, nil
}
