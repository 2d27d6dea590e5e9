// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"net/netip"
	"os/exec"
	"strings"
)

// masquerade gives what pods send out of the pod network the node's address: outside, nobody knows a way back to a pod.
// podSubnet is one CIDR, or one of each IP family separated by a comma.
func masquerade(ctx context.Context, podSubnet string) error {
	for _, subnet := range strings.Split(podSubnet, ",") {
		prefix, err := netip.ParsePrefix(subnet)
		if err != nil {
			return fmt.Errorf("the variable POD_SUBNET must be the cluster's pod CIDRs: %w", err)
		}
		program := "iptables"
		if prefix.Addr().Is6() {
			program = "ip6tables"
		}
		rule := masqueradeRule(subnet)
		if iptables(ctx, program, append([]string{"--check"}, rule...)...) == nil {
			continue
		}
		if err := iptables(ctx, program, append([]string{"--append"}, rule...)...); err != nil {
			return err
		}
	}
	return nil
}

func masqueradeRule(subnet string) []string {
	return []string{
		"POSTROUTING", "--source", subnet, "!", "--destination", subnet,
		"--match", "addrtype", "!", "--dst-type", "LOCAL",
		"--match", "comment", "--comment", "pods reach the outside as their node",
		"--jump", "MASQUERADE",
	}
}

// iptables waits for others that change rules, kube-proxy and the CNI plugins.
func iptables(ctx context.Context, program string, args ...string) error {
	cmd := exec.CommandContext(ctx, program, append([]string{"--wait", "10", "--table", "nat"}, args...)...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", strings.Join(cmd.Args, " "), err, strings.TrimSpace(string(out)))
	}
	return nil
}
