// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package topology

import (
	"net"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
)

func network(pods, services string) clusterv1.ClusterNetwork {
	blocks := func(list string) clusterv1.NetworkRanges {
		return clusterv1.NetworkRanges{CIDRBlocks: strings.Fields(list)}
	}
	return clusterv1.ClusterNetwork{Pods: blocks(pods), Services: blocks(services)}
}

// needProblems compares problems with what is wanted of them, each a field and a
// part of the message.
func needProblems(t *testing.T, problems []Problem, want ...string) {
	t.Helper()
	if len(problems) != len(want) {
		t.Fatalf("problems are %+v, want %q", problems, want)
	}
	for i, problem := range problems {
		field, message, _ := strings.Cut(want[i], ": ")
		if problem.Field != field || !strings.Contains(problem.Message, message) {
			t.Errorf("problem %d is %+v, want %q", i, problem, want[i])
		}
	}
}

func TestValidateNetwork(t *testing.T) {
	for name, tc := range map[string]struct {
		pods, services string
		want           []string
	}{
		"nothing":              {},
		"fine":                 {pods: "10.10.0.0/16", services: "10.20.0.0/16"},
		"dual stack":           {pods: "10.10.0.0/16 fd01::/48", services: "10.20.0.0/16 fd02::/112"},
		"one in the other":     {"10.0.0.0/8", "10.20.0.0/16", []string{"spec.clusterNetwork.pods.cidrBlocks[0]: 10.20.0.0/16 have addresses in common"}},
		"the other way around": {"10.20.1.0/24", "10.20.0.0/16", []string{"spec.clusterNetwork.pods.cidrBlocks[0]: addresses in common"}},
		"second overlaps":      {"10.10.0.0/16 fd00::/48", "10.20.0.0/16 fd00::/112", []string{"spec.clusterNetwork.pods.cidrBlocks[1]: addresses in common"}},
		"families":             {"10.10.0.0/16", "fd00::/112", []string{"spec.clusterNetwork.pods.cidrBlocks[0]: pods have IPv4 addresses and services IPv6 addresses"}},
		"shared family":        {pods: "10.10.0.0/16 fd01::/48", services: "fd02::/112"},
		"not parsed":           {pods: "10.10.0.0", services: "10.10.0.0/16"},
	} {
		t.Run(name, func(t *testing.T) { needProblems(t, ValidateNetwork(network(tc.pods, tc.services)), tc.want...) })
	}
}

// templateOf returns the template of a kind, to be changed.
func (b Blueprint) templateOf(tb testing.TB, kind string) *unstructured.Unstructured {
	tb.Helper()
	i := slices.IndexFunc(b.Templates, func(template *unstructured.Unstructured) bool { return template.GetKind() == kind })
	if i < 0 {
		tb.Fatalf("there is no %s", kind)
	}
	return b.Templates[i]
}

// What is refused here is what kubeadm v1.34.3 refuses with the same networks.
func TestValidateKubeadmNetwork(t *testing.T) {
	const pods, services = "spec.clusterNetwork.pods.cidrBlocks", "spec.clusterNetwork.services.cidrBlocks"
	for name, tc := range map[string]struct {
		pods, services string
		args           map[string]string
		want           []string
	}{
		"nothing":               {},
		"fine":                  {pods: "10.10.0.0/16", services: "10.20.0.0/16"},
		"IPv6":                  {pods: "fd01::/48", services: "fd02::/108"},
		"dual stack":            {pods: "10.10.0.0/16 fd01::/48", services: "10.20.0.0/16 fd02::/112"},
		"three":                 {"10.1.0.0/16 fd01::/48 10.2.0.0/16", "10.20.0.0/16", nil, []string{pods + "[2]: one network"}},
		"both IPv4":             {"10.10.0.0/16", "10.20.0.0/16 10.30.0.0/16", nil, []string{services + "[1]: both networks are of the same IP family"}},
		"services too large":    {"192.168.0.0/16", "10.0.0.0/8", nil, []string{services + "[0]: kubeadm takes /12 and smaller"}},
		"IPv6 services large":   {"fd01::/48", "fd02::/64", nil, []string{services + "[0]: kubeadm takes /108 and smaller"}},
		"largest services":      {pods: "192.168.0.0/16", services: "10.0.0.0/12"},
		"services too small":    {"192.168.0.0/16", "10.0.0.0/29", nil, []string{services + "[0]: 8 addresses; kubeadm wants 10"}},
		"smallest services":     {pods: "192.168.0.0/16", services: "10.0.0.0/28"},
		"pods smaller than one": {"10.10.0.0/26", "10.20.0.0/16", nil, []string{pods + "[0]: each node gets a /24"}},
		"pods of one node":      {pods: "10.10.0.0/24", services: "10.20.0.0/16"},
		"pods too large":        {"10.0.0.0/7", "172.16.0.0/16", nil, []string{pods + "[0]: kubeadm takes /8 and smaller"}},
		"IPv6 pods too large":   {"fd00::/32", "fe00::/112", nil, []string{pods + "[0]: kubeadm takes /48 and smaller"}},
		"other node mask":       {pods: "10.10.0.0/26", services: "10.20.0.0/16", args: map[string]string{"node-cidr-mask-size-ipv4": "27"}},
		"mask of the other":     {"10.10.0.0/26", "10.20.0.0/16", map[string]string{"node-cidr-mask-size-ipv6": "27"}, []string{pods + "[0]: each node gets a /24"}},
		"mask is no number":     {"10.10.0.0/16", "10.20.0.0/16", map[string]string{"node-cidr-mask-size-ipv4": "x"}, []string{"spec.controlPlane: not a number"}},
		"not allocated":         {pods: "10.10.0.0/26", services: "10.20.0.0/16", args: map[string]string{"allocate-node-cidrs": "false"}},
		"pods too small":        {"10.10.0.0/29", "10.20.0.0/16", map[string]string{"allocate-node-cidrs": "false"}, []string{pods + "[0]: 8 addresses; kubeadm wants 14"}},
		"default services":      {"10.100.0.0/16", "", nil, []string{pods + "[0]: services are in 10.96.0.0/12, kubeadm's default"}},
		"default services IPv4": {"fd01::/48", "", nil, []string{pods + "[0]: pods have IPv6 addresses and services IPv4"}},
	} {
		t.Run(name, func(t *testing.T) {
			blueprint := quickStart(t)
			for flag, value := range tc.args {
				path := []string{"spec", "template", "spec", "kubeadmConfigSpec", "clusterConfiguration", "controllerManager", "extraArgs"}
				args := []any{map[string]any{"name": flag, "value": value}}
				if err := unstructured.SetNestedSlice(blueprint.templateOf(t, "KubeadmControlPlaneTemplate").Object, args, path...); err != nil {
					t.Fatal(err)
				}
			}
			cluster := quickStartCluster()
			cluster.Spec.ClusterNetwork = network(tc.pods, tc.services)
			rendered, problems := Render(t.Context(), blueprint, cluster, nil)
			if rendered == nil || len(problems) > 0 {
				t.Fatalf("not rendered: %v", problems)
			}
			needProblems(t, rendered.ValidateKubeadmNetwork(), tc.want...)
		})
	}
}

