// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"archive/tar"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// layer is the uncompressed tar of an image's layer, in a file.
type layer struct {
	path string
	// diffID is the digest of the tar.
	diffID string
}

// newLayer writes a layer to path. The same content gives the same bytes: root owns everything and time stands still.
func newLayer(path string, write func(*layerWriter) error) (*layer, error) {
	file, err := os.Create(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	hash := sha256.New()
	w := &layerWriter{tar: tar.NewWriter(io.MultiWriter(file, hash))}
	if err := write(w); err != nil {
		return nil, fmt.Errorf("write layer %s: %w", filepath.Base(path), err)
	}
	if err := w.tar.Close(); err != nil {
		return nil, err
	}
	return &layer{path: path, diffID: "sha256:" + hex.EncodeToString(hash.Sum(nil))}, file.Close()
}

// existingLayer makes a layer of a tar that is there.
func existingLayer(path string) (*layer, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	hash := sha256.New()
	if _, err := io.Copy(hash, file); err != nil {
		return nil, err
	}
	return &layer{path: path, diffID: "sha256:" + hex.EncodeToString(hash.Sum(nil))}, nil
}

// layerWriter takes absolute names.
type layerWriter struct{ tar *tar.Writer }

func (w *layerWriter) header(h tar.Header) error {
	h.Name = strings.TrimPrefix(h.Name, "/")
	return w.tar.WriteHeader(&h)
}

func (w *layerWriter) directory(name string, mode int64) error {
	return w.header(tar.Header{Typeflag: tar.TypeDir, Name: name + "/", Mode: mode})
}

func (w *layerWriter) symlink(name, target string) error {
	return w.header(tar.Header{Typeflag: tar.TypeSymlink, Name: name, Linkname: target, Mode: 0o777})
}

func (w *layerWriter) stream(name string, mode, size int64, content io.Reader) error {
	if err := w.header(tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: mode, Size: size}); err != nil {
		return err
	}
	_, err := io.Copy(w.tar, content)
	return err
}

// file puts a file that everyone may read at name.
func (w *layerWriter) file(name, content string) error {
	return w.stream(name, 0o644, int64(len(content)), strings.NewReader(content))
}

// copyFile puts a file of this machine at name.
func (w *layerWriter) copyFile(name string, mode int64, path string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	return w.stream(name, mode, info.Size(), file)
}

// copyTree puts the folder dir of this machine at name, with everything in it.
func (w *layerWriter) copyTree(name, dir string) error {
	return filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		relative, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		target := filepath.Join(name, relative)
		if entry.IsDir() {
			return w.directory(target, int64(info.Mode().Perm()))
		}
		return w.copyFile(target, int64(info.Mode().Perm()), path)
	})
}
