// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package images

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	infrav1 "github.com/terraform-capi/terraform-provider-capi/controllers/docker/api/v1beta2"
	"github.com/terraform-capi/terraform-provider-capi/internal/container"
)

const digest = "@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

var mirrors = []infrav1.RegistryMirror{
	{Registry: "docker.io", Mirror: "first.example.com/hub"},
	{Registry: "registry.example.com:5000", Mirror: "localhost:5001"},
	{Registry: "docker.io", Mirror: "second.example.com"},
}

func TestEnsurePullsFromMirrorsFirst(t *testing.T) {
	for name, test := range map[string]struct {
		image string
		// available is the reference that can be pulled.
		available string
		pulls     []string
	}{
		"from the first mirror": {
			image: "kindest/node:v1", available: "first.example.com/hub/kindest/node:v1",
			pulls: []string{"first.example.com/hub/kindest/node:v1"},
		},
		"an official image from the second mirror": {
			image: "busybox", available: "second.example.com/library/busybox:latest",
			pulls: []string{"first.example.com/hub/library/busybox:latest", "second.example.com/library/busybox:latest"},
		},
		"from the registry itself": {
			image: "docker.io/library/busybox:1", available: "busybox:1",
			pulls: []string{"first.example.com/hub/library/busybox:1", "second.example.com/library/busybox:1", "busybox:1"},
		},
		"from another registry's mirror, by tag and digest": {
			image: "registry.example.com:5000/a/b:1" + digest, available: "localhost:5001/a/b" + digest,
			pulls: []string{"localhost:5001/a/b" + digest},
		},
		"by digest alone": {
			image: "kindest/node" + digest, available: "first.example.com/hub/kindest/node" + digest,
			pulls: []string{"first.example.com/hub/kindest/node" + digest},
		},
		"from a registry without mirrors": {
			image: "registry.example.com/a:1", available: "registry.example.com/a:1",
			pulls: []string{"registry.example.com/a:1"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			engine := container.NewFake()
			engine.OnPull = func(image string, _ *container.Credentials) error {
				if image != test.available {
					return errors.New("manifest unknown")
				}
				return nil
			}
			puller := Puller{Host: engine, Spec: infrav1.ImagePull{Mirrors: mirrors}}
			want := Image{Name: test.image, Local: test.available}
			g.Expect(puller.Ensure(context.Background(), test.image, func(string) {})).To(Equal(want))
			g.Expect(pulls(engine)).To(Equal(test.pulls))

			engine.OnPull = func(string, *container.Credentials) error { return errors.New("offline") }
			g.Expect(puller.Ensure(context.Background(), test.image, func(string) {})).To(Equal(want), "it is local from then on")
		})
	}
}

// What a mirror gave is used by those who have the mirror.
func TestMirrorsAreNotTheOriginal(t *testing.T) {
	g := NewWithT(t)
	ctx := context.Background()
	engine := container.NewFake()
	engine.OnPull = func(image string, _ *container.Credentials) error {
		if image == "kindest/node:v1" {
			return errors.New("offline")
		}
		return nil
	}
	with, without := Puller{Host: engine, Spec: infrav1.ImagePull{Mirrors: mirrors}}, Puller{Host: engine}
	_, err := with.Ensure(ctx, "kindest/node:v1", func(string) {})
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(engine.ImageExists(ctx, "kindest/node:v1")).To(BeFalse())
	_, err = without.Find(ctx, "kindest/node:v1")
	g.Expect(err).To(MatchError(container.ErrNotFound))
	_, err = without.Ensure(ctx, "kindest/node:v1", func(string) {})
	g.Expect(err).To(MatchError(ContainSubstring("offline")))

	engine.BuildImage("kindest/node:v1", "built")
	g.Expect(with.Find(ctx, "kindest/node:v1")).To(HaveField("Local", "kindest/node:v1"), "the host's own is looked for first")
}

