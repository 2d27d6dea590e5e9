// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package docker

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"
)

// reliable in a context exempts calls from faults: the test's own.
type reliable struct{}

var errFault = errors.New("fault")

// faults make calls fail.
type faults struct {
	mu   sync.Mutex
	rand *rand.Rand
	rate float64
}

// set sets how many of all calls fail, before and after they take effect each.
func (f *faults) set(rate float64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.rate = rate
}

func (f *faults) strike(ctx context.Context) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return ctx.Value(reliable{}) == nil && f.rand.Float64() < f.rate
}

// before has calls fail without effect, some after a while.
func (f *faults) before(ctx context.Context, _, _ string) error {
	if !f.strike(ctx) {
		return nil
	}
	f.mu.Lock()
	hangs := f.rand.IntN(10) == 0
	f.mu.Unlock()
	if !hangs {
		return errFault
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(callTimeout):
		return errFault
	}
}

// after has calls take effect, and loses the answer.
func (f *faults) after(ctx context.Context, _, _ string) error {
	if f.strike(ctx) {
		return errFault
	}
	return nil
}

// client returns one whose calls fail.
func (f *faults) client(c client.Client) client.Client {
	withWatch, ok := c.(client.WithWatch)
	if !ok {
		panic("the fake client can watch")
	}
	call := func(ctx context.Context, do func() error) error {
		if err := f.before(ctx, "", ""); err != nil {
			return err
		}
		if err := do(); err != nil {
			return err
		}
		return f.after(ctx, "", "")
	}
	return interceptor.NewClient(withWatch, interceptor.Funcs{
		Get: func(ctx context.Context, c client.WithWatch, key client.ObjectKey, obj client.Object, opts ...client.GetOption) error {
			return call(ctx, func() error { return c.Get(ctx, key, obj, opts...) })
		},
		List: func(ctx context.Context, c client.WithWatch, list client.ObjectList, opts ...client.ListOption) error {
			return call(ctx, func() error { return c.List(ctx, list, opts...) })
		},
		Patch: func(ctx context.Context, c client.WithWatch, obj client.Object, patch client.Patch, opts ...client.PatchOption) error {
			return call(ctx, func() error { return c.Patch(ctx, obj, patch, opts...) })
		},
		SubResourcePatch: func(ctx context.Context, c client.Client, name string, obj client.Object, patch client.Patch, opts ...client.SubResourcePatchOption) error {
			return call(ctx, func() error { return c.SubResource(name).Patch(ctx, obj, patch, opts...) })
		},
	})
}
