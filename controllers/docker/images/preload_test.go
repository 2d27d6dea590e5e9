// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package images

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"testing"
	"testing/iotest"

	. "github.com/onsi/gomega"
	"golang.org/x/sync/errgroup"

	"github.com/terraform-capi/terraform-provider-capi/internal/container"
)

const loadedName = "example.com/a:1"

var loaded = Image{Name: loadedName, Local: loadedName}

// newSharingNodes returns nodes that were made to get the image.
func newSharingNodes(t *testing.T, count int) (*nodes, []string) {
	t.Helper()
	g := NewWithT(t)
	ctx := context.Background()
	n := newNodes(t, map[string][]string{})
	n.BuildImage(loadedName, "id-1")
	var names []string
	for i := range count {
		shared, err := Volumes(ctx, n, []Image{loaded, loaded})
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(shared).To(HaveLen(1), "it is one image")
		name := fmt.Sprintf("node-%d", i)
		g.Expect(n.Create(ctx, container.Spec{Name: name, Image: "node", SharedVolumes: shared})).To(Succeed())
		g.Expect(n.Start(ctx, name)).To(Succeed())
		names = append(names, name)
	}
	return n, names
}

func saves(n *nodes) int {
	return len(slices.DeleteFunc(n.Calls(), func(call string) bool { return call != "SaveImages "+loadedName }))
}

func TestLoadSavesOncePerHost(t *testing.T) {
	g := NewWithT(t)
	n, names := newSharingNodes(t, 6)
	loader := &Loader{}
	var group errgroup.Group
	for _, name := range names {
		group.Go(func() error { return loader.Load(context.Background(), n, name, loaded) })
	}
	g.Expect(group.Wait()).To(Succeed())
	for _, name := range names {
		g.Expect(n.images[name]).To(ConsistOf(loadedName))
	}
	g.Expect(saves(n)).To(Equal(1))
	g.Expect(n.Volumes()).To(HaveLen(1))

	later := &Loader{} // of a manager that was started again
	g.Expect(later.Load(context.Background(), n, names[0], loaded)).To(Succeed())
	g.Expect(saves(n)).To(Equal(1))
}

func TestVolumesGoWithTheirLastContainer(t *testing.T) {
	g := NewWithT(t)
	ctx := context.Background()
	n, names := newSharingNodes(t, 2)
	for i, name := range names {
		g.Expect(RemoveUnusedVolumes(ctx, n)).To(Succeed())
		g.Expect(n.Volumes()).To(HaveLen(1), "%d are left", len(names)-i)
		g.Expect(n.Remove(ctx, name)).To(Succeed())
	}
	g.Expect(RemoveUnusedVolumes(ctx, n)).To(Succeed())
	g.Expect(n.Volumes()).To(BeEmpty())
}

// Whichever call is the last whose effect a manager sees, the next one goes on from there.
func TestLoadAfterInterruptions(t *testing.T) {
	_, names := newSharingNodes(t, 1)
	for _, method := range []string{"ImageID", "ReadFile", "SaveImages", "CopyTo", "Exec"} {
		for occurrence := 1; occurrence <= 2; occurrence++ {
			t.Run(fmt.Sprintf("%s %d", method, occurrence), func(t *testing.T) {
				g := NewWithT(t)
				n, _ := newSharingNodes(t, 1)
				left := occurrence
				n.AfterCall = func(_ context.Context, called, _ string) error {
					if called == method {
						left--
					}
					if called == method && left == 0 {
						return errors.New("connection reset")
					}
					return nil
				}
				err := (&Loader{}).Load(context.Background(), n, names[0], loaded)
				if left > 0 {
					g.Expect(err).NotTo(HaveOccurred(), "it is not called that often")
				} else {
					g.Expect(err).To(MatchError(ContainSubstring("connection reset")))
				}
				n.AfterCall = nil
				g.Expect((&Loader{}).Load(context.Background(), n, names[0], loaded)).To(Succeed())
				g.Expect(n.images[names[0]]).To(ContainElement(loadedName))
			})
		}
	}
}

// breaking is an engine whose archives break off.
type breaking struct{ *nodes }

func (b breaking) SaveImages(ctx context.Context, images ...string) (io.ReadCloser, error) {
	archive, err := b.nodes.SaveImages(ctx, images...)
	if err != nil {
		return nil, err
	}
	const halfway = 700
	return io.NopCloser(io.MultiReader(io.LimitReader(archive, halfway), iotest.ErrReader(errors.New("broken pipe")))), nil
}