// A digest is what the user wants to be sure of: what the host has by the tag may be anything.
func TestDigestsAreHonoured(t *testing.T) {
	g := NewWithT(t)
	ctx := context.Background()
	engine := container.NewFake("kindest/node:v1")
	built, err := engine.ImageID(ctx, "kindest/node:v1")
	g.Expect(err).NotTo(HaveOccurred())
	engine.OnPull = func(string, *container.Credentials) error { return errors.New("offline") }
	puller := Puller{Host: engine}
	_, err = puller.Ensure(ctx, "kindest/node:v1"+digest, func(string) {})
	g.Expect(err).To(MatchError(And(
		ContainSubstring("pulling image kindest/node"+digest+": offline"),
		ContainSubstring("the Docker host has kindest/node:v1 with another digest, or with none because it was built or loaded there: leave out the digest to use it"))))

	engine.OnPull = nil
	g.Expect(puller.Ensure(ctx, "kindest/node:v1"+digest, func(string) {})).To(HaveField("Local", "kindest/node"+digest))
	g.Expect(pulls(engine)).To(HaveLen(2))
	g.Expect(engine.ImageID(ctx, "kindest/node:v1")).To(Equal(built), "it stays what it was")
}

func pulls(engine *container.Fake) []string {
	var pulls []string
	for _, call := range engine.Calls() {
		if image, found := strings.CutPrefix(call, "PullImage "); found {
			pulls = append(pulls, image)
		}
	}
	return pulls
}

// What is local is used: no Secret is needed, nor a registry.
func TestEnsureIsOfflineFirst(t *testing.T) {
	for local, image := range map[string]string{
		"a:1":                       "docker.io/library/a:1", // built or loaded
		"b" + digest:                "b:1" + digest,          // somebody else pulled it
		"c" + digest:                "c" + digest,
		"second.example.com/x/d:1":  "x/d:1", // pulled from a mirror
		"localhost:5001/e" + digest: "registry.example.com:5000/e" + digest,
	} {
		g := NewWithT(t)
		engine := container.NewFake(local)
		puller := newPuller(engine)
		puller.Spec.SecretRef.Name = "missing"
		g.Expect(puller.Ensure(context.Background(), image, func(string) {})).To(Equal(Image{Name: image, Local: local}))
		g.Expect(pulls(engine)).To(BeEmpty())
	}
}

// newPuller returns one with credentials for a mirror and a registry.
func newPuller(engine *container.Fake) Puller {
	secret := func(name, key, content string) *corev1.Secret {
		return &corev1.Secret{
			ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name},
			Data:       map[string][]byte{key: []byte(content)},
		}
	}
	return Puller{
		Host: engine, Namespace: "default",
		Secrets: fake.NewClientBuilder().WithObjects(
			secret("good", ".dockerconfigjson", `{"auths": {
				"second.example.com": {"username": "mirror", "password": "hunter2"},
				"https://index.docker.io/v1/": {"username": "hub", "password": "hunter2"}}}`),
			secret("wrong-key", "config.json", "{}"),
			secret("wrong-content", ".dockerconfigjson", "hunter2"),
		).Build(),
		Spec: infrav1.ImagePull{Mirrors: mirrors, SecretRef: &corev1.LocalObjectReference{Name: "good"}},
	}
}

// reporting is an engine whose pulls report progress.
type reporting struct{ *container.Fake }

func (r reporting) PullImage(ctx context.Context, image string, credentials *container.Credentials, progress func(string)) error {
	progress("1 of 2 MiB downloaded")
	return r.Fake.PullImage(ctx, image, credentials, progress)
}

