// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package container

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"
)

// Limits say when calls to an engine are given up.
type Limits struct {
	// Question is how long a call may take that only asks. Engines answer in milliseconds.
	Question time.Duration
	// Change is how long a call may take that changes something and carries no data, such as Start. Calls that
	// carry data or run commands last as long as the caller lets them.
	Change time.Duration
	// Patience is how long any call may take until the engine is asked whether it still answers, which is repeated
	// after the same time while the call lasts.
	Patience time.Duration
	// Ping is how long the answer to that may take. An engine that needs longer has stalled.
	Ping time.Duration
	// Retry is the shortest time between two attempts to reach an engine that has stalled. All other calls fail at
	// once meanwhile.
	Retry time.Duration
}

// DefaultLimits let a machine be slow whose processors are all busy, and notice a stalled engine within 20 seconds.
var DefaultLimits = Limits{
	Question: 30 * time.Second, Change: 2 * time.Minute,
	Patience: 10 * time.Second, Ping: 10 * time.Second, Retry: 2 * time.Second,
}

// engine is every call that there is; what they do stands with Docker's. It is for what has to know them all: Bounded, which
// must not leave one unbounded, and the tests that hold Docker and Fake to the same. Everybody else declares the few that they
// need where they need them, so it is not exported.
type engine interface {
	Ping(ctx context.Context) error
	Info(ctx context.Context) (Info, error)

	ImageExists(ctx context.Context, image string) (bool, error)
	PullImage(ctx context.Context, image string, credentials *Credentials, progress func(string)) error
	TagImage(ctx context.Context, image, name string) error
	ImageID(ctx context.Context, image string) (string, error)
	SaveImages(ctx context.Context, images ...string) (io.ReadCloser, error)

	EnsureNetwork(ctx context.Context, name string) (Network, error)
	Connect(ctx context.Context, name, network string) error
	Reconnect(ctx context.Context, name string) error
	RemoveUnusedNetwork(ctx context.Context, name string) (bool, error)

	UnusedVolumes(ctx context.Context, label string) ([]string, error)
	RemoveUnusedVolumes(ctx context.Context, label string) error

	Create(ctx context.Context, spec Spec) error
	Start(ctx context.Context, name string) error
	Kill(ctx context.Context, name, signal string) error
	Remove(ctx context.Context, name string) error
	Inspect(ctx context.Context, name string) (Container, error)
	List(ctx context.Context, labels map[string]string) ([]Container, error)

	Exec(ctx context.Context, name string, exec Exec) (int, error)
	CopyTo(ctx context.Context, name, directory string, archive io.Reader) error
	CopyFrom(ctx context.Context, name, path string) (io.ReadCloser, error)
	ReadFile(ctx context.Context, name, path string) ([]byte, error)
	Logs(ctx context.Context, name string, lines int) (string, error)

	Events(ctx context.Context, label string) (<-chan Event, error)
}

// Bounded is an engine whose calls end although the engine has stalled: they fail with ErrUnavailable. When one call has
// found that out, the others fail at once, so that those who wait for their turn do not add up their time; whoever calls
// next after Limits.Retry finds out whether the engine answers again.
type Bounded struct {
	engine engine
	limits Limits

	// pinging is held by whoever asks the engine whether it answers.
	pinging sync.Mutex
	// pinged is when it was last asked. Guarded by pinging.
	pinged time.Time

	mu sync.Mutex
	// stall says that the engine has stalled; nil if not.
	stall error
}

var _ engine = (*Bounded)(nil)

// Bound returns the engine with calls that end.
func Bound(e engine, limits Limits) *Bounded {
	return &Bounded{engine: e, limits: limits}
}

// call makes a call, named for people, that takes at most the limit; with no limit, as long as ctx and the engine last.
func (b *Bounded) call(ctx context.Context, limit time.Duration, name string, do func(ctx context.Context) error) error {
	ctx, end, err := b.begin(ctx, limit, name)
	if err != nil {
		return err
	}
	defer end()
	return explain(ctx, do(ctx))
}

// begin returns a context for a call. It is cancelled, with ErrUnavailable as the cause, when the limit has passed or the
// engine has stalled. The error is ErrUnavailable if the engine is known to have stalled.
func (b *Bounded) begin(ctx context.Context, limit time.Duration, name string) (context.Context, func(), error) {
	if err := b.admit(ctx); err != nil {
		return nil, nil, err
	}
	if limit == 0 {
		// The client agrees on an API version within its first call, and all others wait for that, so it must not be
		// one that may last.
		if err := b.check(ctx, name, time.Now()); err != nil {
			return nil, nil, err
		}
	}
	ctx, cancel := context.WithCancelCause(ctx)
	go b.watch(ctx, cancel, limit, name)
	return ctx, func() { cancel(context.Canceled) }, nil
}

// watch cancels a call that takes too long.
func (b *Bounded) watch(ctx context.Context, cancel context.CancelCauseFunc, limit time.Duration, name string) {
	began := time.Now()
	var overdue <-chan time.Time
	if limit > 0 {
		timer := time.NewTimer(limit)
		defer timer.Stop()
		overdue = timer.C
	}
	ticker := time.NewTicker(b.limits.Patience)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-overdue:
			cancel(fmt.Errorf("%w: %q is not done after %s, although the engine answers other calls; its log "+
				"(journalctl --unit docker) may say what it waits for", ErrUnavailable, name, limit))
			return
		case <-ticker.C:
			if err := b.check(ctx, name, began); err != nil {
				cancel(err)
				return
			}
		}
	}
}

// explain replaces the error of a call that was given up with the reason.
func explain(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); err != nil && errors.Is(cause, ErrUnavailable) {
		return cause
	}
	return err
}

// admit lets calls through to an engine that has not stalled, or that answers again.
func (b *Bounded) admit(ctx context.Context) error {
	stall := b.stalled()
	if stall == nil {
		return nil
	}
	if !b.pinging.TryLock() {
		return stall
	}
	defer b.pinging.Unlock()
	if time.Since(b.pinged) < b.limits.Retry {
		return stall
	}
	return b.ping(ctx, stall)
}

// check asks whether the engine still answers, on behalf of a call that takes long.
func (b *Bounded) check(ctx context.Context, name string, began time.Time) error {
	b.pinging.Lock()
	defer b.pinging.Unlock()
	if stall := b.stalled(); stall != nil {
		return stall
	}
	if time.Since(b.pinged) < b.limits.Patience/2 {
		return nil // It has just been asked for another call.
	}
	return b.ping(ctx, fmt.Errorf("%w: it has answered neither %q nor anything else since %s; if it does not recover by "+
		"itself, restart it (systemctl restart docker). Work continues as soon as it answers",
		ErrUnavailable, name, began.UTC().Format(time.RFC3339)))
}

// ping asks the engine whether it answers. If it does not, it has stalled, for which the error is given. One that cannot
// be connected to has not: then calls fail by themselves.
func (b *Bounded) ping(ctx context.Context, stall error) error {
	asking, cancel := context.WithTimeout(ctx, b.limits.Ping)
	defer cancel()
	err := b.engine.Ping(asking)
	if ctx.Err() != nil {
		return b.stalled() // Nothing was learned: the caller did not wait.
	}
	b.pinged = time.Now()
	b.mu.Lock()
	defer b.mu.Unlock()
	b.stall = nil
	if err != nil && asking.Err() != nil {
		b.stall, err = stall, stall
	}
	return err
}

func (b *Bounded) stalled() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.stall
}
