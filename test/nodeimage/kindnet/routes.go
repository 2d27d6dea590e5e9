// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"log"
	"net"
	"net/netip"

	"github.com/vishvananda/netlink"
	corev1 "k8s.io/api/core/v1"
)

// routeProtocol marks our routes in the kernel's table, so that those of nodes that left are found even after a restart.
const routeProtocol = netlink.RouteProtocol(72)

// routesTo maps the other nodes' pod CIDRs to the address of their node.
func routesTo(self string, nodes []*corev1.Node) map[netip.Prefix]netip.Addr {
	routes := map[netip.Prefix]netip.Addr{}
	for _, node := range nodes {
		if node.Name == self {
			continue
		}
		for _, cidr := range node.Spec.PodCIDRs {
			prefix, err := netip.ParsePrefix(cidr)
			if err != nil {
				continue
			}
			if via, ok := internalIP(node, prefix.Addr().Is6()); ok {
				routes[prefix] = via
			}
		}
	}
	return routes
}

func internalIP(node *corev1.Node, v6 bool) (netip.Addr, bool) {
	for _, address := range node.Status.Addresses {
		ip, err := netip.ParseAddr(address.Address)
		if address.Type == corev1.NodeInternalIP && err == nil && ip.Is6() == v6 {
			return ip, true
		}
	}
	return netip.Addr{}, false
}

// syncRoutes makes the kernel's routes that are ours the wanted ones.
func syncRoutes(wanted map[netip.Prefix]netip.Addr) error {
	present, err := netlink.RouteListFiltered(netlink.FAMILY_ALL, &netlink.Route{Protocol: routeProtocol}, netlink.RT_FILTER_PROTOCOL)
	if err != nil {
		return fmt.Errorf("list routes: %w", err)
	}
	var errs []error
	kept := map[netip.Prefix]bool{}
	for _, route := range present {
		destination, via := prefixOf(route.Dst), addressOf(route.Gw)
		if wanted[destination] == via {
			kept[destination] = true
			continue
		}
		log.Printf("Removing route to %s via %s", destination, via)
		if err := netlink.RouteDel(&route); err != nil {
			errs = append(errs, fmt.Errorf("remove route to %s: %w", destination, err))
		}
	}
	for destination, via := range wanted {
		if kept[destination] {
			continue
		}
		log.Printf("Adding route to %s via %s", destination, via)
		route := &netlink.Route{
			Dst:      &net.IPNet{IP: destination.Addr().AsSlice(), Mask: net.CIDRMask(destination.Bits(), destination.Addr().BitLen())},
			Gw:       via.AsSlice(),
			Protocol: routeProtocol,
		}
		if err := netlink.RouteReplace(route); err != nil {
			errs = append(errs, fmt.Errorf("add route to %s via %s: %w", destination, via, err))
		}
	}
	return errors.Join(errs...)
}

func prefixOf(n *net.IPNet) netip.Prefix {
	if n == nil {
		return netip.Prefix{}
	}
	bits, _ := n.Mask.Size()
	return netip.PrefixFrom(addressOf(n.IP), bits)
}

func addressOf(ip net.IP) netip.Addr {
	address, _ := netip.AddrFromSlice(ip)
	return address.Unmap()
}
