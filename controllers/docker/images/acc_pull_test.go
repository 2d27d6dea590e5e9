// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package images

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"runtime"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/types"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	infrav1 "github.com/terraform-capi/terraform-provider-capi/controllers/docker/api/v1beta2"
	"github.com/terraform-capi/terraform-provider-capi/internal/container"
)

// TestAccPull has a real engine pull from a mirror that wants credentials, and use the image by the name that it has there.
// Its own registry does not exist.
func TestAccPull(t *testing.T) {
	docker := newDocker(t)
	image, err := newImage()
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	digest, err := image.Digest()
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	server := httptest.NewServer(registry{image: image, user: "me", password: "hunter2"})
	defer server.Close()
	mirror := strings.TrimPrefix(server.URL, "http://")
	byDigest := mirror + "/hub/acc/image@" + digest.String()
	secrets := fake.NewClientBuilder().WithObjects(configWith("good", mirror, "hunter2"), configWith("bad", mirror, "hunter3")).Build()

	for name, test := range map[string]struct{ wanted, local string }{
		"tag":            {"registry.invalid/acc/image:1", mirror + "/hub/acc/image:1"},
		"tag and digest": {"registry.invalid/acc/image:2@" + digest.String(), byDigest},
		"digest":         {"registry.invalid/acc/image@" + digest.String(), byDigest},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			ctx := context.Background()
			t.Cleanup(func() { _ = exec.CommandContext(ctx, "docker", "rmi", "--force", test.local).Run() })

			puller := Puller{Host: docker, Namespace: "default", Secrets: secrets}
			puller.Spec.Mirrors = []infrav1.RegistryMirror{{Registry: "registry.invalid", Mirror: mirror + "/hub"}}
			_, err := puller.Ensure(ctx, test.wanted, func(string) {})
			g.Expect(err).To(MatchError(And(
				ContainSubstring("pulling image "+mirror+"/hub/acc/image"), ContainSubstring("pulling image registry.invalid/acc/image"))))
			puller.Spec.SecretRef = &corev1.LocalObjectReference{Name: "bad"}
			_, err = puller.Ensure(ctx, test.wanted, func(string) {})
			g.Expect(err).To(MatchError(Not(ContainSubstring("hunter"))))

			puller.Spec.SecretRef.Name = "good"
			want := Image{Name: test.wanted, Local: test.local}
			g.Expect(puller.Ensure(ctx, test.wanted, func(string) {})).To(Equal(want))
			puller.Spec.SecretRef = nil
			g.Expect(puller.Ensure(ctx, test.wanted, func(string) {})).To(Equal(want), "it is local from then on")
			g.Expect(docker.Create(ctx, container.Spec{Name: "acc-pull", Image: want.Local, Command: []string{"true"}})).To(Succeed())
			g.Expect(docker.Remove(ctx, "acc-pull")).To(Succeed())
			_, err = Puller{Host: docker}.Find(ctx, test.wanted)
			g.Expect(err).To(MatchError(container.ErrNotFound), "for those who do not have the mirror")
		})
	}

	t.Run("nobody has it", func(t *testing.T) {
		g := NewWithT(t)
		puller := Puller{Host: docker, Namespace: "default", Secrets: secrets, Spec: infrav1.ImagePull{SecretRef: &corev1.LocalObjectReference{Name: "good"}}}
		var pullError *PullError
		_, err := puller.Ensure(context.Background(), mirror+"/nobody/has:1", func(string) {})
		g.Expect(errors.As(err, &pullError)).To(BeTrue())
		g.Expect(pullError.Missing).To(BeTrue(), pullError.Error())
		puller.Spec.Mirrors = []infrav1.RegistryMirror{{Registry: "registry.invalid", Mirror: mirror}}
		_, err = puller.Ensure(context.Background(), "registry.invalid/nobody/has:1", func(string) {})
		g.Expect(errors.As(err, &pullError)).To(BeTrue())
		g.Expect(pullError.Missing).To(BeFalse(), "its own registry cannot be asked: %s", pullError)
	})

	t.Run("pulled by its digest by somebody else", func(t *testing.T) {
		g := NewWithT(t)
		ctx := context.Background()
		pulled := mirror + "/acc/image:1@" + digest.String()
		t.Cleanup(func() {
			_ = exec.CommandContext(ctx, "docker", "rmi", "--force", mirror+"/acc/image@"+digest.String()).Run()
		})
		credentials := container.Credentials{Username: "me", Password: "hunter2", ServerAddress: mirror}
		g.Expect(docker.PullImage(ctx, pulled, &credentials, nil)).To(Succeed())
		g.Expect(Puller{Host: docker}.Ensure(ctx, pulled, func(string) {})).To(HaveField("Local", mirror+"/acc/image@"+digest.String()))
	})
}

func configWith(name, registry, password string) *corev1.Secret {
	return &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name},
		Data: map[string][]byte{corev1.DockerConfigJsonKey: fmt.Appendf(nil,
			`{"auths": {%q: {"username": "me", "password": %q}}}`, registry, password)},
	}
}

func newImage() (v1.Image, error) {
	layer, err := random.Layer(1000, types.DockerLayer)
	if err != nil {
		return nil, err
	}
	image, err := mutate.ConfigFile(empty.Image, &v1.ConfigFile{OS: "linux", Architecture: runtime.GOARCH})
	if err != nil {
		return nil, err
	}
	return mutate.AppendLayers(image, layer)
}

// registry has one image, under every name but nobody's.
type registry struct {
	image          v1.Image
	user, password string
}

func (r registry) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	user, password, _ := request.BasicAuth()
	if user != r.user || password != r.password {
		w.Header().Set("WWW-Authenticate", `Basic realm="acc"`)
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	if strings.Contains(request.URL.Path, "/nobody/") {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusNotFound)
		_, _ = io.WriteString(w, `{"errors": [{"code": "MANIFEST_UNKNOWN", "message": "manifest unknown"}]}`)
		return
	}
	content, mediaType, err := r.content(request.URL.Path)
	if err != nil {
		http.Error(w, err.Error(), http.StatusNotFound)
		return
	}
	w.Header().Set("Content-Type", mediaType)
	w.Header().Set("Content-Length", fmt.Sprint(len(content)))
	_, _ = w.Write(content)
}

func (r registry) content(path string) ([]byte, string, error) {
	const blob = "application/octet-stream"
	_, digest, isBlob := strings.Cut(path, "/blobs/")
	if !isBlob {
		if !strings.Contains(path, "/manifests/") {
			return []byte("{}"), "application/json", nil
		}
		content, err := r.image.RawManifest()
		return content, string(types.DockerManifestSchema2), err
	}
	config, err := r.image.ConfigName()
	if err != nil {
		return nil, "", err
	}
	if digest == config.String() {
		content, err := r.image.RawConfigFile()
		return content, blob, err
	}
	hash, err := v1.NewHash(digest)
	if err != nil {
		return nil, "", err
	}
	layer, err := r.image.LayerByDigest(hash)
	if err != nil {
		return nil, "", err
	}
	reader, err := layer.Compressed()
	if err != nil {
		return nil, "", err
	}
	defer func() { _ = reader.Close() }()
	content, err := io.ReadAll(reader)
	return content, blob, err
}
