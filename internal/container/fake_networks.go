// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package container

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
)

// EnsureNetwork is as Docker's.
func (f *Fake) EnsureNetwork(ctx context.Context, name string) (network Network, err error) {
	err = f.call(ctx, "EnsureNetwork", name, func() error {
		if _, ok := f.networks[name]; !ok {
			subnet := f.subnet(name)
			f.networks[name] = Network{
				ID: "network-" + name, Name: name, IPv4: subnet, Dynamic: netip.PrefixFrom(subnet.Addr(), subnet.Bits()+1),
			}
		}
		network = f.networks[name]
		network.Used = f.used(name)
		return nil
	})
	return network, err
}

// subnet is what a network is made with: what containers need, or some other.
func (f *Fake) subnet(network string) netip.Prefix {
	for _, c := range f.containers {
		if c.spec.Network == network && c.spec.Subnet.IsValid() {
			return c.spec.Subnet
		}
	}
	return netip.MustParsePrefix("172.18.0.0/16")
}

// RemoveNetwork removes a network as a user can who disconnects the containers that run: those forget it, the others are
// connected to something that does not exist.
func (f *Fake) RemoveNetwork(name string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.networks, name)
	for _, c := range f.containers {
		switch {
		case !slices.Contains(c.Networks, name):
		case c.Running():
			c.disconnect(name)
		case !c.Started.IsZero() && name == c.Network:
			c.stale = true
		}
	}
}

func (c *fakeContainer) disconnect(network string) {
	c.Networks = slices.DeleteFunc(slices.Clone(c.Networks), func(n string) bool { return n == network })
	if network == c.Network {
		c.IPv4 = ""
	}
}

// used are the addresses of the containers that run on a network.
func (f *Fake) used(network string) []netip.Addr {
	var used []netip.Addr
	for _, c := range f.containers {
		if address, err := netip.ParseAddr(c.IPv4); err == nil && c.spec.Network == network {
			used = append(used, address)
		}
	}
	slices.SortFunc(used, netip.Addr.Compare)
	return used
}

// address is what a container that starts gets.
func (f *Fake) address(c *fakeContainer) (string, error) {
	if c.spec.Network == "" {
		return "", nil
	}
	network, ok := f.networks[c.spec.Network]
	if !ok || c.stale {
		return "", fmt.Errorf("network %s: %w", c.spec.Network, ErrNotFound)
	}
	used := f.used(network.Name)
	if c.spec.IPv4 == "" || !c.Connected() {
		c.Networks = []string{c.Network}
		address := network.IPv4.Addr().Next().Next() // The first is the gateway's.
		for slices.Contains(used, address) {
			address = address.Next()
		}
		return address.String(), nil
	}
	if !network.IPv4.Contains(netip.MustParseAddr(c.spec.IPv4)) {
		return "", fmt.Errorf("container %s: network %s has no address %s", c.Name, network.Name, c.spec.IPv4)
	}
	if slices.Contains(used, netip.MustParseAddr(c.spec.IPv4)) {
		return "", fmt.Errorf("container %s: %s: %w", c.Name, c.spec.IPv4, ErrAddressTaken)
	}
	return c.spec.IPv4, nil
}

// Connect is as Docker's.
func (f *Fake) Connect(ctx context.Context, name, network string) error {
	return f.call(ctx, "Connect", name+" "+network, func() error {
		c, err := f.find(name)
		if err == nil && !slices.Contains(c.Networks, network) {
			c.Networks = append(c.Networks, network)
		}
		return err
	})
}

// Reconnect is as Docker's.
func (f *Fake) Reconnect(ctx context.Context, name string) error {
	return f.call(ctx, "Reconnect", name, func() error {
		c, err := f.find(name)
		if err != nil {
			return err
		}
		c.disconnect(c.Network)
		if _, ok := f.networks[c.Network]; !ok {
			return fmt.Errorf("network %s: %w", c.Network, ErrNotFound)
		}
		c.stale, c.Networks = false, append(c.Networks, c.Network)
		if !c.Running() {
			return nil
		}
		if c.IPv4, err = f.address(c); err != nil {
			c.disconnect(c.Network)
		}
		return err
	})
}

// RemoveUnusedNetwork is as Docker's.
func (f *Fake) RemoveUnusedNetwork(ctx context.Context, name string) (removed bool, err error) {
	err = f.call(ctx, "RemoveUnusedNetwork", name, func() error {
		for _, c := range f.containers {
			if slices.Contains(c.Networks, name) {
				return nil
			}
		}
		_, removed = f.networks[name]
		delete(f.networks, name)
		return nil
	})
	return removed, err
}
