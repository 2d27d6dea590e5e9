// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package container

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"net/netip"
	"slices"
	"strings"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/api/types/network"
	"k8s.io/utils/ptr"
)

// networkLabel marks networks that EnsureNetwork created. One that a user created for the clusters is not ours to remove.
const networkLabel = "terraform-capi.io/network"

const (
	masqueradeOption = "com.docker.network.bridge.enable_ip_masquerade"
	mtuOption        = "com.docker.network.driver.mtu"

	// subnetAttempts is how often a subnet is asked for. Another network may take it before it is used.
	subnetAttempts = 3
)

// EnsureNetwork implements Runtime.
func (d *Docker) EnsureNetwork(ctx context.Context, name string) (Network, error) {
	found, err := d.inspectNetwork(ctx, name)
	if !errors.Is(err, ErrNotFound) {
		return found, err
	}
	for range subnetAttempts {
		if err = d.createNetwork(ctx, name); err == nil || errors.Is(err, ErrConflict) {
			break // Somebody else may have made it in between.
		}
	}
	if err != nil && !errors.Is(err, ErrConflict) {
		return Network{}, err
	}
	return d.inspectNetwork(ctx, name)
}

// createNetwork makes a network with subnets of its own: the engine assigns addresses on no other. The upper half of
// the IPv4 subnet is for addresses that are assigned.
func (d *Docker) createNetwork(ctx context.Context, name string) error {
	subnet, err := d.freeSubnet(ctx, name)
	if err != nil {
		return err
	}
	lower := netip.PrefixFrom(subnet.Addr(), subnet.Bits()+1)
	options := network.CreateOptions{
		Driver:     "bridge",
		Labels:     map[string]string{networkLabel: ""},
		Options:    d.networkOptions(ctx),
		EnableIPv6: ptr.To(true),
		IPAM: &network.IPAM{Config: []network.IPAMConfig{
			{Subnet: subnet.String(), IPRange: lower.String()},
			{Subnet: uniqueLocal(name).String()},
		}},
	}
	_, err = d.client.NetworkCreate(ctx, name, options)
	if err := d.wrap(err, "creating network %s", name); err == nil || errors.Is(err, ErrConflict) {
		return err
	}
	// The host may have no IPv6.
	options.EnableIPv6, options.IPAM.Config = nil, options.IPAM.Config[:1]
	_, err = d.client.NetworkCreate(ctx, name, options)
	return d.wrap(err, "creating network %s with subnet %s", name, subnet)
}

// freeSubnet is an IPv4 subnet that no other network and no route of the host uses. The engine knows how to find one,
// but says it only of a network that exists.
func (d *Docker) freeSubnet(ctx context.Context, name string) (netip.Prefix, error) {
	probe := name + "-subnet-" + strings.ToLower(rand.Text()[:8])
	_, err := d.client.NetworkCreate(ctx, probe, network.CreateOptions{Driver: "bridge"})
	if err != nil {
		return netip.Prefix{}, d.wrap(err, "asking for a free subnet for network %s", name)
	}
	found, err := d.inspectNetwork(ctx, probe)
	if removeErr := d.client.NetworkRemove(context.WithoutCancel(ctx), probe); removeErr != nil {
		return netip.Prefix{}, d.wrap(removeErr, "removing network %s", probe)
	}
	return found.IPv4, err
}

// networkOptions are those of KinD's network. What does not fit through the default bridge does not fit through
// another one of the host either.
func (d *Docker) networkOptions(ctx context.Context) map[string]string {
	options := map[string]string{masqueradeOption: "true"}
	if bridge, err := d.client.NetworkInspect(ctx, "bridge", network.InspectOptions{}); err == nil {
		if mtu := bridge.Options[mtuOption]; mtu != "" {
			options[mtuOption] = mtu
		}
	}
	return options
}

// uniqueLocal is a unique local IPv6 subnet (RFC 4193) that depends on nothing but the name.
func uniqueLocal(name string) netip.Prefix {
	sum := sha256.Sum256([]byte(name))
	address := [16]byte{0xfd}
	copy(address[1:8], sum[:])
	return netip.PrefixFrom(netip.AddrFrom16(address), 64)
}

func (d *Docker) inspectNetwork(ctx context.Context, name string) (Network, error) {
	response, err := d.client.NetworkInspect(ctx, name, network.InspectOptions{})
	if err != nil {
		return Network{}, d.wrap(err, "inspecting network %s", name)
	}
	return fromNetwork(response), nil
}

func fromNetwork(response network.Inspect) Network {
	found := Network{ID: response.ID, Name: response.Name}
	for _, config := range response.IPAM.Config {
		subnet, err := netip.ParsePrefix(config.Subnet)
		switch {
		case err != nil:
		case subnet.Addr().Is6():
			found.IPv6 = subnet
		default:
			found.IPv4 = subnet
			if dynamic, err := netip.ParsePrefix(config.IPRange); err == nil {
				found.Dynamic = dynamic
			}
		}
	}
	for _, endpoint := range response.Containers {
		if prefix, err := netip.ParsePrefix(endpoint.IPv4Address); err == nil {
			found.Used = append(found.Used, prefix.Addr())
		}
	}
	slices.SortFunc(found.Used, netip.Addr.Compare)
	return found
}

// Connect implements Runtime.
func (d *Docker) Connect(ctx context.Context, name, networkName string) error {
	found, err := d.Inspect(ctx, name)
	if err != nil || slices.Contains(found.Networks, networkName) {
		return err
	}
	return d.wrap(d.client.NetworkConnect(ctx, networkName, name, nil), "connecting container %s to network %s", name, networkName)
}

// RemoveUnusedNetwork implements Runtime.
func (d *Docker) RemoveUnusedNetwork(ctx context.Context, name string) (bool, error) {
	found, err := d.client.NetworkInspect(ctx, name, network.InspectOptions{})
	if _, ours := found.Labels[networkLabel]; errdefs.IsNotFound(err) || err == nil && !ours {
		return false, nil
	}
	if err != nil {
		return false, d.wrap(err, "inspecting network %s", name)
	}
	// The engine keeps a network for the sake of containers that run, but takes it from the others, which then do not
	// start any more.
	connected, err := d.client.ContainerList(ctx, container.ListOptions{All: true, Filters: filters.NewArgs(filters.Arg("network", name))})
	if err != nil || len(connected) > 0 {
		return false, d.wrap(err, "listing the containers on network %s", name)
	}
	err = d.client.NetworkRemove(ctx, found.ID)
	// Somebody may have removed or joined it in between.
	if errdefs.IsNotFound(err) || errdefs.IsPermissionDenied(err) {
		return false, nil
	}
	return err == nil, d.wrap(err, "removing network %s", name)
}
