// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package container

import (
	"archive/tar"
	"bytes"
	"context"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/docker/docker/api/types/container"
)

// maxFileSize bounds what ReadFile keeps in memory.
const maxFileSize = 16 << 20

// CopyTo unpacks a tar archive into a directory of a container, running or not. The directory must exist.
// What is written below a tmpfs of a container that does not run is lost.
func (d *Docker) CopyTo(ctx context.Context, name, directory string, archive io.Reader) error {
	err := d.client.CopyToContainer(ctx, name, directory, archive, container.CopyToContainerOptions{})
	return d.wrap(err, "copying files to %s in container %s", directory, name)
}

// CopyFrom packs a file or directory of a container, running or not, into a tar archive, whose entries start
// with the last element of the path. The caller closes it.
func (d *Docker) CopyFrom(ctx context.Context, name, path string) (io.ReadCloser, error) {
	archive, _, err := d.client.CopyFromContainer(ctx, name, path)
	if err != nil {
		return nil, d.wrap(err, "copying %s out of container %s", path, name)
	}
	return archive, nil
}

// ReadFile reads a file of at most 16 MiB out of a container, running or not.
func (d *Docker) ReadFile(ctx context.Context, name, file string) ([]byte, error) {
	archive, stat, err := d.client.CopyFromContainer(ctx, name, file)
	if err != nil {
		return nil, d.wrap(err, "reading %s in container %s", file, name)
	}
	defer func() { _ = archive.Close() }()
	if !stat.Mode.IsRegular() || stat.Size > maxFileSize {
		return nil, fmt.Errorf("reading %s in container %s: not a regular file of at most %d bytes", file, name, maxFileSize)
	}
	reader := tar.NewReader(archive)
	if _, err := reader.Next(); err != nil {
		return nil, fmt.Errorf("reading %s in container %s: %w", file, name, err)
	}
	content, err := io.ReadAll(io.LimitReader(reader, maxFileSize))
	if err != nil {
		return nil, fmt.Errorf("reading %s in container %s: %w", file, name, err)
	}
	return content, nil
}

// File is a file to copy into a container.
type File struct {
	// Path is relative to the directory that the archive is unpacked in.
	Path string
	// Mode are the permission bits.
	Mode int64
	// Content is the content, or with Link the target of a symbolic link.
	Content []byte
	// Link makes the file a symbolic link.
	Link bool
}

// Archive packs files, all owned by root, with the directories they need (mode 0755). The same files give the
// same bytes.
func Archive(files []File) ([]byte, error) {
	var buffer bytes.Buffer
	writer := tar.NewWriter(&buffer)
	for _, directory := range directories(files) {
		header := &tar.Header{Typeflag: tar.TypeDir, Name: directory + "/", Mode: 0o755, ModTime: time.Unix(0, 0)}
		if err := writer.WriteHeader(header); err != nil {
			return nil, fmt.Errorf("packing %s: %w", directory, err)
		}
	}
	for _, file := range files {
		if err := writeFile(writer, file); err != nil {
			return nil, fmt.Errorf("packing %s: %w", file.Path, err)
		}
	}
	if err := writer.Close(); err != nil {
		return nil, fmt.Errorf("packing files: %w", err)
	}
	return buffer.Bytes(), nil
}

func writeFile(writer *tar.Writer, file File) error {
	header := &tar.Header{Name: file.Path, Mode: file.Mode, ModTime: time.Unix(0, 0)}
	if file.Link {
		header.Typeflag, header.Linkname = tar.TypeSymlink, string(file.Content)
		return writer.WriteHeader(header)
	}
	header.Typeflag, header.Size = tar.TypeReg, int64(len(file.Content))
	if err := writer.WriteHeader(header); err != nil {
		return err
	}
	_, err := writer.Write(file.Content)
	return err
}

// directories are all parents of the files, each before its own children.
func directories(files []File) []string {
	seen := map[string]bool{}
	for _, file := range files {
		for parent := path.Dir(file.Path); parent != "." && parent != "/"; parent = path.Dir(parent) {
			seen[parent] = true
		}
	}
	sorted := make([]string, 0, len(seen))
	for directory := range seen {
		sorted = append(sorted, strings.TrimPrefix(directory, "/"))
	}
	slices.Sort(sorted)
	return sorted
}
