// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package topology

import (
	"cmp"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"

	netutils "k8s.io/utils/net"
	bootstrapv1 "sigs.k8s.io/cluster-api/api/bootstrap/kubeadm/v1beta2"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
)

const (
	podsField     = "spec.clusterNetwork.pods.cidrBlocks"
	servicesField = "spec.clusterNetwork.services.cidrBlocks"
)

// kubeadm's limits, as of Kubernetes v1.34.3 (cmd/kubeadm/app/constants).
const (
	minServiceAddresses = 10
	minPodAddresses     = 14
	maxServiceBits      = 20
	maxNodeBits         = 16
	// kubeadmServices are the services of a cluster that declares none.
	kubeadmServices = "10.96.0.0/12"
)

// The pod networks that kind gives to clusters, as of kind v0.33.0.
const (
	kindPodsIPv4 = "10.244.0.0/16"
	kindPodsIPv6 = "fd00:10:244::/56"
)

// DefaultPods returns the pod networks that kind gives to a cluster with these
// service networks: of the same IP families, IPv4 if there are none.
func DefaultPods(services []string) []string {
	var pods []string
	for _, r := range parseRanges(servicesField, services) {
		if netutils.IsIPv6CIDR(r.network) {
			pods = append(pods, kindPodsIPv6)
		} else {
			pods = append(pods, kindPodsIPv4)
		}
	}
	if len(pods) == 0 {
		return []string{kindPodsIPv4}
	}
	return pods
}

// NetworkChange is a change of a cluster's network.
type NetworkChange struct {
	// Field is the path in the Cluster.
	Field string
	// From and To are the values in words; empty if there is none.
	From, To string
}

// NetworkChanges compares two networks. What is not declared is the default of
// kubeadm and of Cluster API.
func NetworkChanges(before, after clusterv1.ClusterNetwork) []NetworkChange {
	var changes []NetworkChange
	add := func(field, from, to, fallback string) {
		if cmp.Or(from, fallback) != cmp.Or(to, fallback) {
			changes = append(changes, NetworkChange{Field: field, From: cmp.Or(from, fallback), To: cmp.Or(to, fallback)})
		}
	}
	add(podsField, strings.Join(before.Pods.CIDRBlocks, ", "), strings.Join(after.Pods.CIDRBlocks, ", "), "")
	add(servicesField, strings.Join(before.Services.CIDRBlocks, ", "), strings.Join(after.Services.CIDRBlocks, ", "), kubeadmServices)
	add("spec.clusterNetwork.serviceDomain", before.ServiceDomain, after.ServiceDomain, "cluster.local")
	add("spec.clusterNetwork.apiServerPort", port(before), port(after), "6443")
	return changes
}

func port(network clusterv1.ClusterNetwork) string {
	if network.APIServerPort == 0 {
		return ""
	}
	return strconv.Itoa(int(network.APIServerPort))
}

// networkRange is a range of addresses and the field that declares it.
type networkRange struct {
	field   string
	network *net.IPNet
}

// parseRanges leaves out what is no range: the admission code says so.
func parseRanges(field string, blocks []string) []networkRange {
	var ranges []networkRange
	for i, block := range blocks {
		if _, network, err := netutils.ParseCIDRSloppy(block); err == nil {
			ranges = append(ranges, networkRange{field: fmt.Sprintf("%s[%d]", field, i), network: network})
		}
	}
	return ranges
}

// ValidateNetwork returns why no cluster works with the network, whatever its
// control plane: pods and services that have addresses in common, or no IP family.
func ValidateNetwork(network clusterv1.ClusterNetwork) []Problem {
	return validateRanges(parseRanges(podsField, network.Pods.CIDRBlocks), parseRanges(servicesField, network.Services.CIDRBlocks))
}

func validateRanges(pods, services []networkRange) []Problem {
	var problems []Problem
	for _, p := range pods {
		for _, s := range services {
			if overlap(p.network, s.network) {
				problems = append(problems, Problem{Field: p.field, Message: fmt.Sprintf(
					"the pods' network %s and the services' network %s have addresses in common; they must not overlap", p.network, s.network)})
			}
		}
	}
	if len(pods) > 0 && len(services) > 0 && !shareFamily(pods, services) {
		problems = append(problems, Problem{Field: pods[0].field, Message: fmt.Sprintf(
			"pods have IPv%s addresses and services IPv%s addresses; a service reaches only pods of its own IP family",
			netutils.IPFamilyOfCIDR(pods[0].network), netutils.IPFamilyOfCIDR(services[0].network))})
	}
	return problems
}

// ValidateNodeNetwork returns which networks of a cluster contain an address of the
// network that its nodes are on: they would take it for a pod's or a service's.
func ValidateNodeNetwork(network clusterv1.ClusterNetwork, address net.IP) []Problem {
	var problems []Problem
	ranges := append(parseRanges(podsField, network.Pods.CIDRBlocks), parseRanges(servicesField, network.Services.CIDRBlocks)...)
	for _, r := range ranges {
		if r.network.Contains(address) {
			problems = append(problems, Problem{Field: r.field, Message: fmt.Sprintf(
				"%s overlaps the network that the nodes are on, which has the address %s", r.network, address)})
		}
	}
	return problems
}

