// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package container

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
)

// EnsureNetwork implements Runtime.
func (f *Fake) EnsureNetwork(ctx context.Context, name string) (network Network, err error) {
	err = f.call(ctx, "EnsureNetwork", name, func() error {
		if _, ok := f.networks[name]; !ok {
			f.networks[name] = Network{
				ID: "network-" + name, Name: name,
				IPv4: netip.MustParsePrefix("172.18.0.0/16"), Dynamic: netip.MustParsePrefix("172.18.0.0/17"),
			}
		}
		network = f.networks[name]
		network.Used = f.used(name)
		return nil
	})
	return network, err
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
	if !ok {
		return "", fmt.Errorf("network %s: %w", c.spec.Network, ErrNotFound)
	}
	used := f.used(network.Name)
	if c.spec.IPv4 == "" {
		address := network.IPv4.Addr().Next().Next() // The first is the gateway's.
		for slices.Contains(used, address) {
			address = address.Next()
		}
		return address.String(), nil
	}
	if slices.Contains(used, netip.MustParseAddr(c.spec.IPv4)) {
		return "", fmt.Errorf("container %s: %s: %w", c.Name, c.spec.IPv4, ErrAddressTaken)
	}
	return c.spec.IPv4, nil
}

// Connect implements Runtime.
func (f *Fake) Connect(ctx context.Context, name, network string) error {
	return f.call(ctx, "Connect", name+" "+network, func() error {
		c, err := f.find(name)
		if err == nil && !slices.Contains(c.Networks, network) {
			c.Networks = append(c.Networks, network)
		}
		return err
	})
}

// RemoveUnusedNetwork implements Runtime.
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
