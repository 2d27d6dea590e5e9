// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package container

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
	"sync"
	"time"
)

// Fake is a container engine in memory. It exists because what reconcilers must be tested for, such as lost
// calls, vanished containers and failing pulls, a real engine does not do on demand, and because a test can
// ask it what was done and what was not.
//
// It models: local images, networks, containers with their states, files and unique names and host ports,
// addresses that are assigned at start, removal, events, and commands as functions of the test. It does not
// model: processes, time, file modes, volumes, restart policies.
type Fake struct {
	// BeforeCall, if set, is called before each call with the method's name and the container, image or
	// network it is about. An error makes the call fail with it, without effect.
	BeforeCall func(method, subject string) error
	// AfterCall, if set, is called after each call took effect. An error makes the call look failed: the
	// answer was lost.
	AfterCall func(method, subject string) error
	// OnExec, if set, runs commands. Without it every command succeeds and prints nothing.
	OnExec func(ctx context.Context, container string, exec Exec) (int, error)
	// OnPull, if set, decides whether an image can be pulled. Without it every image can.
	OnPull func(image string) error
	// EngineInfo is what Info returns.
	EngineInfo Info

	mu         sync.Mutex
	images     map[string]bool
	networks   map[string]Network
	containers map[string]*fakeContainer
	listeners  map[chan Event]string
	calls      []string
	addresses  int
}

type fakeContainer struct {
	Container
	spec  Spec
	files map[string][]byte
}

var _ Runtime = (*Fake)(nil)

