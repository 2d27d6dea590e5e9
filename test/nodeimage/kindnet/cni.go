// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log"
	"net/netip"
	"os"
	"path/filepath"
)

type m = map[string]any

// configuration is the CNI configuration of a node that owns these pod CIDRs: each pod has a link of its own to the
// node, which routes.
func configuration(podCIDRs []string) ([]byte, error) {
	var ranges, routes []any
	for _, cidr := range podCIDRs {
		prefix, err := netip.ParsePrefix(cidr)
		if err != nil {
			return nil, fmt.Errorf("pod CIDR %q: %w", cidr, err)
		}
		everything := "0.0.0.0/0"
		if prefix.Addr().Is6() {
			everything = "::/0"
		}
		ranges = append(ranges, []any{m{"subnet": cidr}})
		routes = append(routes, m{"dst": everything})
	}
	return json.MarshalIndent(m{
		"cniVersion": "0.3.1",
		"name":       "kindnet",
		"plugins": []any{
			m{
				"type":   "ptp",
				"ipMasq": false,
				"ipam": m{
					"type": "host-local",
					// Leases are of no use after a boot, when no pod has its address any more.
					"dataDir": "/run/cni-ipam-state",
					"ranges":  ranges,
					"routes":  routes,
				},
			},
			m{"type": "portmap", "capabilities": m{"portMappings": true}},
		},
	}, "", "  ")
}

// writeConfiguration replaces the configuration in one step: containerd watches the folder and must never read half.
func writeConfiguration(dir string, podCIDRs []string) error {
	wanted, err := configuration(podCIDRs)
	if err != nil {
		return err
	}
	name := filepath.Join(dir, "10-kindnet.conflist")
	if present, err := os.ReadFile(name); err == nil && bytes.Equal(present, wanted) {
		return nil
	}
	// containerd only reads files with the endings of CNI configurations.
	if err := os.WriteFile(name+".new", wanted, 0o644); err != nil {
		return err
	}
	if err := os.Rename(name+".new", name); err != nil {
		return err
	}
	log.Printf("Wrote %s for pod CIDRs %v", name, podCIDRs)
	return nil
}
