// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package container

import (
	"bytes"
	"context"
	"fmt"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/docker/docker/api/types/network"
	. "github.com/onsi/gomega"
)

// TestAccDocker does with a real engine what reconcilers do, and compares it with what the fake does: a fake that
// behaves differently proves nothing.
func TestAccDocker(t *testing.T) {
	const image = "kindest/node:v1.35.0"
	docker := needDocker(t, image)
	t.Run("Docker", func(t *testing.T) {
		contract(t, Bound(docker, DefaultLimits), image)
		sharing(t, Bound(docker, DefaultLimits), image)
		commands(t, docker, image)
		foreignNetwork(t, docker)
	})
	t.Run("Fake", func(t *testing.T) {
		contract(t, NewFake(image), image)
		sharing(t, NewFake(image), image)
	})
}

// needDocker returns this machine's engine, if it is to be used and has the image.
func needDocker(t *testing.T, image string) *Docker {
	t.Helper()
	if os.Getenv("TF_ACC") != "1" {
		t.Skip("This test makes containers: set TF_ACC=1 to run it.")
	}
	docker, err := newDocker("from the environment")
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	exists, err := docker.ImageExists(t.Context(), image)
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	if !exists {
		t.Skipf("This test needs image %s, which is not here.", image)
	}
	return docker
}

