// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package container

import (
	"context"
	"io"
	"strings"
)

// question makes a call that only asks.
func question[T any](ctx context.Context, b *Bounded, name string, ask func(ctx context.Context) (T, error)) (answer T, err error) {
	err = b.call(ctx, b.limits.Question, name, func(ctx context.Context) error {
		answer, err = ask(ctx)
		return err
	})
	return answer, err
}

// change makes a call that changes something and carries no data.
func (b *Bounded) change(ctx context.Context, name string, do func(ctx context.Context) error) error {
	return b.call(ctx, b.limits.Change, name, do)
}

// lasting makes a call that lasts as long as the caller and the engine do.
func (b *Bounded) lasting(ctx context.Context, name string, do func(ctx context.Context) error) error {
	return b.call(ctx, 0, name, do)
}

// Ping is a question.
func (b *Bounded) Ping(ctx context.Context) error {
	return b.call(ctx, b.limits.Question, "Ping", b.engine.Ping)
}

// Info is a question.
func (b *Bounded) Info(ctx context.Context) (Info, error) {
	return question(ctx, b, "Info", b.engine.Info)
}

// ImageExists is a question.
func (b *Bounded) ImageExists(ctx context.Context, image string) (bool, error) {
	return question(ctx, b, "ImageExists "+image, func(ctx context.Context) (bool, error) { return b.engine.ImageExists(ctx, image) })
}

// ImageID is a question.
func (b *Bounded) ImageID(ctx context.Context, image string) (string, error) {
	return question(ctx, b, "ImageID "+image, func(ctx context.Context) (string, error) { return b.engine.ImageID(ctx, image) })
}

// Inspect is a question.
func (b *Bounded) Inspect(ctx context.Context, name string) (Container, error) {
	return question(ctx, b, "Inspect "+name, func(ctx context.Context) (Container, error) { return b.engine.Inspect(ctx, name) })
}

// List is a question.
func (b *Bounded) List(ctx context.Context, labels map[string]string) ([]Container, error) {
	return question(ctx, b, "List", func(ctx context.Context) ([]Container, error) { return b.engine.List(ctx, labels) })
}

// ReadFile is a question.
func (b *Bounded) ReadFile(ctx context.Context, name, path string) ([]byte, error) {
	return question(ctx, b, "ReadFile "+name, func(ctx context.Context) ([]byte, error) { return b.engine.ReadFile(ctx, name, path) })
}

// Logs is a question.
func (b *Bounded) Logs(ctx context.Context, name string, lines int) (string, error) {
	return question(ctx, b, "Logs "+name, func(ctx context.Context) (string, error) { return b.engine.Logs(ctx, name, lines) })
}

// UnusedVolumes is a question.
func (b *Bounded) UnusedVolumes(ctx context.Context, label string) ([]string, error) {
	return question(ctx, b, "UnusedVolumes", func(ctx context.Context) ([]string, error) { return b.engine.UnusedVolumes(ctx, label) })
}

// TagImage is a change.
func (b *Bounded) TagImage(ctx context.Context, image, name string) error {
	return b.change(ctx, "TagImage "+image, func(ctx context.Context) error { return b.engine.TagImage(ctx, image, name) })
}

// EnsureNetwork is a change.
func (b *Bounded) EnsureNetwork(ctx context.Context, name string) (network Network, err error) {
	err = b.change(ctx, "EnsureNetwork "+name, func(ctx context.Context) error {
		network, err = b.engine.EnsureNetwork(ctx, name)
		return err
	})
	return network, err
}

// Connect is a change.
func (b *Bounded) Connect(ctx context.Context, name, network string) error {
	return b.change(ctx, "Connect "+name, func(ctx context.Context) error { return b.engine.Connect(ctx, name, network) })
}

// Reconnect is a change.
func (b *Bounded) Reconnect(ctx context.Context, name string) error {
	return b.change(ctx, "Reconnect "+name, func(ctx context.Context) error { return b.engine.Reconnect(ctx, name) })
}

// RemoveUnusedNetwork is a change.
func (b *Bounded) RemoveUnusedNetwork(ctx context.Context, name string) (removed bool, err error) {
	err = b.change(ctx, "RemoveUnusedNetwork "+name, func(ctx context.Context) error {
		removed, err = b.engine.RemoveUnusedNetwork(ctx, name)
		return err
	})
	return removed, err
}

