// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package network

import (
	"context"
	"net/netip"
	"testing"

	. "github.com/onsi/gomega"

	"github.com/terraform-capi/terraform-provider-capi/controllers/docker/identity"
	"github.com/terraform-capi/terraform-provider-capi/internal/container"
)

const image = "kindest/node:v1.35.0"

func TestReserve(t *testing.T) {
	g := NewWithT(t)
	ctx := context.Background()
	engine := container.NewFake(image)
	n := &Network{Runtime: engine, Name: "clusters"}
	seen := map[string]bool{}
	for range 500 {
		reserved, _, err := n.Reserve(ctx, netip.Addr{})
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(netip.MustParsePrefix("172.18.128.0/17").Contains(netip.MustParseAddr(reserved.IPv4))).To(BeTrue())
		g.Expect(seen).NotTo(HaveKey(reserved.IPv4))
		seen[reserved.IPv4] = true
	}
}

func TestReservePreferred(t *testing.T) {
	ctx := context.Background()
	for name, test := range map[string]struct {
		preferred string
		granted   bool
	}{
		"assignable":        {"172.18.200.7", true},
		"the engine's part": {"172.18.0.7", false},
		"broadcast":         {"172.18.255.255", false},
		"another network":   {"10.1.2.3", false},
		"IPv6":              {"fd00::1", false},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			n := &Network{Runtime: container.NewFake(image), Name: "clusters"}
			reserved, release, err := n.Reserve(ctx, netip.MustParseAddr(test.preferred))
			g.Expect(err).NotTo(HaveOccurred())
			defer release()
			g.Expect(reserved.IPv4 == test.preferred).To(Equal(test.granted))
			g.Expect(reserved.IPv4).NotTo(BeEmpty())
		})
	}
}

// A network with so few addresses that chance alone would give one twice.
func TestReserveTakesNobodysAddress(t *testing.T) {
	g := NewWithT(t)
	ctx := context.Background()
	small := container.Network{Name: "small", IPv4: netip.MustParsePrefix("10.0.0.0/29"), Dynamic: netip.MustParsePrefix("10.0.0.0/30"),
		Used: []netip.Addr{netip.MustParseAddr("10.0.0.4")}}
	engine := container.NewFake(image)
	g.Expect(engine.Create(ctx, container.Spec{Name: "stopped", Image: image, IPv4: "10.0.0.5",
		Labels: map[string]string{identity.MachineLabel: "m"}})).To(Succeed())
	n := &Network{Runtime: engine, Name: "small"}
	address, err := n.choose(ctx, small)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(address).To(Equal(netip.MustParseAddr("10.0.0.6")))

	n.reserved = append(n.reserved, address)
	_, err = n.choose(ctx, small)
	g.Expect(err).To(MatchError(ContainSubstring("no free address")))
	n.release(address)
	g.Expect(n.choose(ctx, small)).To(Equal(address))
}

func TestAddresses(t *testing.T) {
	g := NewWithT(t)
	found := container.Network{IPv4: netip.MustParsePrefix("172.20.0.0/16"), IPv6: netip.MustParsePrefix("fd12:3456:789a:1::/64")}
	g.Expect(addresses(found, netip.MustParseAddr("172.20.200.7"))).To(Equal(
		Addresses{IPv4: "172.20.200.7", IPv6: "fd12:3456:789a:1:0:1:ac14:c807"}))
	found.IPv6 = netip.Prefix{}
	g.Expect(addresses(found, netip.MustParseAddr("172.20.200.7")).IPv6).To(BeEmpty())
}

func TestJoin(t *testing.T) {
	g := NewWithT(t)
	ctx := context.Background()
	engine := container.NewFake(image)
	create := func(name string, labels map[string]string) {
		g.Expect(engine.Create(ctx, container.Spec{Name: name, Image: image, Labels: labels})).To(Succeed())
	}
	create("plain", nil)
	for name, cluster := range map[string]string{"mgmt-control-plane": "mgmt", "mgmt-worker": "mgmt", "other-control-plane": "other"} {
		create(name, map[string]string{identity.KindClusterLabel: cluster})
	}
	// A workload cluster, which may be a management cluster since clusterctl moved one there, with the name of KinD's.
	for _, name := range []string{"mgmt-1", "mgmt-2"} {
		create(name, identity.Owner{Namespace: "default", Cluster: "mgmt", Machine: name, Role: identity.RoleControlPlane}.Labels())
	}
	networks := func(name string) []string {
		found, err := engine.Inspect(ctx, name)
		g.Expect(err).NotTo(HaveOccurred())
		return found.Networks
	}
	for _, node := range []string{"", "a-server", "plain"} {
		g.Expect((&Network{Runtime: engine, Name: "clusters", ManagementNode: node}).Join(ctx)).To(Succeed())
		g.Expect(networks("plain")).To(BeEmpty())
	}
	n := &Network{Runtime: engine, Name: "clusters", ManagementNode: "mgmt-control-plane"}
	g.Expect(n.Join(ctx)).To(Succeed())
	g.Expect(n.Join(ctx)).To(Succeed())
	g.Expect(networks("mgmt-control-plane")).To(ConsistOf("clusters"))
	g.Expect(networks("mgmt-worker")).To(ConsistOf("clusters"))
	g.Expect(networks("other-control-plane")).To(BeEmpty())
	g.Expect(networks("mgmt-1")).To(BeEmpty())

	n.ManagementNode = "mgmt-1"
	g.Expect(n.Join(ctx)).To(Succeed())
	g.Expect(networks("mgmt-1")).To(ConsistOf("clusters"))
	g.Expect(networks("mgmt-2")).To(ConsistOf("clusters"))
}