// contract is what both implementations of an engine keep.
func contract(t *testing.T, e engine, image string) {
	t.Helper()
	g := NewWithT(t)
	ctx := context.Background()
	name := fmt.Sprintf("acc-container-%d", time.Now().UnixNano()%1_000_000)
	t.Cleanup(func() {
		_ = e.Remove(ctx, name)
		for _, network := range []string{name, name + "-second"} {
			_, _ = e.RemoveUnusedNetwork(ctx, network)
		}
	})

	info, err := e.Info(ctx)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(info.CgroupVersion).To(BeElementOf("1", "2"))
	g.Expect(info.CPUs).To(BeNumerically(">", 0))
	g.Expect(e.ImageExists(ctx, image+"@sha256:"+strings.Repeat("0", 64))).To(BeFalse(), "that of another image")
	g.Expect(e.ImageExists(ctx, "example.com/nobody:has")).To(BeFalse())

	network, err := e.EnsureNetwork(ctx, name)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(network.Assignable()).To(BeTrue())
	g.Expect(network.Used).To(BeEmpty())
	again, err := e.EnsureNetwork(ctx, name)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(again).To(Equal(network))
	second, err := e.EnsureNetwork(ctx, name+"-second")
	g.Expect(err).NotTo(HaveOccurred())
	address := network.IPv4.Addr().As4()
	address[2], address[3] = 200, 7
	assigned := netip.AddrFrom4(address).String()

	_, err = e.Inspect(ctx, name)
	g.Expect(err).To(MatchError(ErrNotFound))
	g.Expect(e.Start(ctx, name)).To(MatchError(ErrNotFound))
	g.Expect(e.Remove(ctx, name)).To(Succeed(), "there is nothing to remove")
	g.Expect(e.Create(ctx, Spec{Name: name, Image: "example.com/nobody:has"})).To(MatchError(ErrNotFound))

	eventCtx, cancel := context.WithCancel(ctx)
	defer cancel()
	events, err := e.Events(eventCtx, "acc")
	g.Expect(err).NotTo(HaveOccurred())
	spec := Spec{
		Name: name, Image: image, Labels: map[string]string{"acc": name}, Network: name, IPv4: assigned, Volumes: []string{"/data"},
		Entrypoint: []string{"/bin/sleep", "1000"},
		Ports:      []PortBinding{{Protocol: "tcp", HostIP: "127.0.0.1", HostPort: 19191, ContainerPort: 80}},
	}
	g.Expect(e.Create(ctx, spec)).To(Succeed())
	g.Expect(e.Create(ctx, spec)).To(MatchError(ErrConflict))
	g.Expect(e.Kill(ctx, name, "HUP")).To(MatchError(ErrConflict), "it does not run")
	_, err = e.Exec(ctx, name, Exec{Command: []string{"true"}})
	g.Expect(err).To(MatchError(ErrConflict))

	found, err := e.Inspect(ctx, name)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(found).To(And(HaveField("State", StateCreated), HaveField("Image", image), HaveField("IPv4", "")))
	g.Expect(found.Started.IsZero()).To(BeTrue())

	archive, err := Archive([]File{{Path: "deep/er/file", Mode: 0o600, Content: []byte("hello")}})
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(e.CopyTo(ctx, name, "/", bytes.NewReader(archive))).To(Succeed(), "before it starts")
	g.Expect(e.Start(ctx, name)).To(Succeed())
	g.Expect(e.Start(ctx, name)).To(Succeed(), "it runs already")
	g.Expect(e.ReadFile(ctx, name, "/deep/er/file")).To(BeEquivalentTo("hello"))
	copied, err := e.CopyFrom(ctx, name, "/deep/er/file")
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(e.CopyTo(ctx, name, "/deep", copied)).To(Succeed())
	g.Expect(copied.Close()).To(Succeed())
	g.Expect(e.ReadFile(ctx, name, "/deep/file")).To(BeEquivalentTo("hello"))
	_, err = e.CopyFrom(ctx, name, "/no/such/file")
	g.Expect(err).To(MatchError(ErrNotFound))
	_, err = e.ReadFile(ctx, name, "/no/such/file")
	g.Expect(err).To(MatchError(ErrNotFound))

	found, err = e.Inspect(ctx, name)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(found.Running()).To(BeTrue())
	g.Expect(found.IPv4).To(Equal(assigned))
	g.Expect(found.AssignedIPv4).To(Equal(assigned))
	network, err = e.EnsureNetwork(ctx, name)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(network.Used).To(ConsistOf(netip.MustParseAddr(assigned)))
	g.Expect(e.Connect(ctx, name, second.Name)).To(Succeed())
	g.Expect(e.Connect(ctx, name, second.Name)).To(Succeed(), "it is connected already")
	found, err = e.Inspect(ctx, name)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(found.Networks).To(ConsistOf(name, second.Name))
	g.Expect(found.IPv4).To(Equal(assigned), "the first network's")
	g.Expect(found.Ports).To(ConsistOf(spec.Ports[0]))
	g.Expect(time.Since(found.Started)).To(BeNumerically("<", time.Minute))

	list, err := e.List(ctx, map[string]string{"acc": name})
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(list).To(HaveExactElements(And(HaveField("Name", name), HaveField("State", StateRunning), HaveField("Image", image))))

	other := spec
	other.Name += "-other"
	t.Cleanup(func() { _ = e.Remove(ctx, other.Name) })
	g.Expect(e.Create(ctx, other)).To(Succeed())
	g.Expect(e.Start(ctx, other.Name)).To(Or(MatchError(ErrPortTaken), MatchError(ErrAddressTaken)), "the port or the address is taken")
	g.Expect(e.Remove(ctx, other.Name)).To(Succeed())
	other.Ports = nil
	g.Expect(e.Create(ctx, other)).To(Succeed())
	g.Expect(e.Start(ctx, other.Name)).To(MatchError(ErrAddressTaken))
	gone, err := e.Inspect(ctx, other.Name)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(e.Remove(ctx, gone.ID)).To(Succeed())
	other.IPv4 = ""
	g.Expect(e.Create(ctx, other)).To(Succeed())
	g.Expect(e.Remove(ctx, gone.ID)).To(Succeed(), "an id is for one container only")
	g.Expect(e.Start(ctx, other.Name)).To(Succeed())
	found, err = e.Inspect(ctx, other.Name)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(network.Dynamic.Contains(netip.MustParseAddr(found.IPv4))).To(BeTrue(), "the engine chooses in its half")
	g.Expect(e.Remove(ctx, other.Name)).To(Succeed())

	g.Expect(e.RemoveUnusedNetwork(ctx, name)).To(BeFalse(), "a running container is on it")
	unstarted := Spec{Name: name + "-unstarted", Image: image, Network: second.Name}
	t.Cleanup(func() { _ = e.Remove(ctx, unstarted.Name) })
	g.Expect(e.Create(ctx, unstarted)).To(Succeed())
	g.Expect(e.Remove(ctx, name)).To(Succeed())
	_, err = e.Inspect(ctx, name)
	g.Expect(err).To(MatchError(ErrNotFound))
	g.Expect(e.RemoveUnusedNetwork(ctx, name)).To(BeTrue())
	g.Expect(e.RemoveUnusedNetwork(ctx, name)).To(BeFalse(), "it does not exist")
	g.Expect(e.RemoveUnusedNetwork(ctx, second.Name)).To(BeFalse(), "a container that does not run is on it")
	g.Expect(e.Remove(ctx, unstarted.Name)).To(Succeed())
	g.Expect(e.RemoveUnusedNetwork(ctx, second.Name)).To(BeTrue())
	var actions []string
	g.Eventually(func() []string {
		select {
		case event := <-events:
			if event.Name == name && event.Labels["acc"] == name {
				actions = append(actions, event.Action)
			}
		default:
		}
		return actions
	}).WithTimeout(5 * time.Second).Should(ContainElements("start", "destroy"))
}

