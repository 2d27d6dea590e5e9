// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package container

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"
)

// FakeImages is the file in which archives of a Fake's images have their names.
const FakeImages = "images"

// ImageExists is as Docker's.
func (f *Fake) ImageExists(ctx context.Context, image string) (exists bool, err error) {
	err = f.call(ctx, "ImageExists", image, func() error {
		exists = f.images[image] != ""
		return nil
	})
	return exists, err
}

// PullImage is as Docker's.
func (f *Fake) PullImage(ctx context.Context, image string, credentials *Credentials, _ func(string)) error {
	return f.call(ctx, "PullImage", image, func() error {
		if f.OnPull != nil {
			if err := f.OnPull(image, credentials); err != nil {
				return fmt.Errorf("pulling image %s: %w", image, err)
			}
		}
		f.images[image] = "id-of-" + image
		return nil
	})
}

// BuildImage makes an image, or gives its name to another one, as the user of an engine may at any moment.
func (f *Fake) BuildImage(name, id string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.images[name] = id
}

// ImageID is as Docker's.
func (f *Fake) ImageID(ctx context.Context, image string) (id string, err error) {
	err = f.call(ctx, "ImageID", image, func() error {
		if id = f.images[image]; id == "" {
			return fmt.Errorf("image %s: %w", image, ErrNotFound)
		}
		return nil
	})
	return id, err
}

// SaveImages is as Docker's. The archive has one file, FakeImages, with the images' names.
func (f *Fake) SaveImages(ctx context.Context, images ...string) (archive io.ReadCloser, err error) {
	names := strings.Join(images, " ")
	err = f.call(ctx, "SaveImages", names, func() error {
		for _, image := range images {
			if f.images[image] == "" {
				return fmt.Errorf("image %s: %w", image, ErrNotFound)
			}
		}
		packed, err := Archive([]File{{Path: FakeImages, Mode: 0o644, Content: []byte(names)}})
		archive = io.NopCloser(bytes.NewReader(packed))
		return err
	})
	return archive, err
}

// TagImage is as Docker's.
func (f *Fake) TagImage(ctx context.Context, image, name string) error {
	return f.call(ctx, "TagImage", image+" "+name, func() error {
		if f.images[image] == "" {
			return fmt.Errorf("image %s: %w", image, ErrNotFound)
		}
		f.images[name] = f.images[image]
		return nil
	})
}
