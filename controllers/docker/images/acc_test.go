// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package images

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/terraform-capi/terraform-provider-capi/internal/container"
)

// TestAccCopyImage copies an image between two real nodes, and one from the Docker host into a node.
func TestAccCopyImage(t *testing.T) {
	if os.Getenv("TF_ACC") != "1" {
		t.Skip("This test makes containers: set TF_ACC=1 to run it.")
	}
	const nodeImage, hostImage = "kindest/node:v1.35.0", "kindest/haproxy:v20230606-42a2262b"
	g := NewWithT(t)
	ctx := context.Background()
	docker, err := container.NewDocker()
	g.Expect(err).NotTo(HaveOccurred())
	for _, image := range []string{nodeImage, hostImage} {
		if exists, err := docker.ImageExists(ctx, image); err != nil || !exists {
			t.Skipf("This test needs image %s: %v", image, err)
		}
	}
	suffix := time.Now().UnixNano() % 1_000_000
	donor, target := fmt.Sprintf("acc-donor-%d", suffix), fmt.Sprintf("acc-target-%d", suffix)
	for _, name := range []string{donor, target} {
		t.Cleanup(func() { g.Expect(docker.Remove(ctx, name)).To(Succeed()) })
		g.Expect(docker.Create(ctx, container.Spec{
			Name: name, Image: nodeImage, Privileged: true, PrivateCgroups: true, Terminal: true,
			SecurityOptions: []string{"seccomp=unconfined", "apparmor=unconfined"},
			Tmpfs:           []string{"/tmp", "/run"}, Volumes: []string{"/var"},
			Mounts: []container.Mount{{Source: "/lib/modules", Target: "/lib/modules", ReadOnly: true}},
		})).To(Succeed())
		g.Expect(docker.Start(ctx, name)).To(Succeed())
	}

	g.Expect(Load(ctx, docker, target, hostImage)).To(Succeed(), "while the node boots")
	g.Expect(list(ctx, docker, target)).To(ContainElement("docker.io/" + hostImage))

	const image = "registry.k8s.io/coredns/coredns:v1.13.1"
	g.Eventually(func() ([]string, error) { return list(ctx, docker, donor) }).
		WithTimeout(20 * time.Second).Should(ContainElement(image))
	remove := container.Exec{Command: []string{"ctr", "--namespace=k8s.io", "images", "remove", "--sync", image}}
	g.Expect(run(ctx, docker, target, remove)).To(Succeed())
	g.Expect(list(ctx, docker, target)).NotTo(ContainElement(image))
	started := time.Now()
	g.Expect(copyImage(ctx, docker, donor, target, image)).To(Succeed())
	t.Logf("Copying %s took %s.", image, time.Since(started).Round(time.Millisecond))
	g.Expect(list(ctx, docker, target)).To(ContainElement(image))
}
