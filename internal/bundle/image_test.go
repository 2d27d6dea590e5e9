// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package bundle

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	. "github.com/onsi/gomega"
)

func testImage(t *testing.T, content string) Image {
	t.Helper()
	path := filepath.Join(t.TempDir(), "terraform-provider-capi")
	NewWithT(t).Expect(os.WriteFile(path, []byte(content), 0o600)).To(Succeed())
	image, err := FromFile(path)
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	return image
}

// The guide's common error "failed to get provider components": there is nothing to download.
func TestImageIsTheExecutable(t *testing.T) {
	g := NewWithT(t)
	image := testImage(t, "an executable")
	archive := filepath.Join(t.TempDir(), "image.tar")
	file, err := os.Create(archive)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(image.Write(file)).To(Succeed())
	g.Expect(file.Close()).To(Succeed())

	tag, err := name.NewTag(image.Reference)
	g.Expect(err).NotTo(HaveOccurred())
	loaded, err := tarball.ImageFromPath(archive, &tag)
	g.Expect(err).NotTo(HaveOccurred())
	config, err := loaded.ConfigFile()
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(config.OS).To(Equal("linux"))

	files := tar.NewReader(mutate.Extract(loaded))
	found := false
	for {
		header, err := files.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		g.Expect(err).NotTo(HaveOccurred())
		if header.Name != "manager" {
			continue
		}
		found = true
		g.Expect(header.FileInfo().Mode().Perm()).To(Equal(os.FileMode(0o755)))
		g.Expect(io.ReadAll(files)).To(Equal([]byte("an executable")))
	}
	g.Expect(found).To(BeTrue())
}

func TestImageReferenceFollowsTheContent(t *testing.T) {
	g := NewWithT(t)
	one, same, other := testImage(t, "one"), testImage(t, "one"), testImage(t, "other")
	g.Expect(one.Reference).To(Equal(same.Reference))
	g.Expect(one.Reference).NotTo(Equal(other.Reference))
	g.Expect(one.Local()).To(BeTrue())
}

func TestFromRegistry(t *testing.T) {
	g := NewWithT(t)
	image, err := FromRegistry("registry.example.com/capi/controllers:v1")
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(image.Local()).To(BeFalse())
	_, err = FromRegistry("Not A Reference")
	g.Expect(err).To(MatchError(ContainSubstring("Not A Reference")))
}

// nodes stands for the nodes of a KinD cluster, which unit tests do not have; it counts the archives it is given.
type nodes struct {
	lock   sync.Mutex
	images map[string]bool
	loads  int
	fail   error
}

func (n *nodes) NodeHasImage(_ context.Context, cluster, reference string) (bool, error) {
	n.lock.Lock()
	defer n.lock.Unlock()
	return n.images[cluster+"/"+reference], nil
}

func (n *nodes) LoadImage(_ context.Context, cluster string, archive io.Reader) error {
	var content bytes.Buffer
	if n.fail == nil {
		if _, err := io.Copy(&content, archive); err != nil {
			return err
		}
	}
	n.lock.Lock()
	defer n.lock.Unlock()
	n.loads++
	if n.fail != nil {
		return n.fail
	}
	manifest, err := tarball.LoadManifest(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(content.Bytes())), nil })
	if err != nil {
		return err
	}
	n.images[cluster+"/"+manifest[0].RepoTags[0]] = true
	return nil
}

func TestLoadOncePerCluster(t *testing.T) {
	g := NewWithT(t)
	image, target := testImage(t, "an executable"), &nodes{images: map[string]bool{}}
	loader := NewLoader(target)
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			if err := loader.Load(t.Context(), "mgmt", image); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	g.Expect(loader.Load(t.Context(), "mgmt", image)).To(Succeed())
	g.Expect(target.loads).To(Equal(1))
	g.Expect(loader.Load(t.Context(), "other", image)).To(Succeed())
	g.Expect(target.loads).To(Equal(2))
}

func TestLoadSaysWhatFailed(t *testing.T) {
	target := &nodes{images: map[string]bool{}, fail: errors.New("no space left on device")}
	err := NewLoader(target).Load(t.Context(), "mgmt", testImage(t, "an executable"))
	NewWithT(t).Expect(err).To(MatchError(And(ContainSubstring("KinD cluster mgmt"), ContainSubstring("no space left on device"))))
}
