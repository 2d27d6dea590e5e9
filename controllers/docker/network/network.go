// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

// Package network has the Docker network that all clusters are on, and hands out its addresses.
//
// A container that is made without an address gets the next free one at each start, so that a restart of the engine
// deals all addresses anew. A cluster does not survive that: the members of its etcd know each other by address.
// Therefore every container is made with an address of its own, which the engine only allows on a network that was
// made with a subnet. KinD's network is not, so the clusters have another one, and the nodes of the management cluster
// join it.
package network

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"sync"

	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/terraform-capi/terraform-provider-capi/controllers/docker/identity"
	"github.com/terraform-capi/terraform-provider-capi/internal/container"
)

// DefaultName is the network of all clusters of a Docker host.
const DefaultName = "terraform-capi"

// Network is the network of the clusters. Its zero value is not usable: Runtime and Name are required.
type Network struct {
	// Runtime has the containers.
	Runtime container.Runtime
	// Name of the network. It is made when it is first needed.
	Name string
	// ManagementNode is the name of the node that the controllers run on. If that is a container, and so of the same
	// engine, it is connected to the network, with all nodes of its cluster. May be empty.
	ManagementNode string

	mu sync.Mutex
	// reserved are addresses of containers that are being made.
	reserved []netip.Addr
}

// Addresses are what a container is made with. They are empty where the engine does not let them be assigned.
type Addresses struct {
	IPv4, IPv6 string
}

// Ensure makes the network unless it exists.
func (n *Network) Ensure(ctx context.Context) (container.Network, error) {
	return n.Runtime.EnsureNetwork(ctx, n.Name)
}

// Join connects the nodes of the management cluster to the network, so that its pods reach the clusters.
func (n *Network) Join(ctx context.Context) error {
	if n.ManagementNode == "" {
		return nil
	}
	node, err := n.Runtime.Inspect(ctx, n.ManagementNode)
	if errors.Is(err, container.ErrNotFound) {
		return nil // It is not a container of this engine.
	}
	if err != nil {
		return err
	}
	siblings := identity.Siblings(node)
	if siblings == nil {
		return nil
	}
	nodes, err := n.Runtime.List(ctx, siblings)
	if err != nil {
		return err
	}
	for _, node := range nodes {
		if slices.Contains(node.Networks, n.Name) {
			continue
		}
		ctrl.LoggerFrom(ctx).Info("Connecting a node of the management cluster to the clusters' network", "node", node.Name, "network", n.Name)
		if err := n.Runtime.Connect(ctx, node.Name, n.Name); err != nil {
			return err
		}
	}
	return nil
}

// Reserve returns addresses for a container that is about to be made. Preferred is the IPv4 address that it should
// have if the network has it, or the zero address. Nobody else gets the addresses until release is called, which is to
// be done when the container exists or was not made after all.
func (n *Network) Reserve(ctx context.Context, preferred netip.Addr) (_ Addresses, release func(), _ error) {
	found, err := n.Ensure(ctx)
	if err != nil {
		return Addresses{}, nil, err
	}
	if !found.Assignable() {
		return Addresses{}, func() {}, nil
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	address := preferred
	if !isAssignable(found, preferred) {
		if address, err = n.choose(ctx, found); err != nil {
			return Addresses{}, nil, err
		}
	}
	n.reserved = append(n.reserved, address)
	return addresses(found, address), func() { n.release(address) }, nil
}

func (n *Network) release(address netip.Addr) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if i := slices.Index(n.reserved, address); i >= 0 {
		n.reserved = slices.Delete(n.reserved, i, i+1)
	}
}

// choose returns an address that nobody has. It is a random one, so that controllers that do not know of each other
// seldom choose the same; if they do, the container that starts last is made again.
func (n *Network) choose(ctx context.Context, found container.Network) (netip.Addr, error) {
	ours, err := n.Runtime.List(ctx, map[string]string{identity.MachineLabel: ""})
	if err != nil {
		return netip.Addr{}, err
	}
	// Containers that do not run have no address, but want theirs back.
	taken := slices.Concat(found.Used, n.reserved)
	for _, c := range ours {
		if address, err := netip.ParseAddr(c.AssignedIPv4); err == nil {
			taken = append(taken, address)
		}
	}
	const attempts = 1000
	for range attempts {
		if address := random(found.IPv4); isAssignable(found, address) && !slices.Contains(taken, address) {
			return address, nil
		}
	}
	return netip.Addr{}, fmt.Errorf("network %s (%s) has no free address: remove containers, or make a network with a larger subnet",
		found.Name, found.IPv4)
}

// isAssignable tells whether the address is in the part of the network that the engine leaves to others.
func isAssignable(found container.Network, address netip.Addr) bool {
	return found.IPv4.Contains(address) && !found.Dynamic.Contains(address) &&
		found.IPv4.Contains(address.Next()) && address != found.IPv4.Masked().Addr()
}

// random returns some address of the subnet.
func random(subnet netip.Prefix) netip.Addr {
	bytes := subnet.Masked().Addr().As4()
	host := rand.Uint32() >> subnet.Bits() //nolint:gosec // Nothing depends on nobody guessing it.
	for i := range bytes {
		bytes[i] |= byte(host >> (8 * (3 - i)))
	}
	return netip.AddrFrom4(bytes)
}

// addresses completes an IPv4 address with an IPv6 address that ends in it, in a part of the subnet from which the
// engine, which counts from one up, will not choose.
func addresses(found container.Network, address netip.Addr) Addresses {
	out := Addresses{IPv4: address.String()}
	if found.IPv6.IsValid() && found.IPv6.Bits() <= 64 {
		bytes := found.IPv6.Masked().Addr().As16()
		bytes[11] = 1
		copy(bytes[12:], address.AsSlice())
		out.IPv6 = netip.AddrFrom16(bytes).String()
	}
	return out
}
