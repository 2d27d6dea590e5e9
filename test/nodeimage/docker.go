// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"archive/tar"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// recipeLabel marks images that were built here with the hash of all that went into them.
const recipeLabel = "terraform-provider-capi.recipe"

// unlessLoaded builds an image in a scratch folder and loads it into Docker, unless Docker has it from the same recipe
// or has one that was pulled.
func (b *builder) unlessLoaded(ctx context.Context, name string, build func(work string) (*image, error)) error {
	recipe, err := recipeHash(name, runtime.Version(), runtime.GOARCH, hostIptables(ctx))
	if err != nil {
		return err
	}
	if loaded(ctx, name, recipe) {
		return nil
	}
	if err := b.exclusively(); err != nil {
		return err
	}
	if loaded(ctx, name, recipe) {
		return nil
	}
	work, err := os.MkdirTemp(b.cache, scratchPrefix)
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(work) }()
	i, err := build(work)
	if err != nil {
		return err
	}
	i.name = name
	i.config.Labels = map[string]string{recipeLabel: recipe}
	if err := b.step("loading "+name+" into Docker", func() error { return b.load(ctx, i) }); err != nil {
		return err
	}
	b.printf("%s is ready", name)
	// What had the name before is of no more use, except to containers that run it: those keep it.
	if _, err := output(ctx, b.cache, "docker", "image", "prune", "--force", "--filter", "label="+recipeLabel); err != nil {
		b.printf("removing the image of the previous recipe failed: %v", err)
	}
	return nil
}

// loaded tells whether Docker has an image that need not be built: one that was pulled, or one of the same recipe.
func loaded(ctx context.Context, name, recipe string) bool {
	out, err := output(ctx, ".", "docker", "image", "inspect", "--format", "{{json .Config.Labels}}", name)
	if err != nil {
		return false
	}
	labels := map[string]string{}
	if err := json.Unmarshal(out, &labels); err != nil {
		return false
	}
	built, ok := labels[recipeLabel]
	return !ok || built == recipe
}

// load streams an image to `docker load`.
func (b *builder) load(ctx context.Context, i *image) error {
	cmd := exec.CommandContext(ctx, "docker", "load")
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	var out strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		return err
	}
	writeErr := errors.Join(writeArchive(stdin, i), stdin.Close())
	if err := cmd.Wait(); err != nil {
		return fmt.Errorf("docker load: %w: %s", err, strings.TrimSpace(out.String()))
	}
	return writeErr
}

// writeArchive writes an image in the format of `docker save`.
func writeArchive(to io.Writer, i *image) error {
	config := ocispec.Image{Platform: ocispec.Platform{OS: "linux", Architecture: runtime.GOARCH}, Config: i.config}
	config.RootFS.Type = "layers"
	manifest := struct {
		Config   string
		RepoTags []string
		Layers   []string
	}{RepoTags: []string{i.name}}

	w := &layerWriter{tar: tar.NewWriter(to)}
	for _, l := range i.layers {
		config.RootFS.DiffIDs = append(config.RootFS.DiffIDs, digest.Digest(l.diffID))
		name := strings.TrimPrefix(l.diffID, "sha256:") + ".tar"
		manifest.Layers = append(manifest.Layers, name)
		if err := w.copyFile(name, 0o644, l.path); err != nil {
			return err
		}
	}
	configJSON, err := json.Marshal(config)
	if err != nil {
		return err
	}
	sum := sha256.Sum256(configJSON)
	manifest.Config = hex.EncodeToString(sum[:]) + ".json"
	if err := w.file(manifest.Config, string(configJSON)); err != nil {
		return err
	}
	manifestJSON, err := json.Marshal([]any{manifest})
	if err != nil {
		return err
	}
	if err := w.file("manifest.json", string(manifestJSON)); err != nil {
		return err
	}
	return w.tar.Close()
}