// sharing is the part of the contract that is about images and the volumes that they are shared in.
func sharing(t *testing.T, e engine, image string) {
	t.Helper()
	g := NewWithT(t)
	ctx := context.Background()
	name := fmt.Sprintf("acc-sharing-%d", time.Now().UnixNano()%1_000_000)
	first, second := name+"-1", name+"-2"
	t.Cleanup(func() {
		_ = e.Remove(ctx, first)
		_ = e.Remove(ctx, second)
		g.Expect(e.RemoveUnusedVolumes(ctx, name)).To(Succeed())
	})

	id, err := e.ImageID(ctx, image)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(e.ImageID(ctx, image)).To(Equal(id))
	_, err = e.ImageID(ctx, "example.com/nobody:has")
	g.Expect(err).To(MatchError(ErrNotFound))

	spec := Spec{Name: first, Image: image, Entrypoint: []string{"/bin/sleep", "1000"}, SharedVolumes: []SharedVolume{
		{Name: name, Target: "/deep/er", Labels: map[string]string{name: "x"}},
	}}
	g.Expect(e.Create(ctx, spec)).To(Succeed())
	g.Expect(e.RemoveUnusedVolumes(ctx, name)).To(Succeed(), "a container has it that has never run")
	archive, err := Archive([]File{{Path: "file", Mode: 0o600, Content: []byte("hello")}})
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(e.CopyTo(ctx, first, "/deep/er", bytes.NewReader(archive))).To(Succeed())
	spec.Name, spec.SharedVolumes[0].Target = second, "/else/where"
	g.Expect(e.Create(ctx, spec)).To(Succeed())
	g.Expect(e.ReadFile(ctx, second, "/else/where/file")).To(BeEquivalentTo("hello"))

	g.Expect(e.Remove(ctx, first)).To(Succeed())
	g.Expect(e.RemoveUnusedVolumes(ctx, name)).To(Succeed())
	g.Expect(e.ReadFile(ctx, second, "/else/where/file")).To(BeEquivalentTo("hello"), "the other one has it")
	g.Expect(e.Remove(ctx, second)).To(Succeed())
	g.Expect(e.RemoveUnusedVolumes(ctx, name+"-other")).To(Succeed())
	g.Expect(e.RemoveUnusedVolumes(ctx, name)).To(Succeed())
	g.Expect(e.Create(ctx, spec)).To(Succeed())
	_, err = e.ReadFile(ctx, second, "/else/where/file")
	g.Expect(err).To(MatchError(ErrNotFound), "it was removed with its last container, and made anew")
}

// foreignNetwork is a network that a user created for the clusters, as with a larger subnet.
func foreignNetwork(t *testing.T, docker *Docker) {
	t.Helper()
	g := NewWithT(t)
	ctx := context.Background()
	name := fmt.Sprintf("acc-network-%d", time.Now().UnixNano()%1_000_000)
	_, err := docker.client.NetworkCreate(ctx, name, network.CreateOptions{Driver: "bridge"})
	g.Expect(err).NotTo(HaveOccurred())
	t.Cleanup(func() { g.Expect(docker.client.NetworkRemove(ctx, name)).To(Succeed()) })
	_, err = docker.EnsureNetwork(ctx, name)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(docker.RemoveUnusedNetwork(ctx, name)).To(BeFalse())
}

// commands is what the fake leaves to its tests.
func commands(t *testing.T, docker *Docker, image string) {
	t.Helper()
	g := NewWithT(t)
	ctx := context.Background()
	name := fmt.Sprintf("acc-commands-%d", time.Now().UnixNano()%1_000_000)
	t.Cleanup(func() { g.Expect(docker.Remove(ctx, name)).To(Succeed()) })
	g.Expect(docker.Create(ctx, Spec{Name: name, Image: image, Terminal: true,
		Entrypoint: []string{"/bin/sh", "-c", "echo started; exec sleep 1000"}})).To(Succeed())
	g.Expect(docker.Start(ctx, name)).To(Succeed())

	var stdout, stderr bytes.Buffer
	code, err := docker.Exec(ctx, name, Exec{
		Command: []string{"/bin/sh", "-c", "cat; echo $X >&2; exit 7"}, Env: []string{"X=error"},
		Stdin: strings.NewReader("input"), Stdout: &stdout, Stderr: &stderr,
	})
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(code).To(Equal(7))
	g.Expect(stdout.String()).To(Equal("input"))
	g.Expect(stderr.String()).To(Equal("error\n"))

	large := strings.Repeat("0123456789", 1<<20)
	stdout.Reset()
	code, err = docker.Exec(ctx, name, Exec{Command: []string{"cat"}, Stdin: strings.NewReader(large), Stdout: &stdout})
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(code).To(BeZero())
	g.Expect(stdout.Len()).To(Equal(len(large)), "nothing is lost")

	code, err = docker.Exec(ctx, name, Exec{Command: []string{"true"}, Stdin: strings.NewReader(large)})
	g.Expect(err).NotTo(HaveOccurred(), "who does not read its input does not block")
	g.Expect(code).To(BeZero())

	started := time.Now()
	for range 10 {
		_, err = docker.Exec(ctx, name, Exec{Command: []string{"true"}})
		g.Expect(err).NotTo(HaveOccurred())
	}
	t.Logf("A command takes %s.", (time.Since(started) / 10).Round(time.Millisecond))

	short, cancel := context.WithTimeout(ctx, 200*time.Millisecond)
	defer cancel()
	_, err = docker.Exec(short, name, Exec{Command: []string{"sleep", "100"}})
	g.Expect(err).To(MatchError(context.DeadlineExceeded))

	g.Expect(docker.Logs(ctx, name, 10)).To(ContainSubstring("started"))
	g.Expect(docker.Kill(ctx, name, "KILL")).To(Succeed())
	g.Eventually(func() State { c, _ := docker.Inspect(ctx, name); return c.State }).Should(Equal(StateExited))
}
