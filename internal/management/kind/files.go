// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package kind

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"
)

// readFile reads a file of a container. The error is fs.ErrNotExist if the
// container has no such file. It does not run anything in the container, so that
// one that is stopped, paused or out of processes can be read, and that the engine
// itself says whether the file exists.
func (c *Clusters) readFile(ctx context.Context, container, file string) ([]byte, error) {
	archive, err := c.query(ctx, "cp", container+":"+file, "-")
	if err != nil {
		return nil, c.missing(ctx, container, file, err)
	}
	reader := tar.NewReader(bytes.NewReader(archive))
	header, err := reader.Next()
	if err == nil && header.Typeflag != tar.TypeReg {
		err = errors.New("it is not a regular file")
	}
	if err != nil {
		return nil, fmt.Errorf("cannot read %s of container %.12s: %w", file, container, err)
	}
	return io.ReadAll(reader)
}

// missing makes an error fs.ErrNotExist if it says that the file does not exist.
// Older versions of the docker command have the same words for a container that
// does not.
func (c *Clusters) missing(ctx context.Context, container, file string, err error) error {
	if text := err.Error(); !strings.Contains(text, "Could not find the file") && !strings.Contains(text, "No such container:path") {
		return err
	}
	if _, inspecting := c.inspect(ctx, container); inspecting != nil {
		return inspecting
	}
	return fmt.Errorf("%s of container %.12s: %w", file, container, fs.ErrNotExist)
}

// writeFile writes a file of a container, whose folder must exist.
func (c *Clusters) writeFile(ctx context.Context, container, file string, content []byte) error {
	var archive bytes.Buffer
	writer := tar.NewWriter(&archive)
	header := &tar.Header{Name: path.Base(file), Mode: 0o644, Size: int64(len(content)), Typeflag: tar.TypeReg}
	err := writer.WriteHeader(header)
	if err == nil {
		_, err = writer.Write(content)
	}
	if err == nil {
		err = writer.Close()
	}
	if err == nil {
		ctx, cancel := context.WithTimeout(ctx, queryTimeout)
		defer cancel()
		_, err = c.run(ctx, archive.Bytes(), "cp", "-", container+":"+path.Dir(file))
	}
	if err != nil {
		return fmt.Errorf("cannot write %s of container %.12s: %w", file, container, err)
	}
	return nil
}