// RemoveUnusedVolumes is a change.
func (b *Bounded) RemoveUnusedVolumes(ctx context.Context, label string) error {
	return b.change(ctx, "RemoveUnusedVolumes", func(ctx context.Context) error { return b.engine.RemoveUnusedVolumes(ctx, label) })
}

// Create is a change.
func (b *Bounded) Create(ctx context.Context, spec Spec) error {
	return b.change(ctx, "Create "+spec.Name, func(ctx context.Context) error { return b.engine.Create(ctx, spec) })
}

// Start is a change.
func (b *Bounded) Start(ctx context.Context, name string) error {
	return b.change(ctx, "Start "+name, func(ctx context.Context) error { return b.engine.Start(ctx, name) })
}

// Kill is a change.
func (b *Bounded) Kill(ctx context.Context, name, signal string) error {
	return b.change(ctx, "Kill "+name, func(ctx context.Context) error { return b.engine.Kill(ctx, name, signal) })
}

// Remove is a change.
func (b *Bounded) Remove(ctx context.Context, name string) error {
	return b.change(ctx, "Remove "+name, func(ctx context.Context) error { return b.engine.Remove(ctx, name) })
}

// PullImage lasts.
func (b *Bounded) PullImage(ctx context.Context, image string, credentials *Credentials, progress func(string)) error {
	return b.lasting(ctx, "PullImage "+image, func(ctx context.Context) error {
		return b.engine.PullImage(ctx, image, credentials, progress)
	})
}

// Exec lasts.
func (b *Bounded) Exec(ctx context.Context, name string, exec Exec) (code int, err error) {
	err = b.lasting(ctx, "Exec "+name, func(ctx context.Context) error {
		code, err = b.engine.Exec(ctx, name, exec)
		return err
	})
	return code, err
}

// CopyTo lasts.
func (b *Bounded) CopyTo(ctx context.Context, name, directory string, archive io.Reader) error {
	return b.lasting(ctx, "CopyTo "+name, func(ctx context.Context) error { return b.engine.CopyTo(ctx, name, directory, archive) })
}

// CopyFrom lasts until what it returns is closed.
func (b *Bounded) CopyFrom(ctx context.Context, name, path string) (io.ReadCloser, error) {
	return b.stream(ctx, "CopyFrom "+name, func(ctx context.Context) (io.ReadCloser, error) { return b.engine.CopyFrom(ctx, name, path) })
}

// SaveImages lasts until what it returns is closed.
func (b *Bounded) SaveImages(ctx context.Context, images ...string) (io.ReadCloser, error) {
	return b.stream(ctx, "SaveImages "+strings.Join(images, " "), func(ctx context.Context) (io.ReadCloser, error) {
		return b.engine.SaveImages(ctx, images...)
	})
}

// Events lasts as long as the channel is open, which is also closed when the engine stalls.
func (b *Bounded) Events(ctx context.Context, label string) (<-chan Event, error) {
	ctx, end, err := b.begin(ctx, 0, "Events")
	if err != nil {
		return nil, err
	}
	events, err := b.engine.Events(ctx, label)
	if err != nil {
		defer end()
		return nil, explain(ctx, err)
	}
	out := make(chan Event)
	go func() {
		defer end()
		defer close(out)
		for event := range events {
			select {
			case out <- event:
			case <-ctx.Done():
			}
		}
	}()
	return out, nil
}

// stream makes a call that lasts until what it returns is closed.
func (b *Bounded) stream(ctx context.Context, name string, open func(ctx context.Context) (io.ReadCloser, error)) (io.ReadCloser, error) {
	ctx, end, err := b.begin(ctx, 0, name)
	if err != nil {
		return nil, err
	}
	content, err := open(ctx)
	if err != nil {
		defer end()
		return nil, explain(ctx, err)
	}
	return &boundedStream{ReadCloser: content, ctx: ctx, end: end}, nil
}

// boundedStream ends its call when it is closed.
type boundedStream struct {
	io.ReadCloser
	ctx context.Context //nolint:containedctx // That of the call.
	end func()
}

func (s *boundedStream) Read(p []byte) (int, error) {
	n, err := s.ReadCloser.Read(p)
	return n, explain(s.ctx, err)
}

func (s *boundedStream) Close() error {
	defer s.end()
	return s.ReadCloser.Close()
}
