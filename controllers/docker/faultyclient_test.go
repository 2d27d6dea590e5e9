// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package docker

import (
	"context"

	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"
)

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
