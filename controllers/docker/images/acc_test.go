// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package images

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"golang.org/x/sync/errgroup"

	"github.com/terraform-capi/terraform-provider-capi/internal/container"
)

const (
	accNodeImage = "kindest/node:v1.35.0"
	accHostImage = "kindest/haproxy:v20230606-42a2262b"
)

func newDocker(t *testing.T, images ...string) *container.Bounded {
	t.Helper()
	if os.Getenv("TF_ACC") != "1" {
		t.Skip("This test makes containers: set TF_ACC=1 to run it.")
	}
	docker, err := container.NewDocker()
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	for _, image := range images {
		if exists, err := docker.ImageExists(context.Background(), image); err != nil || !exists {
			t.Skipf("This test needs image %s: %v", image, err)
		}
	}
	return docker
}

// newAccNode starts a real node that shares the volumes of images.
func newAccNode(t *testing.T, docker *container.Bounded, role string, images ...Image) string {
	t.Helper()
	g := NewWithT(t)
	ctx := context.Background()
	name := fmt.Sprintf("acc-%s-%d", role, time.Now().UnixNano()%1_000_000)
	shared, err := Volumes(ctx, docker, images)
	g.Expect(err).NotTo(HaveOccurred())
	t.Cleanup(func() { g.Expect(docker.Remove(ctx, name)).To(Succeed()) })
	g.Expect(docker.Create(ctx, container.Spec{
		Name: name, Image: accNodeImage, Privileged: true, PrivateCgroups: true, Terminal: true,
		SecurityOptions: []string{"seccomp=unconfined", "apparmor=unconfined"},
		Tmpfs:           []string{"/tmp", "/run"}, Volumes: []string{"/var"}, SharedVolumes: shared,
		Mounts: []container.Mount{{Source: "/lib/modules", Target: "/lib/modules", ReadOnly: true}},
	})).To(Succeed())
	g.Expect(docker.Start(ctx, name)).To(Succeed())
	return name
}

// TestAccLoad loads an image of the Docker host into two nodes at once, while they boot, and into one that comes later.
// TEST_IMAGE is another image to do it with.
func TestAccLoad(t *testing.T) {
	source := accHostImage
	if other := os.Getenv("TEST_IMAGE"); other != "" {
		source = other
	}
	docker := newDocker(t, accNodeImage, source)
	g := NewWithT(t)
	ctx := context.Background()
	// A name of its own: machines of other tests may have the volume of the image itself.
	name := fmt.Sprintf("acc-load:%d", time.Now().UnixNano())
	image := Image{Name: "registry.invalid/" + name, Local: "mirror.invalid/" + name}
	g.Expect(docker.TagImage(ctx, source, image.Local)).To(Succeed())
	a, err := archiveOf(ctx, docker, image)
	g.Expect(err).NotTo(HaveOccurred())
	t.Cleanup(func() {
		g.Expect(RemoveUnusedVolumes(ctx, docker)).To(Succeed())
		g.Expect(volumes(t)).NotTo(ContainElement(a.volume))
		g.Expect(exec.CommandContext(ctx, "docker", "rmi", image.Local).Run()).To(Succeed())
	})
	sharing := []string{newAccNode(t, docker, "first", image), newAccNode(t, docker, "second", image)}
	g.Expect(RemoveUnusedVolumes(ctx, docker)).To(Succeed())
	g.Expect(volumes(t)).To(ContainElement(a.volume), "nodes have it")

	loader := &Loader{}
	var group errgroup.Group
	for _, node := range sharing {
		group.Go(func() error {
			started := time.Now()
			err := loader.Load(ctx, docker, node, image)
			t.Logf("Loading %s into %s took %s.", source, node, time.Since(started).Round(time.Millisecond))
			return err
		})
	}
	g.Expect(group.Wait()).To(Succeed())
	for _, node := range sharing {
		g.Expect(list(ctx, docker, node)).To(ContainElement(image.Name))
	}

	// The same, after what nodes share was damaged.
	damage := []string{"/bin/sh", "-c", "find \"$0\" -type f -size +100k -exec truncate --size=1000 {} +", a.path}
	g.Expect(run(ctx, docker, sharing[0], container.Exec{Command: damage})).To(Succeed())
	late := newAccNode(t, docker, "late", image)
	g.Expect(loader.Load(ctx, docker, late, image)).To(MatchError(ContainSubstring("importing image " + image.Name)))
	g.Expect(loader.Load(ctx, docker, late, image)).To(Succeed())
	g.Expect(list(ctx, docker, late)).To(ContainElement(image.Name))
}

// volumes are the names of the volumes of images.
func volumes(t *testing.T) []string {
	t.Helper()
	out, err := exec.CommandContext(context.Background(), "docker", "volume", "ls", "--quiet", "--filter", "label="+volumeLabel).Output()
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	return strings.Fields(string(out))
}

// TestAccCopyImage copies an image between two real nodes.
func TestAccCopyImage(t *testing.T) {
	docker := newDocker(t, accNodeImage)
	g := NewWithT(t)
	ctx := context.Background()
	donor, target := newAccNode(t, docker, "donor"), newAccNode(t, docker, "target")

	const image = "registry.k8s.io/coredns/coredns:v1.13.1"
	for _, node := range []string{donor, target} {
		g.Eventually(func() ([]string, error) { return list(ctx, docker, node) }).
			WithTimeout(20 * time.Second).Should(ContainElement(image))
	}
	remove := container.Exec{Command: []string{"ctr", "--namespace=k8s.io", "images", "remove", "--sync", image}}
	g.Expect(run(ctx, docker, target, remove)).To(Succeed())
	g.Expect(list(ctx, docker, target)).NotTo(ContainElement(image))
	started := time.Now()
	g.Expect(copyImage(ctx, docker, donor, target, image)).To(Succeed())
	t.Logf("Copying %s took %s.", image, time.Since(started).Round(time.Millisecond))
	g.Expect(list(ctx, docker, target)).To(ContainElement(image))
}
