// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package container

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/network"
	. "github.com/onsi/gomega"
	"golang.org/x/sync/errgroup"
	"k8s.io/utils/ptr"
)

const balancerImage = "kindest/haproxy:v20230606-42a2262b"

// TestAccNetworkRemoved removes a network under its containers, and has it made again. Only an engine shows what it remembers
// of a network that is gone.
func TestAccNetworkRemoved(t *testing.T) {
	docker := needDocker(t, balancerImage)
	g := NewWithT(t)
	ctx := context.Background()
	name := fmt.Sprintf("acc-removed-%d", time.Now().UnixNano()%1_000_000)
	running, stopped, created := name+"-running", name+"-stopped", name+"-created"
	t.Cleanup(func() {
		for _, c := range []string{running, stopped, created} {
			g.Expect(docker.Remove(ctx, c)).To(Succeed())
		}
		_, err := docker.RemoveUnusedNetwork(ctx, name)
		g.Expect(err).NotTo(HaveOccurred())
	})
	before, err := docker.EnsureNetwork(ctx, name)
	g.Expect(err).NotTo(HaveOccurred())
	addresses := map[string]string{}
	for i, c := range []string{running, stopped, created} {
		addresses[c] = upper(before.IPv4, byte(i+1))
		g.Expect(docker.Create(ctx, Spec{
			Name: c, Image: balancerImage, Entrypoint: []string{"haproxy", "-f", "/dev/stdin", "-W", "-db"}, Terminal: true,
			Network: name, Aliases: []string{c + ".example.com"}, IPv4: addresses[c], Subnet: before.IPv4, RestartUnlessStopped: true,
		})).To(Succeed())
	}
	for _, c := range []string{running, stopped} {
		g.Expect(docker.Start(ctx, c)).To(Succeed())
	}
	g.Expect(docker.client.ContainerStop(ctx, stopped, container.StopOptions{Timeout: ptr.To(1)})).To(Succeed())
	remove := func() {
		t.Helper()
		g.Expect(docker.client.NetworkDisconnect(ctx, name, running, true)).To(Succeed())
		g.Expect(docker.client.NetworkRemove(ctx, name)).To(Succeed())
	}
	inspect := func(c string) Container {
		t.Helper()
		found, err := docker.Inspect(ctx, c)
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(found.Network).To(Equal(name))
		g.Expect(found.AssignedIPv4).To(Equal(addresses[c]))
		return found
	}

	remove()
	g.Expect(inspect(running).Connected()).To(BeFalse())
	g.Expect(docker.Start(ctx, stopped)).To(MatchError(ErrNotFound))
	g.Expect(docker.Start(ctx, created)).To(MatchError(ErrNotFound))

	// Another network has the subnet.
	thief := name + "-thief"
	_, err = docker.client.NetworkCreate(ctx, thief, network.CreateOptions{Driver: "bridge",
		IPAM: &network.IPAM{Config: []network.IPAMConfig{{Subnet: before.IPv4.String()}}}})
	g.Expect(err).NotTo(HaveOccurred())
	_, err = docker.EnsureNetwork(ctx, name)
	g.Expect(docker.client.NetworkRemove(ctx, thief)).To(Succeed())
	g.Expect(err).To(And(MatchError(ErrSubnetTaken), MatchError(And(ContainSubstring(thief), ContainSubstring(created+", "+running+", "+stopped)))))

	for range 2 {
		again := ensureAtOnce(t, docker, name)
		g.Expect(again.ID).NotTo(Equal(before.ID))
		g.Expect(again.IPv4).To(Equal(before.IPv4))
		g.Expect(again.IPv6).To(Equal(before.IPv6))
		g.Expect(docker.Start(ctx, stopped)).To(Or(Succeed(), MatchError(ErrNotFound)), "the first time it is connected to what does not exist")
		for _, c := range []string{running, stopped, created} {
			g.Expect(docker.Reconnect(ctx, c)).To(Succeed())
			g.Expect(docker.Start(ctx, c)).To(Succeed())
			found := inspect(c)
			g.Expect(found.IPv4).To(Equal(addresses[c]))
			raw, err := docker.client.ContainerInspect(ctx, c)
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(raw.NetworkSettings.Networks[name].Aliases).To(ContainElement(c + ".example.com"))
		}
		// The second time all are running.
		for _, c := range []string{stopped, created} {
			g.Expect(docker.client.NetworkDisconnect(ctx, name, c, true)).To(Succeed())
		}
		remove()
	}

	// Made again without the address in between, which another container takes.
	_, err = docker.EnsureNetwork(ctx, name)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(docker.client.NetworkConnect(ctx, name, running, &network.EndpointSettings{
		IPAMConfig: &network.EndpointIPAMConfig{IPv4Address: addresses[created]}})).To(Succeed())
	g.Expect(docker.Reconnect(ctx, created)).To(MatchError(ErrAddressTaken))
	list, err := docker.List(ctx, nil)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(slices.ContainsFunc(list, func(c Container) bool { return c.Name == running && c.IPv4 == addresses[created] })).To(BeTrue())
}

