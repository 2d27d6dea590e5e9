// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package images

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/terraform-capi/terraform-provider-capi/internal/container"
)

const (
	// volumeLabel marks the volumes of this package. Its value is the image.
	volumeLabel = "terraform-capi.io/image"
	// completeFile in a volume is the name of the folder that has the whole image.
	completeFile = ".complete"
)

// Store has the images of the Docker host.
type Store interface {
	ImageID(ctx context.Context, image string) (string, error)
	TagImage(ctx context.Context, image, name string) error
	SaveImages(ctx context.Context, images ...string) (io.ReadCloser, error)
}

// Engine has the images of the Docker host and the nodes that they are loaded into.
type Engine interface {
	Store
	Nodes
}

// VolumeRemover removes the volumes with a label that no container has.
type VolumeRemover interface {
	RemoveUnusedVolumes(ctx context.Context, label string) error
}

// importCommand loads the image in a folder into the node's container runtime, which may be still starting, and gives it
// the name that it is to have in nodes. It is a folder, and not one file, because the engine wants to know the size of a
// file that is copied into a container, and does not know that of an archive that it makes itself.
var importCommand = []string{"/bin/bash", "-c", "set -eo pipefail; until [ -S /run/containerd/containerd.sock ]; do sleep 0.2; done; " +
	"tar --create --directory=\"$0\" . | ctr --namespace=k8s.io images import -; " +
	"[ \"$1\" = \"$2\" ] || ctr --namespace=k8s.io images tag --force \"$1\" \"$2\""}

// archive is a place for an image in nodes that only this content of the image has.
type archive struct {
	// name that the image gets in nodes. It has no digest: that of the archive is another one.
	name string
	// local is the reference by which the Docker host has the image, tag the one by which it is saved. Images lose their
	// digest then, and without a tag would have no name.
	local, tag string
	// volume has the image for all nodes of a host. It is where the path is in nodes that were made with it. Others
	// have just a folder there.
	volume, path string
}

func archiveOf(ctx context.Context, store Store, image Image) (archive, error) {
	a := archive{name: withTag(image.Name), local: image.Local, tag: withTag(image.Local)}
	id, err := store.ImageID(ctx, a.local)
	if err != nil {
		return archive{}, err
	}
	// The name belongs to the content: nodes get it with the image.
	sum := sha256.Sum256([]byte(a.name + "\n" + a.tag + "\n" + id))
	key := hex.EncodeToString(sum[:8])
	a.volume, a.path = "terraform-capi-image-"+key, directory+"/"+key
	return a, nil
}

// withTag is a reference without a digest. One with both tag and digest only loses the digest; otherwise the digest
// becomes the tag.
func withTag(ref string) string {
	name, digest, found := strings.Cut(ref, "@")
	if !found || strings.Contains(path.Base(name), ":") {
		return name
	}
	return name + ":" + strings.ReplaceAll(digest, ":", "-")
}

// Volumes are what a container must be made with to get images, which the Docker host must have, by way of volumes
// that all its nodes share. A volume goes with the last machine that has it, see RemoveUnusedVolumes.
func Volumes(ctx context.Context, store Store, images []Image) ([]container.SharedVolume, error) {
	var volumes []container.SharedVolume
	for _, image := range images {
		a, err := archiveOf(ctx, store, image)
		if err != nil {
			return nil, err
		}
		if !slices.ContainsFunc(volumes, func(v container.SharedVolume) bool { return v.Name == a.volume }) {
			volumes = append(volumes, container.SharedVolume{
				Name: a.volume, Target: a.path, Labels: map[string]string{volumeLabel: a.name},
			})
		}
	}
	return volumes, nil
}

// RemoveUnusedVolumes removes the volumes that no container needs any more.
func RemoveUnusedVolumes(ctx context.Context, engine VolumeRemover) error {
	return engine.RemoveUnusedVolumes(ctx, volumeLabel)
}

// Loader loads images of the Docker host into nodes. The zero value is ready to use. Those who share one do not save
// an image twice.
type Loader struct {
	mu     sync.Mutex
	saving map[string]*sync.Mutex
}

// Load loads an image of the Docker host into a running node. It can be repeated, whatever became of the last attempt.
func (l *Loader) Load(ctx context.Context, engine Engine, node string, image Image) error {
	a, err := archiveOf(ctx, engine, image)
	if err != nil {
		return err
	}
	folder, err := l.save(ctx, engine, node, a)
	if err != nil {
		return fmt.Errorf("saving image %s for node %s: %w", image.Name, node, err)
	}
	err = run(ctx, engine, node, container.Exec{Command: slices.Concat(importCommand, []string{folder, fullName(a.tag), fullName(a.name)})})
	if err == nil {
		return nil
	}
	if ctx.Err() == nil {
		// It may be damaged, as after a power failure: the next attempt must not find it.
		removeFile(ctx, engine, node, a.path+"/"+completeFile)
	}
	return fmt.Errorf("importing image %s: %w", image.Name, err)
}

// save makes sure that a node has the whole image in a folder, and returns that. Its name is the node's, so that two
// managers that save the same image do not write to the same folder; who is last wins.
func (l *Loader) save(ctx context.Context, engine Engine, node string, a archive) (string, error) {
	defer l.lock(a.volume)()
	complete, err := engine.ReadFile(ctx, node, a.path+"/"+completeFile)
	if err != nil && !errors.Is(err, container.ErrNotFound) {
		return "", err
	}
	if len(complete) > 0 {
		return a.path + "/" + string(complete), nil
	}
	folder := a.path + "/" + node
	empty := []string{"/bin/sh", "-c", "rm -rf \"$0\" && mkdir -p \"$0\"", folder}
	if err := run(ctx, engine, node, container.Exec{Command: empty}); err != nil {
		return "", err
	}
	if err := copyInto(ctx, engine, node, folder, a); err != nil {
		return "", err
	}
	mark, err := container.Archive([]container.File{{Path: completeFile, Mode: 0o600, Content: []byte(node)}})
	if err != nil {
		return "", err
	}
	return folder, engine.CopyTo(ctx, node, a.path, bytes.NewReader(mark))
}

// copyInto copies an image from the Docker host into a folder of a node.
func copyInto(ctx context.Context, engine Engine, node, folder string, a archive) error {
	if a.tag != a.local {
		if err := engine.TagImage(ctx, a.local, a.tag); err != nil {
			return err
		}
	}
	content, err := engine.SaveImages(ctx, a.tag)
	if err != nil {
		return err
	}
	defer func() { _ = content.Close() }()
	if err := engine.CopyTo(ctx, node, folder, content); err != nil {
		return err
	}
	after, err := archiveOf(ctx, engine, Image{Name: a.name, Local: a.local})
	if err == nil && after != a {
		return errors.New("it was replaced on the Docker host meanwhile")
	}
	return err
}

// lock waits until nobody else saves to a volume, and returns what ends that.
func (l *Loader) lock(volume string) (unlock func()) {
	l.mu.Lock()
	if l.saving == nil {
		l.saving = map[string]*sync.Mutex{}
	}
	saving, ok := l.saving[volume]
	if !ok {
		saving = &sync.Mutex{}
		l.saving[volume] = saving
	}
	l.mu.Unlock()
	saving.Lock()
	return saving.Unlock
}