// NewFake returns an engine with the given local images and nothing else.
func NewFake(images ...string) *Fake {
	f := &Fake{
		EngineInfo: Info{ServerVersion: "28.5.2", CgroupVersion: "2", CPUs: 4, MemoryBytes: 8 << 30},
		images:     map[string]bool{},
		networks:   map[string]Network{},
		containers: map[string]*fakeContainer{},
		listeners:  map[chan Event]string{},
	}
	for _, image := range images {
		f.images[image] = true
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
	f.containers[name].files[file] = content
}

// Stop ends a container's first process, as a crash or "docker stop" would.
func (f *Fake) Stop(name string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	c := f.containers[name]
	c.State, c.ExitCode, c.IPv4 = StateExited, 137, ""
	f.publish("die", c)
}

// Vanish removes a container behind everybody's back.
func (f *Fake) Vanish(name string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	c := f.containers[name]
	delete(f.containers, name)
	f.publish("destroy", c)
}

// call records a call, lets the hooks have their say and runs do with the engine locked.
func (f *Fake) call(method, subject string, do func() error) error {
	f.mu.Lock()
	f.calls = append(f.calls, strings.TrimSpace(method+" "+subject))
	f.mu.Unlock()
	if f.BeforeCall != nil {
		if err := f.BeforeCall(method, subject); err != nil {
			return err
		}
	}
	f.mu.Lock()
	err := do()
	f.mu.Unlock()
	if err == nil && f.AfterCall != nil {
		err = f.AfterCall(method, subject)
	}
	return err
}

func (f *Fake) find(name string) (*fakeContainer, error) {
	if c, ok := f.containers[name]; ok {
		return c, nil
	}
	return nil, fmt.Errorf("container %s: %w", name, ErrNotFound)
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

// Info implements Runtime.
func (f *Fake) Info(context.Context) (info Info, err error) {
	err = f.call("Info", "", func() error { info = f.EngineInfo; return nil })
	return info, err
}

// ImageExists implements Runtime.
func (f *Fake) ImageExists(_ context.Context, image string) (exists bool, err error) {
	err = f.call("ImageExists", image, func() error {
		exists = slices.ContainsFunc(localReferences(image), func(ref string) bool { return f.images[ref] })
		return nil
	})
	return exists, err
}

// PullImage implements Runtime.
func (f *Fake) PullImage(_ context.Context, image string, _ func(string)) error {
	return f.call("PullImage", image, func() error {
		if f.OnPull != nil {
			if err := f.OnPull(image); err != nil {
				return err
			}
		}
		f.images[image] = true
		return nil
	})
}

// SaveImages implements Runtime. The archive is the images' names.
func (f *Fake) SaveImages(_ context.Context, images ...string) (archive io.ReadCloser, err error) {
	names := strings.Join(images, " ")
	err = f.call("SaveImages", names, func() error {
		for _, image := range images {
			if !f.images[image] {
				return fmt.Errorf("image %s: %w", image, ErrNotFound)
			}
		}
		archive = io.NopCloser(strings.NewReader(names))
		return nil
	})
	return archive, err
}

// EnsureNetwork implements Runtime.
func (f *Fake) EnsureNetwork(_ context.Context, name string) (network Network, err error) {
	err = f.call("EnsureNetwork", name, func() error {
		if _, ok := f.networks[name]; !ok {
			f.networks[name] = Network{ID: "network-" + name, Name: name, Subnets: []string{"172.18.0.0/16"}}
		}
		network = f.networks[name]
		return nil
	})
	return network, err
}

// Create implements Runtime.
func (f *Fake) Create(_ context.Context, spec Spec) error {
	return f.call("Create", spec.Name, func() error {
		if _, ok := f.containers[spec.Name]; ok {
			return fmt.Errorf("container %s: %w", spec.Name, ErrConflict)
		}
		if !f.images[spec.Image] {
			return fmt.Errorf("image %s: %w", spec.Image, ErrNotFound)
		}
		c := &fakeContainer{spec: spec, files: map[string][]byte{}}
		c.Container = Container{
			ID: "id-" + spec.Name, Name: spec.Name, Image: spec.Image, Labels: spec.Labels,
			State: StateCreated, Created: time.Now(), Ports: spec.Ports,
		}
		f.containers[spec.Name] = c
		f.publish("create", c)
		return nil
	})
}

// Start implements Runtime.
func (f *Fake) Start(_ context.Context, name string) error {
	return f.call("Start", name, func() error {
		c, err := f.find(name)
		if err != nil || c.Running() {
			return err
		}
		for _, port := range c.Ports {
			if other := f.listener(port.HostPort); other != "" {
				return fmt.Errorf("container %s: port %d is taken by %s: %w", name, port.HostPort, other, ErrConflict)
			}
		}
		f.addresses++
		c.State, c.Started, c.IPv4 = StateRunning, time.Now(), fmt.Sprintf("172.18.0.%d", f.addresses+1)
		f.publish("start", c)
		return nil
	})
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

// Kill implements Runtime. Signals have no effect.
func (f *Fake) Kill(_ context.Context, name, signal string) error {
	return f.call("Kill", name+" "+signal, func() error {
		c, err := f.find(name)
		if err == nil && !c.Running() {
			return fmt.Errorf("container %s does not run: %w", name, ErrConflict)
		}
		return err
	})
}

// Remove implements Runtime.
func (f *Fake) Remove(_ context.Context, name string) error {
	return f.call("Remove", name, func() error {
		if c, ok := f.containers[name]; ok {
			delete(f.containers, name)
			f.publish("destroy", c)
		}
		return nil
	})
}

// Inspect implements Runtime.
func (f *Fake) Inspect(_ context.Context, name string) (found Container, err error) {
	err = f.call("Inspect", name, func() error {
		c, err := f.find(name)
		if err == nil {
			found = c.Container
		}
		return err
	})
	return found, err
}

// List implements Runtime.
func (f *Fake) List(_ context.Context, labels map[string]string) (list []Container, err error) {
	err = f.call("List", "", func() error {
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

// Exec implements Runtime.
func (f *Fake) Exec(ctx context.Context, name string, exec Exec) (int, error) {
	err := f.call("Exec", name+" "+exec.Command[0], func() error {
		c, err := f.find(name)
		if err == nil && !c.Running() {
			return fmt.Errorf("container %s does not run: %w", name, ErrConflict)
		}
		return err
	})
	if err != nil || f.OnExec == nil {
		return 0, err
	}
	return f.OnExec(ctx, name, exec)
}

// CopyTo implements Runtime.
func (f *Fake) CopyTo(_ context.Context, name, directory string, archive io.Reader) error {
	return f.call("CopyTo", name, func() error {
		c, err := f.find(name)
		if err != nil {
			return err
		}
		reader := tar.NewReader(archive)
		for {
			header, err := reader.Next()
			if errors.Is(err, io.EOF) {
				return nil
			}
			if err != nil {
				return err
			}
			var content bytes.Buffer
			if _, err := io.Copy(&content, reader); err != nil {
				return err
			}
			if header.Typeflag == tar.TypeReg {
				c.files[path.Join(directory, header.Name)] = content.Bytes()
			}
		}
	})
}

// CopyFrom implements Runtime, for single files.
func (f *Fake) CopyFrom(_ context.Context, name, file string) (archive io.ReadCloser, err error) {
	err = f.call("CopyFrom", name+" "+file, func() error {
		c, err := f.find(name)
		if err != nil {
			return err
		}
		content, ok := c.files[file]
		if !ok {
			return fmt.Errorf("file %s in container %s: %w", file, name, ErrNotFound)
		}
		packed, err := Archive([]File{{Path: path.Base(file), Mode: 0o644, Content: content}})
		archive = io.NopCloser(bytes.NewReader(packed))
		return err
	})
	return archive, err
}

// ReadFile implements Runtime.
func (f *Fake) ReadFile(_ context.Context, name, file string) (content []byte, err error) {
	err = f.call("ReadFile", name+" "+file, func() error {
		c, err := f.find(name)
		if err != nil {
			return err
		}
		found, ok := c.files[file]
		if !ok {
			return fmt.Errorf("file %s in container %s: %w", file, name, ErrNotFound)
		}
		content = bytes.Clone(found)
		return nil
	})
	return content, err
}

// Logs implements Runtime. Containers of the fake write nothing.
func (f *Fake) Logs(_ context.Context, name string, _ int) (string, error) {
	return "", f.call("Logs", name, func() error { _, err := f.find(name); return err })
}

// Events implements Runtime.
func (f *Fake) Events(ctx context.Context, label string) (<-chan Event, error) {
	listener := make(chan Event, 100)
	err := f.call("Events", label, func() error {
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
