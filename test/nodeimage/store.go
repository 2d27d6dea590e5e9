// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"

	"github.com/containerd/containerd/v2/core/content"
	"github.com/containerd/containerd/v2/core/images"
	"github.com/containerd/containerd/v2/core/metadata"
	"github.com/containerd/containerd/v2/pkg/namespaces"
	"github.com/containerd/containerd/v2/plugins/content/local"
	"github.com/containerd/log"
	"github.com/klauspost/compress/zstd"
	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	bolt "go.etcd.io/bbolt"
)

// containerdStore writes images into the folder that becomes a node's /var/lib/containerd, without a containerd.
// Layers stay compressed until a pod needs them: every node gets a copy of this folder.
type containerdStore struct {
	dir     string
	content content.Store
	images  images.Store
	close   func() error
	// layers are those written, by the digest of their tar: images share some.
	layers map[string]ocispec.Descriptor
}

// criNamespace is where the kubelet's container runtime interface keeps its images.
const criNamespace = "k8s.io"

func newContainerdStore(ctx context.Context, dir string) (*containerdStore, error) {
	// It warns of file systems without fs-verity, which are most.
	if err := log.SetLevel("error"); err != nil {
		return nil, err
	}
	blobs, err := local.NewStore(filepath.Join(dir, "io.containerd.content.v1.content"))
	if err != nil {
		return nil, err
	}
	database := filepath.Join(dir, "io.containerd.metadata.v1.bolt", "meta.db")
	if err := os.MkdirAll(filepath.Dir(database), 0o711); err != nil {
		return nil, err
	}
	db, err := bolt.Open(database, 0o644, nil)
	if err != nil {
		return nil, err
	}
	meta := metadata.NewDB(db, blobs, nil)
	if err := meta.Init(ctx); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return &containerdStore{
		dir:     dir,
		content: meta.ContentStore(),
		images:  metadata.NewImageStore(meta),
		close:   db.Close,
		layers:  map[string]ocispec.Descriptor{},
	}, nil
}

// add writes an image's layers, configuration and manifest, and its name.
func (s *containerdStore) add(ctx context.Context, i *image) error {
	ctx = namespaces.WithNamespace(ctx, criNamespace)
	config := ocispec.Image{Platform: ocispec.Platform{OS: "linux", Architecture: runtime.GOARCH}, Config: i.config}
	config.RootFS.Type = "layers"
	manifest := ocispec.Manifest{Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageManifest}
	for _, l := range i.layers {
		descriptor, err := s.addLayer(ctx, l)
		if err != nil {
			return err
		}
		manifest.Layers = append(manifest.Layers, descriptor)
		config.RootFS.DiffIDs = append(config.RootFS.DiffIDs, digest.Digest(l.diffID))
	}
	var err error
	if manifest.Config, err = s.addJSON(ctx, ocispec.MediaTypeImageConfig, config); err != nil {
		return err
	}
	target, err := s.addJSON(ctx, ocispec.MediaTypeImageManifest, manifest)
	if err != nil {
		return err
	}
	// Labels tell containerd's garbage collector what belongs to what.
	label := images.SetChildrenLabels(s.content, images.ChildrenHandler(s.content))
	if err := images.Walk(ctx, label, target); err != nil {
		return err
	}
	// The kubelet removes images that are not in use when a disk gets full, unless they are pinned.
	_, err = s.images.Create(ctx, images.Image{
		Name: i.name, Target: target, Labels: map[string]string{"io.cri-containerd.pinned": "pinned"},
	})
	if err != nil {
		return fmt.Errorf("add %s: %w", i.name, err)
	}
	return nil
}

func (s *containerdStore) addLayer(ctx context.Context, l *layer) (ocispec.Descriptor, error) {
	if descriptor, ok := s.layers[l.diffID]; ok {
		return descriptor, nil
	}
	file, err := os.Open(l.path)
	if err != nil {
		return ocispec.Descriptor{}, err
	}
	defer func() { _ = file.Close() }()
	var compressed bytes.Buffer
	// zstd, because unpacking it costs a booting node a fraction of what gzip does.
	encoder, err := zstd.NewWriter(&compressed, zstd.WithEncoderLevel(zstd.SpeedDefault))
	if err != nil {
		return ocispec.Descriptor{}, err
	}
	if _, err := io.Copy(encoder, file); err != nil {
		return ocispec.Descriptor{}, err
	}
	if err := encoder.Close(); err != nil {
		return ocispec.Descriptor{}, err
	}
	descriptor, err := s.addBlob(ctx, ocispec.MediaTypeImageLayerZstd, compressed.Bytes())
	s.layers[l.diffID] = descriptor
	return descriptor, err
}

func (s *containerdStore) addJSON(ctx context.Context, mediaType string, value any) (ocispec.Descriptor, error) {
	data, err := json.Marshal(value)
	if err != nil {
		return ocispec.Descriptor{}, err
	}
	return s.addBlob(ctx, mediaType, data)
}

func (s *containerdStore) addBlob(ctx context.Context, mediaType string, data []byte) (ocispec.Descriptor, error) {
	descriptor := ocispec.Descriptor{MediaType: mediaType, Digest: digest.FromBytes(data), Size: int64(len(data))}
	return descriptor, content.WriteBlob(ctx, s.content, descriptor.Digest.String(), bytes.NewReader(data), descriptor)
}
