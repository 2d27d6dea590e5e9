// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"maps"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestConfiguration(t *testing.T) {
	got, err := configuration([]string{"10.244.1.0/24", "fd00:10:244:1::/64"})
	if err != nil {
		t.Fatal(err)
	}
	var list struct {
		Plugins []struct {
			Type string
			IPAM struct {
				Ranges [][]struct{ Subnet string }
				Routes []struct{ Dst string }
			}
		}
	}
	if err := json.Unmarshal(got, &list); err != nil {
		t.Fatal(err)
	}
	if len(list.Plugins) != 2 || list.Plugins[0].Type != "ptp" || list.Plugins[1].Type != "portmap" {
		t.Fatalf("plugins: %+v", list.Plugins)
	}
	ipam := list.Plugins[0].IPAM
	if len(ipam.Ranges) != 2 || ipam.Ranges[1][0].Subnet != "fd00:10:244:1::/64" {
		t.Errorf("ranges: %+v", ipam.Ranges)
	}
	if len(ipam.Routes) != 2 || ipam.Routes[0].Dst != "0.0.0.0/0" || ipam.Routes[1].Dst != "::/0" {
		t.Errorf("routes: %+v", ipam.Routes)
	}
	if _, err := configuration([]string{"10.244.1.0"}); err == nil {
		t.Error("an address was taken for a CIDR")
	}
}

func TestWriteConfigurationLeavesWhatIsRight(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "10-kindnet.conflist")
	write := func(cidr string) os.FileInfo {
		t.Helper()
		if err := writeConfiguration(dir, []string{cidr}); err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(file)
		if err != nil {
			t.Fatal(err)
		}
		return info
	}
	first, second, third := write("10.244.0.0/24"), write("10.244.0.0/24"), write("10.244.9.0/24")
	if !os.SameFile(first, second) {
		t.Error("the file was written again without a change")
	}
	if os.SameFile(second, third) {
		t.Error("the file was changed in place: containerd could read half of it")
	}
}

func testNode(name string, podCIDRs []string, ips ...string) *corev1.Node {
	node := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: corev1.NodeSpec{PodCIDRs: podCIDRs}}
	node.Status.Addresses = []corev1.NodeAddress{{Type: corev1.NodeHostName, Address: name}}
	for _, ip := range ips {
		node.Status.Addresses = append(node.Status.Addresses, corev1.NodeAddress{Type: corev1.NodeInternalIP, Address: ip})
	}
	return node
}

func TestRoutesTo(t *testing.T) {
	got := routesTo("self", []*corev1.Node{
		testNode("self", []string{"10.244.0.0/24"}, "172.18.0.2"),
		testNode("dual-stack", []string{"10.244.1.0/24", "fd00:1::/64"}, "172.18.0.3", "fc00::3"),
		testNode("without-address", []string{"10.244.2.0/24"}),
		testNode("without-cidr", nil, "172.18.0.5"),
		testNode("other-family", []string{"10.244.6.0/24"}, "fc00::6"),
	})
	want := map[netip.Prefix]netip.Addr{
		netip.MustParsePrefix("10.244.1.0/24"): netip.MustParseAddr("172.18.0.3"),
		netip.MustParsePrefix("fd00:1::/64"):   netip.MustParseAddr("fc00::3"),
	}
	if !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// The kernel tells IPv4 in four bytes or in sixteen: both must compare equal to what was parsed.
func TestKernelAddressesCompare(t *testing.T) {
	want := netip.MustParsePrefix("10.244.1.0/24")
	for _, ip := range []net.IP{net.IPv4(10, 244, 1, 0), net.IPv4(10, 244, 1, 0).To4()} {
		if got := prefixOf(&net.IPNet{IP: ip, Mask: net.CIDRMask(24, 32)}); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	if got := prefixOf(nil); got.IsValid() {
		t.Errorf("no destination became %s", got)
	}
}

func TestMasqueradeRule(t *testing.T) {
	rule := masqueradeRule("10.244.0.0/16")
	if !slices.Contains(rule, "MASQUERADE") || !strings.Contains(strings.Join(rule, " "), "--source 10.244.0.0/16 ! --destination 10.244.0.0/16") {
		t.Errorf("got %q", rule)
	}
	if err := masquerade(t.Context(), "nonsense"); err == nil || !strings.Contains(err.Error(), "POD_SUBNET") {
		t.Errorf("got error %v", err)
	}
}
