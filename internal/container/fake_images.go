// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package container

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
)

// ImageExists implements Runtime.
func (f *Fake) ImageExists(ctx context.Context, image string) (exists bool, err error) {
	err = f.call(ctx, "ImageExists", image, func() error {
		exists = slices.ContainsFunc(localReferences(image), func(ref string) bool { return f.images[ref] })
		return nil
	})
	return exists, err
}

// PullImage implements Runtime.
func (f *Fake) PullImage(ctx context.Context, image string, credentials *Credentials, _ func(string)) error {
	return f.call(ctx, "PullImage", image, func() error {
		if f.OnPull != nil {
			if err := f.OnPull(image, credentials); err != nil {
				return err
			}
		}
		f.images[image] = true
		return nil
	})
}

// SaveImages implements Runtime. The archive is the images' names.
func (f *Fake) SaveImages(ctx context.Context, images ...string) (archive io.ReadCloser, err error) {
	names := strings.Join(images, " ")
	err = f.call(ctx, "SaveImages", names, func() error {
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

// TagImage implements Runtime.
func (f *Fake) TagImage(ctx context.Context, image, name string) error {
	return f.call(ctx, "TagImage", image+" "+name, func() error {
		if !f.images[image] {
			return fmt.Errorf("image %s: %w", image, ErrNotFound)
		}
		f.images[name] = true
		return nil
	})
}
