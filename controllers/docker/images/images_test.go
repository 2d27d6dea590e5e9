// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package images

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"

	. "github.com/onsi/gomega"

	"github.com/terraform-capi/terraform-provider-capi/controllers/docker/identity"
	"github.com/terraform-capi/terraform-provider-capi/internal/container"
)

// nodes are containers whose container runtimes are lists of images.
type nodes struct {
	*container.Fake
	mu     sync.Mutex
	images map[string][]string
	system string
	broken bool
}

func newNodes(t *testing.T, images map[string][]string) *nodes {
	t.Helper()
	n := &nodes{Fake: container.NewFake("node"), images: images}
	n.OnExec = n.exec
	for name := range images {
		role := identity.RoleWorker
		if strings.HasPrefix(name, "cp") {
			role = identity.RoleControlPlane
		}
		g := NewWithT(t)
		g.Expect(n.Create(context.Background(), container.Spec{Name: name, Image: "node", Labels: map[string]string{identity.RoleLabel: role}})).To(Succeed())
		g.Expect(n.Start(context.Background(), name)).To(Succeed())
	}
	return n
}

func (n *nodes) exec(ctx context.Context, name string, exec container.Exec) (int, error) {
	const file = directory + "/" + imageFile
	command := strings.Join(exec.Command, " ")
	n.mu.Lock()
	defer n.mu.Unlock()
	switch {
	case exec.Command[0] == "kubectl":
		_, _ = fmt.Fprint(exec.Stdout, n.system)
	case strings.Contains(command, "list"):
		_, _ = fmt.Fprint(exec.Stdout, strings.Join(n.images[name], "\n"))
	case n.broken && strings.Contains(command, "export"):
		_, _ = fmt.Fprint(exec.Stderr, "content digest: not found")
		return 1, nil
	case strings.Contains(command, "export"):
		n.WriteFile(name, file, []byte(exec.Command[len(exec.Command)-1]))
	case n.broken && strings.Contains(command, "import"):
		_, _ = fmt.Fprint(exec.Stderr, "unexpected EOF")
		return 1, nil
	case strings.Contains(command, "import -"):
		folder, imported, tag := exec.Command[3], exec.Command[4], exec.Command[5]
		data, err := n.ReadFile(ctx, name, folder+"/"+container.FakeImages)
		if err == nil && fullName(string(data)) != imported {
			err = fmt.Errorf("ctr: image %s: not found", imported)
		}
		n.images[name] = append(n.images[name], tag)
		return 0, err
	case exec.Command[0] == "rm":
		n.WriteFile(name, exec.Command[len(exec.Command)-1], nil)
	case strings.Contains(command, "import"):
		data, err := n.ReadFile(ctx, name, file)
		n.images[name] = append(n.images[name], string(data))
		return 0, err
	}
	return 0, nil
}

func (n *nodes) all(t *testing.T) []container.Container {
	t.Helper()
	list, err := n.List(context.Background(), nil)
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	return list
}

func TestCopySystemImages(t *testing.T) {
	g := NewWithT(t)
	n := newNodes(t, map[string][]string{
		"cp-old": {"registry.k8s.io/coredns:1", "registry.k8s.io/kube-proxy:1"},
		"cp-new": {"registry.k8s.io/coredns:2", "registry.k8s.io/kube-proxy:2"},
	})
	n.system = "registry.k8s.io/coredns:1 registry.k8s.io/kube-proxy:2 registry.k8s.io/coredns:1 example.com/nobody-has:1"

	copied, err := CopySystemImages(context.Background(), n, "cp-new", n.all(t))
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(copied).To(ConsistOf("registry.k8s.io/coredns:1"))
	g.Expect(n.images["cp-new"]).To(ContainElement("registry.k8s.io/coredns:1"))
	g.Expect(n.Calls()).To(ContainElements("Exec cp-old rm", "Exec cp-new rm"), "nothing is left behind")

	copied, err = CopySystemImages(context.Background(), n, "cp-old", n.all(t))
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(copied).To(ConsistOf("registry.k8s.io/kube-proxy:2"))

	copied, err = CopySystemImages(context.Background(), n, "cp-new", n.all(t))
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(copied).To(BeEmpty(), "nothing is copied twice")
}

func TestCopySystemImagesReportsFailures(t *testing.T) {
	g := NewWithT(t)
	n := newNodes(t, map[string][]string{"cp-old": {"registry.k8s.io/a:1"}, "worker": nil})
	n.system, n.broken = "registry.k8s.io/a:1", true
	_, err := CopySystemImages(context.Background(), n, "worker", n.all(t))
	g.Expect(err).To(MatchError(And(ContainSubstring("copying image registry.k8s.io/a:1 from node cp-old"), ContainSubstring("content digest: not found"))))

	n.Stop("cp-old")
	_, err = CopySystemImages(context.Background(), n, "worker", n.all(t))
	g.Expect(err).To(MatchError(ContainSubstring("no control plane node runs")))
}

func TestNormalise(t *testing.T) {
	NewWithT(t).Expect(normalise([]string{"b", "registry.k8s.io/a:1", "kindest/x:1", "localhost/y", "b", "host:5000/z"})).To(Equal([]string{
		"docker.io/kindest/x:1", "docker.io/library/b:latest", "host:5000/z:latest", "localhost/y:latest", "registry.k8s.io/a:1",
	}))
}

func TestRunFailure(t *testing.T) {
	n := newNodes(t, map[string][]string{"cp": nil})
	n.OnExec = func(_ context.Context, _ string, exec container.Exec) (int, error) {
		_, _ = io.Copy(exec.Stderr, bytes.NewReader([]byte("no such command\n")))
		return 127, nil
	}
	_, err := CopySystemImages(context.Background(), n, "cp", n.all(t))
	NewWithT(t).Expect(err).To(MatchError(ContainSubstring("kubectl in node cp ended with exit code 127: no such command")))
}