func overlap(a, b *net.IPNet) bool { return a.Contains(b.IP) || b.Contains(a.IP) }

func shareFamily(a, b []networkRange) bool {
	return slices.ContainsFunc(a, func(x networkRange) bool {
		return slices.ContainsFunc(b, func(y networkRange) bool {
			return netutils.IsIPv6CIDR(x.network) == netutils.IsIPv6CIDR(y.network)
		})
	})
}

// ValidateKubeadmNetwork returns what kubeadm init would refuse about the network
// of the cluster, if its control plane is a KubeadmControlPlane. The rules are
// those of ValidateNetworking in Kubernetes v1.34.3
// (cmd/kubeadm/app/apis/kubeadm/validation).
func (r *Rendering) ValidateKubeadmNetwork() []Problem {
	controlPlane, ok := kubeadmControlPlane(r.state.ControlPlane.Object)
	if !ok {
		return nil
	}
	network := r.Cluster.Spec.ClusterNetwork
	pods, services := parseRanges(podsField, network.Pods.CIDRBlocks), parseRanges(servicesField, network.Services.CIDRBlocks)
	problems := append(familyProblems(pods), familyProblems(services)...)
	for _, s := range services {
		problems = append(problems, tooSmall(s, minServiceAddresses)...)
		if ones, bits := s.network.Mask.Size(); bits-ones > maxServiceBits {
			problems = append(problems, Problem{Field: s.field, Message: fmt.Sprintf(
				"%s is too large for services: kubeadm takes /%d and smaller", s.network, bits-maxServiceBits)})
		}
	}
	args := controlPlane.Spec.KubeadmConfigSpec.ClusterConfiguration.ControllerManager.ExtraArgs
	for _, p := range pods {
		problems = append(problems, tooSmall(p, minPodAddresses)...)
		if argument(args, "allocate-node-cidrs") != "false" {
			problems = append(problems, nodeMaskProblems(p, args)...)
		}
	}
	if len(services) == 0 && len(pods) > 0 {
		// ValidateNetwork has compared what is declared.
		for _, problem := range validateRanges(pods, parseRanges(servicesField, []string{kubeadmServices})) {
			problem.Message += fmt.Sprintf("; services are in %s, kubeadm's default, because none are declared", kubeadmServices)
			problems = append(problems, problem)
		}
	}
	return problems
}

func familyProblems(ranges []networkRange) []Problem {
	switch {
	case len(ranges) > 2:
		return []Problem{{Field: ranges[2].field, Message: "kubeadm takes one network, or for dual stack one of IPv4 and one of IPv6"}}
	case len(ranges) == 2 && netutils.IsIPv6CIDR(ranges[0].network) == netutils.IsIPv6CIDR(ranges[1].network):
		return []Problem{{Field: ranges[1].field, Message: "both networks are of the same IP family; for dual stack kubeadm takes one of IPv4 and one of IPv6"}}
	}
	return nil
}

func tooSmall(r networkRange, least int64) []Problem {
	if size := netutils.RangeSize(r.network); size < least {
		return []Problem{{Field: r.field, Message: fmt.Sprintf("%s has %d addresses; kubeadm wants %d at least", r.network, size, least)}}
	}
	return nil
}

// nodeMaskProblems compares a pod network with the networks that are cut out of it
// for the nodes.
func nodeMaskProblems(pods networkRange, args []bootstrapv1.Arg) []Problem {
	name, nodeMask := "node-cidr-mask-size-ipv4", 24
	if netutils.IsIPv6CIDR(pods.network) {
		name, nodeMask = "node-cidr-mask-size-ipv6", 64
	}
	if value := argument(args, name); value != "" {
		var err error
		if nodeMask, err = strconv.Atoi(value); err != nil {
			return []Problem{{Class: true, Field: "spec.controlPlane", Message: fmt.Sprintf(
				"the controller manager's argument %s is %q, which is not a number", name, value)}}
		}
	}
	size, _ := pods.network.Mask.Size()
	switch {
	case size > nodeMask:
		return []Problem{{Field: pods.field, Message: fmt.Sprintf(
			"%s is too small for pods: each node gets a /%d of it (the controller manager's %s)", pods.network, nodeMask, name)}}
	case nodeMask-size > maxNodeBits:
		return []Problem{{Field: pods.field, Message: fmt.Sprintf(
			"%s is too large for pods: each node gets a /%d of it (the controller manager's %s), and kubeadm takes /%d and smaller",
			pods.network, nodeMask, name, nodeMask-maxNodeBits)}}
	}
	return nil
}

func argument(args []bootstrapv1.Arg, name string) string {
	for _, arg := range args {
		if arg.Name == name && arg.Value != nil {
			return *arg.Value
		}
	}
	return ""
}
