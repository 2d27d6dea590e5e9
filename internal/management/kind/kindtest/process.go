// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package kindtest

import (
	"context"
	"errors"
	"io"
	"sync"

	"sigs.k8s.io/kind/pkg/apis/config/v1alpha4"
)

// ErrKilled is what every call of a process ends in after it was killed. It stands
// for the process not making that call.
var ErrKilled = errors.New("the process was killed")

// Process is a process that uses the engine and may be killed: the Tools of package
// kind for it.
type Process struct {
	// Before, if set, is called before each call of the process, as the engine's is. It
	// may block, as a process does that is suspended.
	Before func(call string) error

	engine *Engine

	mu     sync.Mutex
	calls  int
	killed bool
}

// Process returns a process that is killed before it makes another call after that
// many; never, if calls is negative.
func (e *Engine) Process(calls int) *Process { return &Process{engine: e, calls: calls} }

// Kill kills the process.
func (p *Process) Kill() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.killed = true
}

// Killed says whether the process was killed.
func (p *Process) Killed() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.killed
}

func (p *Process) enter(call string) error {
	if p.Before != nil {
		if err := p.Before(call); err != nil {
			return err
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.calls == 0 {
		p.killed = true
	}
	if p.killed {
		return ErrKilled
	}
	if p.calls > 0 {
		p.calls--
	}
	return nil
}

// Docker runs a docker command.
func (p *Process) Docker(ctx context.Context, stdin []byte, args ...string) (stdout, stderr []byte, err error) {
	return p.engine.dockerFor(ctx, p, stdin, args)
}

// Pull is the engine's.
func (p *Process) Pull(ctx context.Context, image string) error {
	return p.engine.pullFor(ctx, p, image)
}

// CreateCluster is the engine's.
func (p *Process) CreateCluster(ctx context.Context, config *v1alpha4.Cluster) error {
	return p.engine.createFor(ctx, p, config)
}

// LoadImageArchive is the engine's.
func (p *Process) LoadImageArchive(ctx context.Context, cluster, node string, archive io.Reader) error {
	return p.engine.loadFor(ctx, p, cluster, node, archive)
}