// Credentials go to the registry that they are for, and into no message.
func TestEnsureUsesCredentials(t *testing.T) {
	g := NewWithT(t)
	engine := container.NewFake()
	var users []string
	engine.OnPull = func(_ string, credentials *container.Credentials) error {
		user := "nobody"
		if credentials != nil {
			user = credentials.Username
		}
		users = append(users, user)
		return errors.New("denied")
	}
	var reports []string
	puller := newPuller(engine)
	puller.Host = reporting{engine}
	_, err := puller.Ensure(context.Background(), "kindest/node:v1", func(line string) { reports = append(reports, line) })
	g.Expect(users).To(Equal([]string{"nobody", "mirror", "hub"}))
	g.Expect(err).To(MatchError(And(
		ContainSubstring("pulling image first.example.com/hub/kindest/node:v1: denied"),
		ContainSubstring("pulling image second.example.com/kindest/node:v1: denied"),
		ContainSubstring("pulling image kindest/node:v1: denied"),
		Not(ContainSubstring("hunter2")))))
	g.Expect(reports).To(Equal([]string{
		"from mirror first.example.com/hub", "1 of 2 MiB downloaded from mirror first.example.com/hub",
		"from mirror second.example.com", "1 of 2 MiB downloaded from mirror second.example.com",
		"", "1 of 2 MiB downloaded",
	}))
}

func TestEnsureNeedsTheSecret(t *testing.T) {
	for name, want := range map[string]string{
		"missing":       `reading the Secret of imagePull.secretRef: secrets "missing" not found`,
		"wrong-key":     `Secret default/wrong-key of imagePull.secretRef has no key ".dockerconfigjson": it must be of type kubernetes.io/dockerconfigjson`,
		"wrong-content": `key ".dockerconfigjson" in Secret default/wrong-content of imagePull.secretRef: it is not a Docker configuration file`,
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			engine := container.NewFake()
			puller := newPuller(engine)
			puller.Spec.SecretRef.Name = name
			_, err := puller.Ensure(context.Background(), "kindest/node:v1", func(string) {})
			g.Expect(err).To(MatchError(And(ContainSubstring(want), Not(ContainSubstring("hunter2")))))
			g.Expect(pulls(engine)).To(BeEmpty(), "without the credentials others would be used")
		})
	}
}

func TestEnsureStopsWhereTryingOnIsNoUse(t *testing.T) {
	g := NewWithT(t)
	engine := container.NewFake()
	puller := newPuller(engine)
	engine.OnPull = func(string, *container.Credentials) error { return container.ErrUnavailable }
	_, err := puller.Ensure(context.Background(), "kindest/node:v1", func(string) {})
	g.Expect(err).To(MatchError(container.ErrUnavailable))
	g.Expect(pulls(engine)).To(HaveLen(1))

	ctx, cancel := context.WithCancel(context.Background())
	engine.OnPull = func(string, *container.Credentials) error { cancel(); return ctx.Err() }
	_, err = puller.Ensure(ctx, "kindest/node:v1", func(string) {})
	g.Expect(err).To(MatchError(context.Canceled))
	g.Expect(pulls(engine)).To(HaveLen(2))

	_, err = puller.Ensure(context.Background(), "Not/An/Image", func(string) {})
	g.Expect(err).To(MatchError(ContainSubstring(`image "Not/An/Image" has no valid reference`)))
	g.Expect(slices.Contains(pulls(engine), "Not/An/Image")).To(BeFalse())
}

// A pull whose answer is lost has happened.
func TestEnsureAfterLostAnswers(t *testing.T) {
	for _, method := range []string{"ImageExists", "PullImage"} {
		t.Run(method, func(t *testing.T) {
			g := NewWithT(t)
			engine := container.NewFake()
			puller := newPuller(engine)
			puller.Spec.Mirrors = mirrors[1:2]
			const image = "registry.example.com:5000/a:1"
			lost := false
			engine.AfterCall = func(_ context.Context, called, _ string) error {
				if called == method && !lost {
					lost = true
					return container.ErrUnavailable
				}
				return nil
			}
			_, err := puller.Ensure(context.Background(), image, func(string) {})
			g.Expect(err).To(MatchError(container.ErrUnavailable))
			g.Expect(puller.Ensure(context.Background(), image, func(string) {})).To(HaveField("Local", "localhost:5001/a:1"))
			g.Expect(pulls(engine)).To(HaveLen(1))
		})
	}
}
