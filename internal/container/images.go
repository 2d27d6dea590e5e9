// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package container

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/image"
	"github.com/docker/docker/api/types/registry"
)

// progressInterval is how often PullImage reports at most.
const progressInterval = 2 * time.Second

// ImageExists tells whether the engine has an image of that very reference. Images that were built or loaded have
// no digest.
func (d *Docker) ImageExists(ctx context.Context, ref string) (bool, error) {
	_, err := d.client.ImageInspect(ctx, ref)
	err = d.wrap(err, "looking for image %s", ref)
	if errors.Is(err, ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// ImageID is the id of the local image of that very reference. It changes with the image's content.
func (d *Docker) ImageID(ctx context.Context, ref string) (string, error) {
	found, err := d.client.ImageInspect(ctx, ref)
	if err != nil {
		return "", d.wrap(err, "looking for image %s", ref)
	}
	return found.ID, nil
}

// PullImage pulls an image whether or not it is there, with credentials if they are not nil. It calls progress,
// which may be nil, now and then with a line for people. What is pulled by a digest gets no tag, even if the
// reference has one. The error is ErrNotFound only if the registry says that it has no such image, or none for
// these credentials.
func (d *Docker) PullImage(ctx context.Context, ref string, credentials *Credentials, progress func(string)) error {
	options, err := pullOptions(credentials)
	if err != nil {
		return fmt.Errorf("pulling image %s: %w", ref, err)
	}
	body, err := d.client.ImagePull(ctx, ref, options)
	if err != nil {
		return d.wrap(pullError(err), "pulling image %s", ref)
	}
	defer func() { _ = body.Close() }()
	if err := readPull(body, progress); err != nil {
		return d.wrap(pullError(err), "pulling image %s", ref)
	}
	return nil
}

// pullError recognises a registry's answer that it has no such image. Where the engine has begun its report, only the
// text tells: that of the registry, or with containerd's image store that of containerd.
func pullError(err error) error {
	text := err.Error()
	if strings.Contains(text, "manifest unknown") || strings.Contains(text, "repository does not exist") || strings.HasSuffix(text, ": not found") {
		return errdefs.ErrNotFound.WithMessage(text)
	}
	return err
}

func pullOptions(credentials *Credentials) (image.PullOptions, error) {
	if credentials == nil {
		return image.PullOptions{}, nil
	}
	encoded, err := registry.EncodeAuthConfig(registry.AuthConfig{
		Username: credentials.Username, Password: credentials.Password, ServerAddress: credentials.ServerAddress,
		IdentityToken: credentials.IdentityToken, RegistryToken: credentials.RegistryToken,
	})
	if err != nil {
		return image.PullOptions{}, fmt.Errorf("encoding the credentials for %s: %w", credentials.ServerAddress, err)
	}
	return image.PullOptions{RegistryAuth: encoded}, nil
}

// TagImage gives a local image another name, which cannot have a digest.
func (d *Docker) TagImage(ctx context.Context, ref, name string) error {
	return d.wrap(d.client.ImageTag(ctx, ref, name), "giving image %s the name %s", ref, name)
}

// pullMessage is one line of the engine's report on a pull.
type pullMessage struct {
	ID       string `json:"id"`
	Status   string `json:"status"`
	Progress struct {
		Current int64 `json:"current"`
		Total   int64 `json:"total"`
	} `json:"progressDetail"`
	Error string `json:"error"`
}

// readPull reads a pull's report to its end: the engine pulls only as long as somebody reads. A failed pull
// is a line of the report, too.
func readPull(report io.Reader, progress func(string)) error {
	decoder := json.NewDecoder(report)
	layers := map[string]pullMessage{}
	reported := time.Now()
	for {
		var message pullMessage
		if err := decoder.Decode(&message); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return fmt.Errorf("the engine's report breaks off: %w", err)
		}
		if message.Error != "" {
			return errors.New(message.Error)
		}
		if message.Status == "Downloading" && message.Progress.Total > 0 {
			layers[message.ID] = message
		}
		if progress != nil && time.Since(reported) >= progressInterval {
			reported = time.Now()
			progress(describePull(layers))
		}
	}
}

func describePull(layers map[string]pullMessage) string {
	var current, total int64
	for _, layer := range layers {
		current += layer.Progress.Current
		total += layer.Progress.Total
	}
	const mebibyte = 1 << 20
	return fmt.Sprintf("%d of %d MiB downloaded", current/mebibyte, total/mebibyte)
}

// SaveImages writes images as a tar archive in Docker's format. The caller closes it.
func (d *Docker) SaveImages(ctx context.Context, images ...string) (io.ReadCloser, error) {
	archive, err := d.client.ImageSave(ctx, images)
	if err != nil {
		return nil, d.wrap(err, "saving images %s", strings.Join(images, ", "))
	}
	return archive, nil
}
