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

const loaded = "example.com/a:1"

// newSharingNodes returns nodes that were made to get the image.
func newSharingNodes(t *testing.T, count int) (*nodes, []string) {
	t.Helper()
	g := NewWithT(t)
	ctx := context.Background()
	n := newNodes(t, map[string][]string{})
	n.BuildImage(loaded, "id-1")
	var names []string
	for i := range count {
		shared, err := Volumes(ctx, n, []string{loaded, loaded + digest})
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(shared).To(HaveLen(1), "they are one image")
		name := fmt.Sprintf("node-%d", i)
		g.Expect(n.Create(ctx, container.Spec{Name: name, Image: "node", SharedVolumes: shared})).To(Succeed())
		g.Expect(n.Start(ctx, name)).To(Succeed())
		names = append(names, name)
	}
	return n, names
}

func saves(n *nodes) int {
	return len(slices.DeleteFunc(n.Calls(), func(call string) bool { return call != "SaveImages "+loaded }))
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
		g.Expect(n.images[name]).To(ConsistOf(loaded))
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
		g.Expect(RemoveVolumes(ctx, n)).To(Succeed())
		g.Expect(n.Volumes()).To(HaveLen(1), "%d are left", len(names)-i)
		g.Expect(n.Remove(ctx, name)).To(Succeed())
	}
	g.Expect(RemoveVolumes(ctx, n)).To(Succeed())
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
				g.Expect(n.images[names[0]]).To(ContainElement(loaded))
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
	g.Expect(err).To(MatchError(And(ContainSubstring("saving image "+loaded+" for node "+names[0]), ContainSubstring("broken pipe"))))
	g.Expect((&Loader{}).Load(context.Background(), n, names[1], loaded)).To(Succeed())
	g.Expect(n.images[names[1]]).To(ConsistOf(loaded))
	g.Expect(saves(n)).To(Equal(2))
}

// What a node cannot import may be damaged, so it is saved again.
func TestLoadDamagedArchive(t *testing.T) {
	g := NewWithT(t)
	n, names := newSharingNodes(t, 1)
	loader := &Loader{}
	n.broken = true
	g.Expect(loader.Load(context.Background(), n, names[0], loaded)).To(MatchError(And(
		ContainSubstring("importing image "+loaded), ContainSubstring("exit code 1: unexpected EOF"))))
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
			n.BuildImage(loaded, "id-2")
		}
		return nil
	}
	loader := &Loader{}
	g.Expect(loader.Load(ctx, n, names[0], loaded)).To(MatchError(ContainSubstring("replaced on the Docker host meanwhile")))
	g.Expect(n.images[names[0]]).To(BeEmpty())
	g.Expect(loader.Load(ctx, n, names[0], loaded)).To(Succeed())
	g.Expect(n.images[names[0]]).To(ConsistOf(loaded))

	n.AfterCall = nil
	n.BuildImage(loaded, "id-1")
	g.Expect(loader.Load(ctx, n, names[0], loaded)).To(Succeed())
	g.Expect(saves(n)).To(Equal(3), "what was saved meanwhile is not taken for it")
}

func TestLoadMissingImage(t *testing.T) {
	g := NewWithT(t)
	n, names := newSharingNodes(t, 1)
	g.Expect((&Loader{}).Load(context.Background(), n, names[0], "missing")).To(MatchError(container.ErrNotFound))
	_, err := Volumes(context.Background(), n, []string{"missing"})
	g.Expect(err).To(MatchError(container.ErrNotFound))
}
