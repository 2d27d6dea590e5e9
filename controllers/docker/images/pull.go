// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package images

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/distribution/reference"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	infrav1 "github.com/terraform-capi/terraform-provider-capi/controllers/docker/api/v1beta2"
	"github.com/terraform-capi/terraform-provider-capi/internal/container"
)

// PullError says that the Docker host lacks an image and cannot pull it.
type PullError struct {
	// Image is the reference that was asked for.
	Image string
	// Missing says that every registry that may have the image says that it has not, or not for these credentials.
	Missing bool
	// Err says what happened with each reference that was tried.
	Err error
}

// Error is one line: a summary of conditions takes each line for a message.
func (e *PullError) Error() string {
	return fmt.Sprintf("image %s is not on the Docker host and cannot be pulled: %s", e.Image, strings.ReplaceAll(e.Err.Error(), "\n", "; "))
}

// Unwrap returns what happened.
func (e *PullError) Unwrap() error { return e.Err }

// Puller pulls images that the Docker host lacks.
type Puller struct {
	// Runtime is the Docker host's.
	Runtime container.Runtime
	// Secrets reads the Secret with the credentials, which must not fill a cache. It is asked when something is pulled.
	Secrets client.Reader
	// Namespace has the Secret.
	Namespace string
	// Spec says where from, and with which credentials.
	Spec infrav1.ImagePull
}

// Ensure makes sure that the Docker host has an image under its container.LocalReference. What the host has is
// used, whatever its digest. Otherwise the image is pulled; report then gets lines about how that goes. The error
// of a failed pull is a *PullError.
func (p Puller) Ensure(ctx context.Context, image string, report func(string)) error {
	local := container.LocalReference(image)
	for _, name := range slices.Compact([]string{local, image}) {
		exists, err := p.Runtime.ImageExists(ctx, name)
		if err != nil {
			return err
		}
		if exists {
			return p.name(ctx, name, local)
		}
	}
	pulled, err := p.pull(ctx, image, report)
	if err != nil {
		return err
	}
	return p.name(ctx, pulled, local)
}

// name gives a local image the name that it is looked for by.
func (p Puller) name(ctx context.Context, image, local string) error {
	if image == local {
		return nil
	}
	return p.Runtime.TagImage(ctx, image, local)
}

// pull pulls an image from the first source that gives it, and returns the reference that it then has.
func (p Puller) pull(ctx context.Context, image string, report func(string)) (string, error) {
	sources, err := p.sources(image)
	if err != nil {
		return "", &PullError{Image: image, Err: err}
	}
	keychain, err := p.keychain(ctx)
	if err != nil {
		return "", &PullError{Image: image, Err: err}
	}
	var errs []error
	missing := true
	for _, from := range sources {
		if len(sources) > 1 {
			report(from.describe(""))
		}
		err := p.Runtime.PullImage(ctx, from.reference, keychain.For(from.reference), func(progress string) {
			report(from.describe(progress))
		})
		if err == nil {
			return from.reference, nil
		}
		errs = append(errs, err)
		missing = missing && errors.Is(err, container.ErrNotFound)
		if ctx.Err() != nil || errors.Is(err, container.ErrUnavailable) {
			break // It would be the same everywhere.
		}
	}
	return "", &PullError{Image: image, Missing: missing, Err: errors.Join(errs...)}
}

// keychain returns the credentials of the Secret, or none if there is no Secret to read.
func (p Puller) keychain(ctx context.Context) (container.Keychain, error) {
	ref := p.Spec.SecretRef
	if ref == nil {
		return container.Keychain{}, nil
	}
	secret := &corev1.Secret{}
	if err := p.Secrets.Get(ctx, client.ObjectKey{Namespace: p.Namespace, Name: ref.Name}, secret); err != nil {
		return nil, fmt.Errorf("reading the Secret of imagePull.secretRef: %w", err)
	}
	content, ok := secret.Data[corev1.DockerConfigJsonKey]
	if !ok {
		return nil, fmt.Errorf("Secret %s/%s of imagePull.secretRef has no key %q: it must be of type %s", //nolint:staticcheck // Secret is a kind.
			p.Namespace, ref.Name, corev1.DockerConfigJsonKey, corev1.SecretTypeDockerConfigJson)
	}
	keychain, err := container.ParseDockerConfig(content)
	if err != nil {
		return nil, fmt.Errorf("key %q in Secret %s/%s of imagePull.secretRef: %w", corev1.DockerConfigJsonKey, p.Namespace, ref.Name, err)
	}
	return keychain, nil
}

// source is where an image can be pulled from.
type source struct {
	// reference to pull.
	reference string
	// mirror that it names; empty if it names the image's own registry.
	mirror string
}

// describe adds the mirror to a line about a pull's progress.
func (s source) describe(progress string) string {
	switch {
	case s.mirror == "":
		return progress
	case progress == "":
		return "from mirror " + s.mirror
	}
	return progress + " from mirror " + s.mirror
}

// sources are where to look for an image, in this order.
func (p Puller) sources(image string) ([]source, error) {
	named, err := reference.ParseNormalizedNamed(image)
	if err != nil {
		return nil, fmt.Errorf("image %q has no valid reference: %w", image, err)
	}
	domain, version := reference.Domain(named), versionOf(named)
	var sources []source
	for _, mirror := range p.Spec.Mirrors {
		if mirror.Registry == domain {
			sources = append(sources, source{mirror.Mirror + "/" + reference.Path(named) + version, mirror.Mirror})
		}
	}
	return append(sources, source{reference: reference.FamiliarName(named) + version}), nil
}

// versionOf is the part of a reference behind the name. The engine looks at the digest only if there is one, and
// then keeps no tag, so that is left out.
func versionOf(named reference.Named) string {
	if digested, ok := named.(reference.Digested); ok {
		return "@" + digested.Digest().String()
	}
	if tagged, ok := reference.TagNameOnly(named).(reference.Tagged); ok {
		return ":" + tagged.Tag()
	}
	return ""
}