func TestNetworkChanges(t *testing.T) {
	declared := network("10.10.0.0/16", "10.20.0.0/16")
	changed := network("10.11.0.0/16", "10.20.0.0/16")
	changed.ServiceDomain, changed.APIServerPort = "example.com", 6444
	needChanges := func(before, after clusterv1.ClusterNetwork, want ...NetworkChange) {
		t.Helper()
		if got := NetworkChanges(before, after); !slices.Equal(got, want) {
			t.Errorf("changes are %+v, want %+v", got, want)
		}
	}
	needChanges(declared, declared)
	needChanges(declared, changed,
		NetworkChange{"spec.clusterNetwork.pods.cidrBlocks", "10.10.0.0/16", "10.11.0.0/16"},
		NetworkChange{"spec.clusterNetwork.serviceDomain", "cluster.local", "example.com"},
		NetworkChange{"spec.clusterNetwork.apiServerPort", "6443", "6444"})
	needChanges(declared, network("", "10.20.0.0/16"), NetworkChange{"spec.clusterNetwork.pods.cidrBlocks", "10.10.0.0/16", ""})
	// To declare a default changes nothing.
	defaults := network("", "10.96.0.0/12")
	defaults.ServiceDomain, defaults.APIServerPort = "cluster.local", 6443
	needChanges(network("", ""), defaults)
}

func TestDefaultPods(t *testing.T) {
	for services, want := range map[string]string{
		"":                          "10.244.0.0/16",
		"10.20.0.0/16":              "10.244.0.0/16",
		"fd02::/112":                "fd00:10:244::/56",
		"fd02::/112   10.20.0.0/16": "fd00:10:244::/56 10.244.0.0/16",
	} {
		pods := DefaultPods(strings.Fields(services))
		if got := strings.Join(pods, " "); got != want {
			t.Errorf("with services %q pods are %q, want %q", services, got, want)
		}
		cluster := quickStartCluster()
		cluster.Spec.ClusterNetwork = network(want, services)
		rendered, _ := Render(t.Context(), quickStart(t), cluster, nil)
		needProblems(t, append(ValidateNetwork(cluster.Spec.ClusterNetwork), rendered.ValidateKubeadmNetwork()...))
	}
}

func TestValidateNodeNetwork(t *testing.T) {
	declared := network("172.18.0.0/16 fd01::/48", "10.20.0.0/16")
	needProblems(t, ValidateNodeNetwork(declared, net.ParseIP("172.18.128.3")), "spec.clusterNetwork.pods.cidrBlocks[0]: which has the address 172.18.128.3")
	needProblems(t, ValidateNodeNetwork(declared, net.ParseIP("10.20.3.4")), "spec.clusterNetwork.services.cidrBlocks[0]: overlaps")
	needProblems(t, ValidateNodeNetwork(declared, net.ParseIP("172.19.0.1")))
}
