// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package container

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/api/types/network"
)

// neededSubnet is the IPv4 subnet that a network had before it was removed: containers that were made for it have their
// addresses there, by which etcd's members and kubeconfigs know them. It returns their names, too. If containers disagree,
// as after several removals, it is the one that most of them need.
func (d *Docker) neededSubnet(ctx context.Context, name string) (subnet netip.Prefix, needing []string, _ error) {
	summaries, err := d.client.ContainerList(ctx, container.ListOptions{All: true, Filters: filters.NewArgs(filters.Arg("label", ipv4Label))})
	if err != nil {
		return netip.Prefix{}, nil, d.wrap(err, "listing containers that were made for network %s", name)
	}
	subnets := map[netip.Prefix][]string{}
	for _, summary := range summaries {
		address, err := netip.ParsePrefix(summary.Labels[ipv4Label])
		if err != nil || summary.HostConfig.NetworkMode != name || len(summary.Names) == 0 {
			continue
		}
		subnets[address.Masked()] = append(subnets[address.Masked()], strings.TrimPrefix(summary.Names[0], "/"))
	}
	for candidate, names := range subnets {
		if len(names) > len(needing) || len(names) == len(needing) && candidate.String() < subnet.String() {
			subnet, needing = candidate, names
		}
	}
	slices.Sort(needing)
	return subnet, needing, nil
}

// explainSubnet says which networks have a subnet that containers need; nil if there are none. If it is the network itself, which
// somebody else has made meanwhile, the error is ErrConflict.
func (d *Docker) explainSubnet(ctx context.Context, name string, subnet netip.Prefix, needing []string) error {
	list, err := d.client.NetworkList(ctx, network.ListOptions{})
	if err != nil {
		return d.wrap(err, "listing networks")
	}
	var others []string
	for _, other := range list {
		found := fromNetwork(other)
		if !found.IPv4.IsValid() || !found.IPv4.Overlaps(subnet) {
			continue
		}
		if found.Name == name {
			return fmt.Errorf("%w: network %s was made meanwhile", ErrConflict, name)
		}
		others = append(others, found.Name)
	}
	if len(others) == 0 {
		return nil
	}
	taken := strings.Join(others, " ")
	return fmt.Errorf("%w: network %s was removed and has to be made again with subnet %s, where these containers have their addresses: %s. Network %s has it now. "+
		"Remove that with \"docker network rm %s\", or these containers with \"docker rm -f -v %s\" if nobody needs them",
		ErrSubnetTaken, name, subnet, strings.Join(needing, ", "), taken, taken, strings.Join(needing, " "))
}

// freeSubnet is an IPv4 subnet that no other network and no route of the host uses. The engine knows how to find one,
// but says it only of a network that exists.
func (d *Docker) freeSubnet(ctx context.Context, name string) (netip.Prefix, error) {
	d.removeProbes(ctx)
	probe := name + "-subnet-" + strings.ToLower(rand.Text()[:8])
	_, err := d.client.NetworkCreate(ctx, probe, network.CreateOptions{Driver: "bridge", Labels: map[string]string{probeLabel: ""}})
	if err != nil {
		return netip.Prefix{}, d.wrap(err, "asking for a free subnet for network %s", name)
	}
	found, err := d.inspectNetwork(ctx, probe)
	if removeErr := d.client.NetworkRemove(context.WithoutCancel(ctx), probe); removeErr != nil {
		return netip.Prefix{}, d.wrap(removeErr, "removing network %s", probe)
	}
	return found.IPv4, err
}

// removeProbes removes what freeSubnet left when its process was killed. It can only try: the next one does it again.
func (d *Docker) removeProbes(ctx context.Context) {
	_, _ = d.client.NetworksPrune(ctx, filters.NewArgs(filters.Arg("label", probeLabel), filters.Arg("until", "1m")))
}

// uniqueLocal is a unique local IPv6 subnet (RFC 4193) that depends on nothing but the name.
func uniqueLocal(name string) netip.Prefix {
	sum := sha256.Sum256([]byte(name))
	address := [16]byte{0xfd}
	copy(address[1:8], sum[:])
	return netip.PrefixFrom(netip.AddrFrom16(address), 64)
}
