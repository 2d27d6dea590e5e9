// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package network

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/terraform-capi/terraform-provider-capi/controllers/docker/identity"
	"github.com/terraform-capi/terraform-provider-capi/controllers/docker/variants"
	"github.com/terraform-capi/terraform-provider-capi/internal/container"
)

// attempts is how many free addresses are tried. Each fails only if another container got the address a moment before.
const attempts = 100

// Addresses are what a container is made with. They are empty where the engine does not let them be assigned.
type Addresses struct {
	IPv4, IPv6 string
	// Subnet has IPv4.
	Subnet netip.Prefix
}

// Reserve returns addresses for a container that is about to be made. Nobody else gets them until release is called, which
// is to be done when the container exists or was not made after all.
//
// Preferred is the address, of either family, that the container had before, or that it should have if the network has it;
// the zero address is no preference. An address of the network is never exchanged for another one: the error is
// container.ErrAddressTaken if a container that has run has it. One that has never run gets another address when it is to
// start.
func (n *Network) Reserve(ctx context.Context, preferred netip.Addr) (_ Addresses, release func(), _ error) {
	found, err := n.Ensure(ctx)
	if err != nil {
		return Addresses{}, nil, err
	}
	if !found.Assignable() {
		return Addresses{}, func() {}, nil
	}
	address := assignable(found, preferred)
	if address.IsValid() {
		err = n.claim(ctx, found, address)
	} else {
		address, err = n.choose(ctx, found)
	}
	if err != nil {
		return Addresses{}, nil, err
	}
	return addresses(found, address), func() { n.release(address) }, nil
}

// reserve keeps an address from others in this process, and tells whether it was free.
func (n *Network) reserve(address netip.Addr) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if slices.Contains(n.reserved, address) {
		return false
	}
	n.reserved = append(n.reserved, address)
	return true
}

func (n *Network) release(address netip.Addr) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if i := slices.Index(n.reserved, address); i >= 0 {
		n.reserved = slices.Delete(n.reserved, i, i+1)
	}
}

// claim reserves the address that a container is to have.
func (n *Network) claim(ctx context.Context, found container.Network, address netip.Addr) error {
	if !n.reserve(address) {
		return fmt.Errorf("%w: %s is given to a container that is being made", container.ErrAddressTaken, address)
	}
	holder, err := n.holder(ctx, found, address, "")
	if err == nil && holder != "" {
		err = fmt.Errorf("%w: %s has %s on network %s", container.ErrAddressTaken, holder, address, found.Name)
	}
	if err != nil {
		n.release(address)
	}
	return err
}

// holder describes the container, other than the one with the id, that has an address: it runs, or has run and wants it back.
// Empty if there is none.
func (n *Network) holder(ctx context.Context, found container.Network, address netip.Addr, id string) (string, error) {
	all, err := n.Engine.List(ctx, nil)
	if err != nil {
		return "", err
	}
	for _, c := range all {
		if c.ID == id {
			continue
		}
		if c.IPv4 == address.String() || c.AssignedIPv4 == address.String() && c.Network == found.Name && c.State != container.StateCreated {
			return fmt.Sprintf("container %s, which is %s,", c.Name, c.State), nil
		}
	}
	if slices.Contains(found.Used, address) {
		return "another container", nil
	}
	return "", nil
}

// choose reserves an address that nobody has. It is a random one, so that controllers that do not know of each other
// seldom choose the same; if they do, the container that starts last is made again.
//
// Within this process it is exact. An address is reserved before the engine is asked who has it, and released only when its
// container exists. So the engine is asked without a lock: a call that hangs holds up nobody else.
func (n *Network) choose(ctx context.Context, found container.Network) (netip.Addr, error) {
	taken := found.Used
	for range attempts {
		address, ok := n.reserveFree(found, taken)
		if !ok {
			break
		}
		now, err := n.taken(ctx)
		if err == nil && !slices.Contains(now, address) {
			return address, nil
		}
		n.release(address)
		if err != nil {
			return netip.Addr{}, err
		}
		taken = slices.Concat(found.Used, now)
	}
	return netip.Addr{}, fmt.Errorf("network %s (%s) has no free address: remove containers, or make a network with a larger subnet",
		found.Name, found.IPv4)
}

// reserveFree reserves some address that is not taken. It is false if it finds none.
func (n *Network) reserveFree(found container.Network, taken []netip.Addr) (netip.Addr, bool) {
	const attempts = 1000
	for range attempts {
		address := random(found.IPv4)
		if isAssignable(found, address) && !slices.Contains(taken, address) && n.reserve(address) {
			return address, true
		}
	}
	return netip.Addr{}, false
}

// taken are the addresses that belong to containers, whether or not they run or exist: one that does not run wants its
// address back, and so does a load balancer that was removed and is made again, because kubeconfigs and nodes know the
// cluster by it. Control plane endpoints are known from the clusters of this management cluster, and those of others from
// the labels of their nodes.
func (n *Network) taken(ctx context.Context) ([]netip.Addr, error) {
	ours, err := n.Engine.List(ctx, map[string]string{identity.MachineLabel: ""})
	if err != nil {
		return nil, err
	}
	var hosts []string
	for _, c := range ours {
		hosts = append(hosts, c.AssignedIPv4, c.Labels[identity.EndpointLabel])
	}
	endpoints, err := n.endpoints(ctx)
	if err != nil {
		return nil, err
	}
	var taken []netip.Addr
	for _, host := range append(hosts, endpoints...) {
		if address, err := netip.ParseAddr(host); err == nil {
			taken = append(taken, embedded(address))
		}
	}
	return taken, nil
}

// endpoints are the hosts of the control plane endpoints of the management cluster's clusters.
func (n *Network) endpoints(ctx context.Context) ([]string, error) {
	if n.Clusters == nil {
		return nil, nil
	}
	var hosts []string
	for _, variant := range variants.Clusters {
		objects, err := variant.List(ctx, n.Clusters)
		if err != nil {
			return nil, fmt.Errorf("listing the control plane endpoints of %ss, whose addresses must not be taken: %w", variant.Kind, err)
		}
		for _, stored := range objects {
			object, err := variant.Get(ctx, n.Clusters, client.ObjectKeyFromObject(stored))
			if client.IgnoreNotFound(err) != nil {
				return nil, fmt.Errorf("reading the control plane endpoint of %s %s, whose address must not be taken: %w", variant.Kind, client.ObjectKeyFromObject(stored), err)
			}
			if err == nil {
				hosts = append(hosts, object.Hub().Spec.ControlPlaneEndpoint.Host)
			}
		}
	}
	return hosts, nil
}

// assignable is the IPv4 address of the network that stands for an address, if the network has that and the engine leaves
// it to others; zero if not.
func assignable(found container.Network, address netip.Addr) netip.Addr {
	if address.Is6() && found.IPv6.Contains(address) {
		address = embedded(address)
	}
	if !isAssignable(found, address) {
		return netip.Addr{}
	}
	return address
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
	out := Addresses{IPv4: address.String(), Subnet: found.IPv4}
	if found.IPv6.IsValid() && found.IPv6.Bits() <= 64 {
		bytes := found.IPv6.Masked().Addr().As16()
		bytes[11] = 1
		copy(bytes[12:], address.AsSlice())
		out.IPv6 = netip.AddrFrom16(bytes).String()
	}
	return out
}

// embedded is the IPv4 address that an IPv6 address of addresses ends in. An IPv4 address stays.
func embedded(address netip.Addr) netip.Addr {
	if !address.Is6() {
		return address
	}
	bytes := address.As16()
	return netip.AddrFrom4([4]byte(bytes[12:]))
}
