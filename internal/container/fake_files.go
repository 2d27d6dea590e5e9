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
)

// Exec is as Docker's.
func (f *Fake) Exec(ctx context.Context, name string, exec Exec) (int, error) {
	err := f.call(ctx, "Exec", name+" "+exec.Command[0], func() error {
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

// CopyTo is as Docker's.
func (f *Fake) CopyTo(ctx context.Context, name, directory string, archive io.Reader) error {
	return f.call(ctx, "CopyTo", name, func() error {
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
				files, key := f.files(c, path.Join(directory, header.Name))
				files[key] = content.Bytes()
			}
		}
	})
}

// CopyFrom is as Docker's, for single files.
func (f *Fake) CopyFrom(ctx context.Context, name, file string) (archive io.ReadCloser, err error) {
	err = f.call(ctx, "CopyFrom", name+" "+file, func() error {
		c, err := f.find(name)
		if err != nil {
			return err
		}
		files, key := f.files(c, file)
		content, ok := files[key]
		if !ok {
			return fmt.Errorf("file %s in container %s: %w", file, name, ErrNotFound)
		}
		packed, err := Archive([]File{{Path: path.Base(file), Mode: 0o644, Content: content}})
		archive = io.NopCloser(bytes.NewReader(packed))
		return err
	})
	return archive, err
}

// ReadFile is as Docker's.
func (f *Fake) ReadFile(ctx context.Context, name, file string) (content []byte, err error) {
	err = f.call(ctx, "ReadFile", name+" "+file, func() error {
		c, err := f.find(name)
		if err != nil {
			return err
		}
		files, key := f.files(c, file)
		found, ok := files[key]
		if !ok {
			return fmt.Errorf("file %s in container %s: %w", file, name, ErrNotFound)
		}
		content = bytes.Clone(found)
		return nil
	})
	return content, err
}
