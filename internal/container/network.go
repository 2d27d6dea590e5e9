// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package container

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/api/types/network"
	"k8s.io/utils/ptr"
)

// ErrSubnetTaken means that a network has to be made again with the subnet that it had, for the sake of the containers that
// have their addresses there, and another network has the subnet now.
var ErrSubnetTaken = errors.New("the subnet is taken")

// Network describes a network.
type Network struct {
	// ID is the engine's own id.
	ID string
	// Name of the network.
	Name string
	// IPv4 and IPv6 are its subnets; zero if it has none.
	IPv4, IPv6 netip.Prefix
	// Dynamic is the part of IPv4 from which the engine chooses addresses. The rest is free to be assigned. Zero
	// means that the engine chooses from all of IPv4, and may refuse to let anybody else assign.
	Dynamic netip.Prefix
	// Used are the IPv4 addresses of the containers that run on it.
	Used []netip.Addr
}

// Assignable tells whether addresses of the network can be assigned.
func (n Network) Assignable() bool {
	return n.Dynamic.IsValid() && n.Dynamic.Bits() > n.IPv4.Bits()
}

const (
	// networkLabel marks networks that EnsureNetwork created. One that a user created for the clusters is not ours to
	// remove.
	networkLabel = "terraform-capi.io/network"
	// probeLabel marks the networks that exist for a moment to find a free subnet.
	probeLabel = "terraform-capi.io/network-probe"

	// What a container was made with on its network. The engine forgets it when a container is disconnected, as it must be
	// before the network can be removed. The IPv4 address comes with the length of the subnet's prefix.
	ipv4Label    = "terraform-capi.io/ipv4"
	ipv6Label    = "terraform-capi.io/ipv6"
	aliasesLabel = "terraform-capi.io/aliases"
)

const (
	masqueradeOption = "com.docker.network.bridge.enable_ip_masquerade"
	mtuOption        = "com.docker.network.driver.mtu"

	// subnetAttempts is how often a subnet is asked for. Another network may take it before it is used.
	subnetAttempts = 3
	// subnetInterval is the time between the attempts. The engine makes a network in a fraction of it.
	subnetInterval = time.Second
)

// networkLabels are what a container is made with on its network.
func networkLabels(spec Spec) map[string]string {
	labels := map[string]string{}
	if address, err := netip.ParseAddr(spec.IPv4); err == nil && spec.Subnet.IsValid() {
		labels[ipv4Label] = netip.PrefixFrom(address, spec.Subnet.Bits()).String()
	}
	if spec.IPv6 != "" {
		labels[ipv6Label] = spec.IPv6
	}
	if len(spec.Aliases) > 0 {
		labels[aliasesLabel] = strings.Join(spec.Aliases, ",")
	}
	return labels
}

// EnsureNetwork makes a bridge network, from which addresses can be assigned, unless one of that name exists,
// and describes it. Where containers exist that were made with addresses on a network of that name, it gets their
// subnet, or the error is ErrSubnetTaken.
func (d *Docker) EnsureNetwork(ctx context.Context, name string) (Network, error) {
	found, err := d.inspectNetwork(ctx, name)
	if !errors.Is(err, ErrNotFound) {
		return found, err
	}
	for range subnetAttempts {
		if err = d.createNetwork(ctx, name); err == nil || errors.Is(err, ErrConflict) || errors.Is(err, ErrSubnetTaken) {
			break
		}
		// A network that somebody else is making has the subnet before the engine lists it.
		select {
		case <-ctx.Done():
			return Network{}, ctx.Err()
		case <-time.After(subnetInterval):
		}
		if found, err := d.inspectNetwork(ctx, name); err == nil {
			return found, nil
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
	subnet, needing, err := d.neededSubnet(ctx, name)
	if err == nil && len(needing) == 0 {
		subnet, err = d.freeSubnet(ctx, name)
	}
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
	err = d.wrap(err, "creating network %s with subnet %s", name, subnet)
	if err != nil && len(needing) > 0 {
		// The engine says that a subnet overlaps before it says that a name is taken.
		return errors.Join(d.explainSubnet(ctx, name, subnet, needing), err)
	}
	return err
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

// Connect connects a container to one more network. It is no error if it is connected already.
func (d *Docker) Connect(ctx context.Context, name, networkName string) error {
	found, err := d.Inspect(ctx, name)
	if err != nil || slices.Contains(found.Networks, networkName) {
		return err
	}
	return d.wrap(d.client.NetworkConnect(ctx, networkName, name, nil), "connecting container %s to network %s", name, networkName)
}

// Reconnect connects a container to the network that it was made for, with what it was made with there, after that was
// removed and made again, or the container was disconnected. A container that runs keeps running. It fails with
// ErrAddressTaken if another one has its address.
func (d *Docker) Reconnect(ctx context.Context, name string) error {
	found, err := d.client.ContainerInspect(ctx, name)
	if err != nil {
		return d.wrap(err, "inspecting container %s", name)
	}
	if found.Config == nil || found.HostConfig == nil || found.NetworkSettings == nil {
		return fmt.Errorf("the engine does not say which network container %s was made for", name)
	}
	networkName := string(found.HostConfig.NetworkMode)
	endpoint := madeWith(found.Config.Labels)
	if stale, ok := found.NetworkSettings.Networks[networkName]; ok {
		// It is about the network of this name that does not exist any more.
		if err := d.client.NetworkDisconnect(ctx, networkName, found.ID, true); err != nil {
			return d.wrap(err, "disconnecting container %s from network %s, which was removed", name, networkName)
		}
		if endpoint.IPAMConfig == nil {
			endpoint.IPAMConfig = stale.IPAMConfig
		}
	}
	return d.wrap(d.client.NetworkConnect(ctx, networkName, found.ID, endpoint), "connecting container %s to network %s again", name, networkName)
}

// madeWith is what a container with these labels was made with on its network.
func madeWith(labels map[string]string) *network.EndpointSettings {
	endpoint := &network.EndpointSettings{}
	address := assigned(labels)
	if address != "" || labels[ipv6Label] != "" {
		endpoint.IPAMConfig = &network.EndpointIPAMConfig{IPv4Address: address, IPv6Address: labels[ipv6Label]}
	}
	if aliases := labels[aliasesLabel]; aliases != "" {
		endpoint.Aliases = strings.Split(aliases, ",")
	}
	return endpoint
}

// assigned is the IPv4 address that a container with these labels was made with; empty if the engine chooses.
func assigned(labels map[string]string) string {
	address, err := netip.ParsePrefix(labels[ipv4Label])
	if err != nil {
		return ""
	}
	return address.Addr().String()
}

// RemoveUnusedNetwork removes a network that EnsureNetwork created unless containers, running or not, are connected to
// it. It returns whether it did; a network that does not exist, or that a user created, is no error.
func (d *Docker) RemoveUnusedNetwork(ctx context.Context, name string) (bool, error) {
	d.removeProbes(ctx)
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
