// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package images

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/distribution/reference"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	infrav1 "github.com/terraform-capi/terraform-provider-capi/controllers/docker/api/v1beta2"
	"github.com/terraform-capi/terraform-provider-capi/controllers/docker/background"
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

// Host is the Docker host that images are pulled to.
type Host interface {
	ImageExists(ctx context.Context, image string) (bool, error)
	PullImage(ctx context.Context, image string, credentials *container.Credentials, progress func(string)) error
}

// Puller pulls images that the Docker host lacks.
type Puller struct {
	// Host is the Docker host.
	Host Host
	// Secrets reads the Secret with the credentials, which must not fill a cache. It is asked when something is pulled.
	Secrets client.Reader
	// Namespace has the Secret.
	Namespace string
	// Spec says where from, and with which credentials.
	Spec infrav1.ImagePull
}

// Image is an image that the Docker host has.
type Image struct {
	// Name is the reference that was asked for.
	Name string
	// Local is the reference by which the host has it. It says where the image comes from, its own registry or a mirror:
	// what a mirror gave has never the name of the original, which others on the host would take it for.
	Local string
}

// Find looks for an image on the Docker host, first as one of its own registry, or as one that was built or loaded, then
// as one of the mirrors. If the reference has a digest, only an image with that digest is the right one. The error is
// container.ErrNotFound if there is none, and a *PullError if the reference is not valid.
func (p Puller) Find(ctx context.Context, image string) (Image, error) {
	mirrors, origin, err := p.sources(image)
	if err != nil {
		return Image{}, &PullError{Image: image, Err: err}
	}
	for _, from := range append([]source{origin}, mirrors...) {
		exists, err := p.Host.ImageExists(ctx, from.reference)
		if err != nil {
			return Image{}, err
		}
		if exists {
			return Image{Name: image, Local: from.reference}, nil
		}
	}
	return Image{}, fmt.Errorf("image %s: %w", image, container.ErrNotFound)
}

// Ensure returns an image of the Docker host, and pulls it if the host does not have it; report then gets lines about
// how that goes. The error of a failed pull is a *PullError.
func (p Puller) Ensure(ctx context.Context, image string, report func(string)) (Image, error) {
	found, err := p.Find(ctx, image)
	if !errors.Is(err, container.ErrNotFound) {
		return found, err
	}
	return p.pull(ctx, image, report)
}

const (
	pullJob = "pull"
	// pullTimeout is for node images, of hundreds of megabytes, over slow lines.
	pullTimeout = 30 * time.Minute
)

// EnsureAside is Ensure in a job of the object, because a pull takes minutes. The image is there when the status is done;
// until then the progress is a line for people, and the object is reconciled when there is news.
func (p Puller) EnsureAside(ctx context.Context, jobs *background.Jobs, object client.Object, image string) (Image, background.Status, error) {
	found, err := p.Find(ctx, image)
	if !errors.Is(err, container.ErrNotFound) {
		return found, background.Status{Done: true}, err
	}
	pull := jobs.Run(ctx, object, pullJob+" "+image, pullTimeout, func(ctx context.Context, report func(string)) error {
		_, err := p.Ensure(ctx, image, report)
		return err
	})
	if pull.Err != nil || !pull.Done {
		pull.Progress = Pulling(image, pull.Progress)
		return Image{}, pull, pull.Err
	}
	found, err = p.Find(ctx, image)
	return found, pull, err
}

// Pulling is a line for people about a pull that goes on.
func Pulling(image, progress string) string {
	return strings.TrimSuffix(fmt.Sprintf("Pulling image %s: %s", image, progress), ": ")
}

// pull pulls an image from the first source that gives it.
func (p Puller) pull(ctx context.Context, image string, report func(string)) (Image, error) {
	mirrors, origin, err := p.sources(image)
	if err != nil {
		return Image{}, &PullError{Image: image, Err: err}
	}
	keychain, err := p.keychain(ctx)
	if err != nil {
		return Image{}, &PullError{Image: image, Err: err}
	}
	var errs []error
	missing := true
	for _, from := range append(mirrors, origin) {
		if len(mirrors) > 0 {
			report(from.describe(""))
		}
		err := p.Host.PullImage(ctx, from.reference, keychain.For(from.reference), func(progress string) {
			report(from.describe(progress))
		})
		if err == nil {
			return Image{Name: image, Local: from.reference}, nil
		}
		errs = append(errs, err)
		missing = missing && errors.Is(err, container.ErrNotFound)
		if ctx.Err() != nil || errors.Is(err, container.ErrUnavailable) {
			break // It would be the same everywhere.
		}
	}
	return Image{}, &PullError{Image: image, Missing: missing, Err: errors.Join(append(errs, p.otherDigest(ctx, image))...)}
}

// otherDigest is an error if the Docker host has the image but for the digest, which the user may not know: images that
// are built or loaded have none.
func (p Puller) otherDigest(ctx context.Context, image string) error {
	tagged, _, found := strings.Cut(image, "@")
	if !found {
		return nil
	}
	other, err := p.Find(ctx, tagged)
	if err != nil {
		return nil //nolint:nilerr // It is a hint.
	}
	return fmt.Errorf("the Docker host has %s with another digest, or with none because it was built or loaded there: leave out the digest to use it", other.Local)
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

// sources are where an image can be pulled from: the mirrors, in the order to try them, and its own registry.
func (p Puller) sources(image string) (mirrors []source, origin source, err error) {
	named, err := reference.ParseNormalizedNamed(image)
	if err != nil {
		return nil, source{}, fmt.Errorf("image %q has no valid reference: %w", image, err)
	}
	domain, version := reference.Domain(named), versionOf(named)
	for _, mirror := range p.Spec.Mirrors {
		if mirror.Registry == domain {
			mirrors = append(mirrors, source{mirror.Mirror + "/" + reference.Path(named) + version, mirror.Mirror})
		}
	}
	return mirrors, source{reference: reference.FamiliarName(named) + version}, nil
}

// versionOf is the part of a reference behind the name: the digest if there is one. The engine looks at nothing else then,
// and keeps no tag.
func versionOf(named reference.Named) string {
	if digested, ok := named.(reference.Digested); ok {
		return "@" + digested.Digest().String()
	}
	if tagged, ok := reference.TagNameOnly(named).(reference.Tagged); ok {
		return ":" + tagged.Tag()
	}
	return ""
}
