// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

// Package kindtest is a Docker engine in memory, with the docker command and KinD's
// library in front of it. It exists because what package kind must be tested for, such
// as two creations at once, a process that is killed, and an engine that fails, real
// ones do not do on demand.
//
// It models: containers with their ids, unique names, labels, mounts, states and files,
// and the steps in which KinD makes a cluster of one node. Its answers and errors are
// worded as docker 28 words them. It does not model: what runs in containers, networks,
// volumes.
package kindtest

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
)

// Engine is a Docker engine. All methods may be used concurrently. It is the Tools of
// package kind for a process that is never killed.
type Engine struct {
	// Before, if set, is called before each command and each step of KinD's with its
	// words, such as "docker rm --force" or "kind init mgmt". An error makes it fail so,
	// without effect.
	Before func(call string) error
	// After, if set, is called after each of them took effect. An error makes it look
	// failed.
	After func(call string) error
	// AdminConf, if set, makes the administrator's kubeconfig of a cluster. The port of
	// its server is the one that the node publishes.
	AdminConf func(cluster string) string
	// Endpoint is where the docker context leads; the default socket if empty.
	Endpoint string

	mu         sync.Mutex
	id         string
	clock      time.Duration
	down       bool
	images     map[string]bool
	containers []*Container
	calls      []string
}

// Container is a container of the engine.
type Container struct {
	ID, Name, Image string
	// State is docker's: created, running, paused or exited.
	State   string
	Created time.Time
	// Unborn says that the container is listed, but not found yet.
	Unborn bool
	Labels map[string]string
	// Binds are mounts, as HOST:CONTAINER[:OPTIONS].
	Binds []string
	// APIServer is the address of the host that leads to the port 6443.
	APIServer string
	// Files are contents by absolute paths.
	Files map[string]string
	// Images are those that a node has.
	Images []string
}

func (c *Container) clone() Container {
	clone := *c
	clone.Labels, clone.Files = maps.Clone(c.Labels), maps.Clone(c.Files)
	clone.Binds, clone.Images = slices.Clone(c.Binds), slices.Clone(c.Images)
	return clone
}

// New returns an engine that has these images and no containers.
func New(images ...string) *Engine {
	e := &Engine{id: newID(), images: map[string]bool{}}
	for _, image := range images {
		e.images[image] = true
	}
	return e
}

func newID() string {
	id := make([]byte, 32)
	_, _ = rand.Read(id)
	return hex.EncodeToString(id)
}

// ID is the engine's id.
func (e *Engine) ID() string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.id
}

// Replace makes it another engine, which has no containers, until it is restored.
func (e *Engine) Replace() (restore func()) {
	e.mu.Lock()
	defer e.mu.Unlock()
	id, containers := e.id, e.containers
	e.id, e.containers = newID(), nil
	return func() {
		e.mu.Lock()
		defer e.mu.Unlock()
		e.id, e.containers = id, containers
	}
}

// Advance moves the engine's clock.
func (e *Engine) Advance(by time.Duration) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.clock += by
}

// SetDown says whether the engine does not answer.
func (e *Engine) SetDown(down bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.down = down
}

// Add adds a container, of which the name must be new. What is left out is made up.
func (e *Engine) Add(c Container) Container {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.add(c).clone()
}

func (e *Engine) add(c Container) *Container {
	if e.byName(c.Name) != nil {
		panic("there is a container " + c.Name)
	}
	if c.ID == "" {
		c.ID = newID()
	}
	if c.State == "" {
		c.State = "running"
	}
	if c.Files == nil {
		c.Files = map[string]string{}
	}
	c.Created = e.now()
	e.containers = append(e.containers, &c)
	return &c
}

// Containers returns all containers in the order of their names.
func (e *Engine) Containers() []Container {
	e.mu.Lock()
	defer e.mu.Unlock()
	result := make([]Container, len(e.containers))
	for i, c := range e.containers {
		result[i] = c.clone()
	}
	slices.SortFunc(result, func(a, b Container) int { return strings.Compare(a.Name, b.Name) })
	return result
}

// Names returns the names of all containers, sorted.
func (e *Engine) Names() []string {
	names := []string{}
	for _, c := range e.Containers() {
		names = append(names, c.Name)
	}
	return names
}

// Calls returns the words of all calls so far.
func (e *Engine) Calls() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.calls)
}

// Edit changes the container called name, which must exist.
func (e *Engine) Edit(name string, edit func(*Container)) {
	e.mu.Lock()
	defer e.mu.Unlock()
	c := e.byName(name)
	if c == nil {
		panic("there is no container " + name)
	}
	edit(c)
}

// SetState makes a container running, paused or exited.
func (e *Engine) SetState(name, state string) {
	e.Edit(name, func(c *Container) { c.State = state })
}

// Remove removes the container called name, if it exists.
func (e *Engine) Remove(name string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.containers = slices.DeleteFunc(e.containers, func(c *Container) bool { return c.Name == name })
}

func (e *Engine) now() time.Time { return time.Now().Add(e.clock).UTC() }

func (e *Engine) byName(name string) *Container {
	for _, c := range e.containers {
		if c.Name == name {
			return c
		}
	}
	return nil
}

// find finds a container by its id, the beginning of it, or its name.
func (e *Engine) find(ref string) (*Container, error) {
	for _, c := range e.containers {
		if c.Unborn {
			continue
		}
		if c.Name == ref || c.ID == ref || len(ref) >= 12 && strings.HasPrefix(c.ID, ref) {
			return c, nil
		}
	}
	return nil, fmt.Errorf("Error response from daemon: No such container: %s", ref) //nolint:staticcheck // Docker's words.
}
