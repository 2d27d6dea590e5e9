// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/containerd/containerd/v2/core/images"
	"github.com/containerd/containerd/v2/pkg/namespaces"
	"github.com/containerd/platforms"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

func testLayer(t *testing.T, name string) *layer {
	t.Helper()
	l, err := newLayer(filepath.Join(t.TempDir(), name), func(w *layerWriter) error { return w.file("/"+name, name) })
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestLayerIsReproducible(t *testing.T) {
	first, second := testLayer(t, "same"), testLayer(t, "same")
	if first.diffID != second.diffID {
		t.Errorf("the same content gave %s and %s", first.diffID, second.diffID)
	}
	again, err := existingLayer(first.path)
	if err != nil || again.diffID != first.diffID {
		t.Errorf("reading the layer gave %v, %v, writing it %s", again, err, first.diffID)
	}
}

func TestCopyTree(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "sub"), 0o711); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "sub", "file"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	l, err := newLayer(filepath.Join(t.TempDir(), "layer.tar"), func(w *layerWriter) error { return w.copyTree("/var/lib", dir) })
	if err != nil {
		t.Fatal(err)
	}
	if got := tarNames(t, l.path); !slices.Equal(got, []string{"var/lib/", "var/lib/sub/", "var/lib/sub/file"}) {
		t.Errorf("the layer holds %q", got)
	}
}

func TestContainerdStoreSharesLayers(t *testing.T) {
	store, err := newContainerdStore(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	below := testLayer(t, "below")
	for _, name := range []string{"registry.k8s.io/kube-proxy:v1.35.0", kindnetImage} {
		i := &image{name: name, layers: []*layer{below, testLayer(t, filepath.Base(name))}, config: ocispec.ImageConfig{Entrypoint: []string{"/x"}}}
		if err := store.add(t.Context(), i); err != nil {
			t.Fatal(err)
		}
	}
	if len(store.layers) != 3 {
		t.Errorf("%d layers were written for two images of two layers that share one", len(store.layers))
	}

	ctx := namespaces.WithNamespace(t.Context(), criNamespace)
	i, err := store.images.Get(ctx, kindnetImage)
	if err != nil {
		t.Fatal(err)
	}
	complete, _, _, missing, err := images.Check(ctx, store.content, i.Target, platforms.Default())
	if err != nil || !complete {
		t.Errorf("containerd would miss %v, %v", missing, err)
	}
	if i.Labels["io.cri-containerd.pinned"] != "pinned" {
		t.Error("the kubelet may remove the image")
	}
	if err := store.close(); err != nil {
		t.Error(err)
	}
}

func TestWriteArchive(t *testing.T) {
	i := &image{name: "kindest/haproxy:v1", layers: []*layer{testLayer(t, "below"), testLayer(t, "above")}}
	var archive bytes.Buffer
	if err := writeArchive(&archive, i); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "archive.tar")
	if err := os.WriteFile(path, archive.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	names := tarNames(t, path)
	if len(names) != 4 || names[3] != "manifest.json" {
		t.Errorf("the archive holds %q, want two layers, the configuration and manifest.json", names)
	}
}