// ensureAtOnce is EnsureNetwork of several reconcilers, all of which find that the network does not exist.
func ensureAtOnce(t *testing.T, docker *Docker, name string) Network {
	t.Helper()
	found := make([]Network, 4)
	var group errgroup.Group
	for i := range found {
		group.Go(func() (err error) {
			found[i], err = docker.EnsureNetwork(t.Context(), name)
			return err
		})
	}
	g := NewWithT(t)
	g.Expect(group.Wait()).To(Succeed())
	for _, network := range found {
		g.Expect(network.ID).To(Equal(found[0].ID))
	}
	return found[0]
}

// upper is an address in the half of a subnet that is assigned.
func upper(subnet netip.Prefix, last byte) string {
	bytes := subnet.Masked().Addr().As4()
	bytes[subnet.Bits()/8] |= 1 << (7 - subnet.Bits()%8)
	bytes[3] |= last
	return netip.AddrFrom4(bytes).String()
}

// TestAccUnusedVolumes leaves a volume behind as "docker rm" without -v does.
func TestAccUnusedVolumes(t *testing.T) {
	docker := needDocker(t, balancerImage)
	g := NewWithT(t)
	ctx := context.Background()
	name := fmt.Sprintf("acc-volumes-%d", time.Now().UnixNano()%1_000_000)
	for _, c := range []string{name + "-1", name + "-2"} {
		t.Cleanup(func() { g.Expect(docker.Remove(ctx, c)).To(Succeed()) })
		g.Expect(docker.Create(ctx, Spec{Name: c, Image: balancerImage, Labels: map[string]string{name: c}, Volumes: []string{"/data"}})).To(Succeed())
	}
	g.Expect(docker.UnusedVolumes(ctx, name)).To(BeEmpty(), "containers have them that have never run")
	g.Expect(docker.client.ContainerRemove(ctx, name+"-1", container.RemoveOptions{})).To(Succeed())
	g.Expect(docker.UnusedVolumes(ctx, name)).To(HaveLen(1))
	g.Expect(docker.UnusedVolumes(ctx, name+"="+name+"-1")).To(HaveLen(1))
	g.Expect(docker.UnusedVolumes(ctx, name+"="+name+"-2")).To(BeEmpty())
	g.Expect(docker.RemoveUnusedVolumes(ctx, name+"="+name+"-2")).To(Succeed())
	g.Expect(docker.UnusedVolumes(ctx, name)).To(HaveLen(1))
	g.Expect(docker.RemoveUnusedVolumes(ctx, name+"="+name+"-1")).To(Succeed())
	g.Expect(docker.UnusedVolumes(ctx, name)).To(BeEmpty())
}