// Half an archive is never taken for a whole one.
func TestLoadHalfAnArchive(t *testing.T) {
	g := NewWithT(t)
	n, names := newSharingNodes(t, 2)
	err := (&Loader{}).Load(context.Background(), breaking{n}, names[0], loaded)
	g.Expect(err).To(MatchError(And(ContainSubstring("saving image "+loadedName+" for node "+names[0]), ContainSubstring("broken pipe"))))
	g.Expect((&Loader{}).Load(context.Background(), n, names[1], loaded)).To(Succeed())
	g.Expect(n.images[names[1]]).To(ConsistOf(loadedName))
	g.Expect(saves(n)).To(Equal(2))
}

// What a node cannot import may be damaged, so it is saved again.
func TestLoadDamagedArchive(t *testing.T) {
	g := NewWithT(t)
	n, names := newSharingNodes(t, 1)
	loader := &Loader{}
	n.broken = true
	g.Expect(loader.Load(context.Background(), n, names[0], loaded)).To(MatchError(And(
		ContainSubstring("importing image "+loadedName), ContainSubstring("exit code 1: unexpected EOF"))))
	n.broken = false
	g.Expect(loader.Load(context.Background(), n, names[0], loaded)).To(Succeed())
	g.Expect(saves(n)).To(Equal(2))
}

// The name of an image may be given to another one at any moment. What nodes share is never under a false name, and
// a node whose volume is for the old one gets the new one nevertheless.
func TestLoadReplacedImage(t *testing.T) {
	g := NewWithT(t)
	ctx := context.Background()
	n, names := newSharingNodes(t, 1)
	n.AfterCall = func(_ context.Context, called, _ string) error {
		if called == "SaveImages" {
			n.BuildImage(loadedName, "id-2")
		}
		return nil
	}
	loader := &Loader{}
	g.Expect(loader.Load(ctx, n, names[0], loaded)).To(MatchError(ContainSubstring("replaced on the Docker host meanwhile")))
	g.Expect(n.images[names[0]]).To(BeEmpty())
	g.Expect(loader.Load(ctx, n, names[0], loaded)).To(Succeed())
	g.Expect(n.images[names[0]]).To(ConsistOf(loadedName))

	n.AfterCall = nil
	n.BuildImage(loadedName, "id-1")
	g.Expect(loader.Load(ctx, n, names[0], loaded)).To(Succeed())
	g.Expect(saves(n)).To(Equal(3), "what was saved meanwhile is not taken for it")
}

func TestLoadMissingImage(t *testing.T) {
	g := NewWithT(t)
	n, names := newSharingNodes(t, 1)
	missing := Image{Name: "missing", Local: "missing"}
	g.Expect((&Loader{}).Load(context.Background(), n, names[0], missing)).To(MatchError(container.ErrNotFound))
	_, err := Volumes(context.Background(), n, []Image{missing})
	g.Expect(err).To(MatchError(container.ErrNotFound))
}

// Nodes get an image by the name that their pods use, wherever the Docker host has it from, and the host keeps its own.
func TestLoadFromElsewhere(t *testing.T) {
	for name, test := range map[string]struct {
		image Image
		// saved is the name in the archive, named the one in the node.
		saved, named string
	}{
		"from a mirror": {
			Image{Name: "a:1", Local: "mirror.example.com/library/a:1"},
			"mirror.example.com/library/a:1", "docker.io/library/a:1",
		},
		"by tag and digest": {
			Image{Name: loadedName + digest, Local: "example.com/a" + digest},
			"example.com/a:sha256-" + digest[len("@sha256:"):], loadedName,
		},
		"from a mirror by digest": {
			Image{Name: "example.com/a" + digest, Local: "localhost:5001/a" + digest},
			"localhost:5001/a:sha256-" + digest[len("@sha256:"):], "example.com/a:sha256-" + digest[len("@sha256:"):],
		},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			ctx := context.Background()
			n, names := newSharingNodes(t, 1)
			n.BuildImage(test.image.Local, "id-2")
			g.Expect((&Loader{}).Load(ctx, n, names[0], test.image)).To(Succeed())
			g.Expect(n.Calls()).To(ContainElement("SaveImages " + test.saved))
			g.Expect(n.images[names[0]]).To(ConsistOf(test.named))
			g.Expect(n.ImageID(ctx, loadedName)).To(Equal("id-1"), "the host's own")
			g.Expect(n.ImageExists(ctx, "a:1")).To(BeFalse())
		})
	}
}

func TestWithTag(t *testing.T) {
	for ref, want := range map[string]string{
		"kindest/node:v1":                 "kindest/node:v1",
		"kindest/node:v1@sha256:abc":      "kindest/node:v1",
		"localhost:5000/node":             "localhost:5000/node",
		"localhost:5000/node@sha256:abc":  "localhost:5000/node:sha256-abc",
		"localhost:5000/node:1@sha256:ab": "localhost:5000/node:1",
	} {
		NewWithT(t).Expect(withTag(ref)).To(Equal(want))
	}
}
