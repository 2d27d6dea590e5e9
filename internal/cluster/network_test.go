// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
)

// withNetwork is a model that declares a network, a network plugin and nothing else.
func withNetwork(t *testing.T, plugin string, network map[string]any) model {
	t.Helper()
	m := *empty()
	obj := &unstructured.Unstructured{Object: map[string]any{"spec": map[string]any{"clusterNetwork": network, "topology": map[string]any{"version": "v1.35.0"}}}}
	if err := m.FromAPI(applied(t, obj)); err != nil {
		t.Fatal(err)
	}
	if network == nil {
		m.ClusterNetwork = empty().ClusterNetwork
	}
	m.CNI = cni{name: plugin}.value()
	return m
}

func ranges(blocks ...any) map[string]any { return map[string]any{"cidrBlocks": blocks} }

// kindnet needs pod networks, and gets kind's where none are declared.
func TestDefaultPods(t *testing.T) {
	for name, tc := range map[string]struct {
		plugin  string
		network map[string]any
		want    []string
	}{
		"kindnet":            {cniKindnet, nil, []string{"10.244.0.0/16"}},
		"IPv6":               {cniKindnet, map[string]any{"services": ranges("fd00::/112")}, []string{"fd00:10:244::/56"}},
		"dual stack":         {cniKindnet, map[string]any{"services": ranges("10.20.0.0/16", "fd00::/112")}, []string{"10.244.0.0/16", "fd00:10:244::/56"}},
		"declared":           {cniKindnet, map[string]any{"pods": ranges("10.10.0.0/16")}, []string{"10.10.0.0/16"}},
		"no network plugin":  {"", nil, nil},
		"no plugin, a range": {"", map[string]any{"pods": ranges("10.10.0.0/16")}, []string{"10.10.0.0/16"}},
	} {
		t.Run(name, func(t *testing.T) {
			m := withNetwork(t, tc.plugin, tc.network)
			network, err := m.network()
			if err != nil || !slices.Equal(network.Pods.CIDRBlocks, tc.want) {
				t.Errorf("pods are %q, want %q: %v", network.Pods.CIDRBlocks, tc.want, err)
			}
			obj, err := m.ToAPI()
			if err != nil {
				t.Fatal(err)
			}
			if pods, _, _ := unstructured.NestedStringSlice(obj.Object, podBlocks...); !slices.Equal(pods, tc.want) {
				t.Errorf("the Cluster declares the pods %q, want %q", pods, tc.want)
			}
			// Reading back what was applied is no difference, nor is importing it.
			for what, read := range map[string]model{"read": m, "imported": *empty()} {
				if err := read.FromAPI(applied(t, obj.DeepCopy())); err != nil {
					t.Fatal(err)
				}
				if !read.ClusterNetwork.Equal(m.ClusterNetwork) {
					t.Errorf("%s: cluster_network is %s, was %s", what, read.ClusterNetwork, m.ClusterNetwork)
				}
			}
		})
	}
	foreign := &unstructured.Unstructured{Object: map[string]any{"spec": map[string]any{
		"clusterNetwork": map[string]any{"pods": ranges("10.244.0.0/16")}, "topology": map[string]any{"version": "v1.35.0"},
	}}}
	m := empty()
	if err := m.FromAPI(foreign); err != nil || m.ClusterNetwork.IsNull() {
		t.Errorf("without kindnet pods are not imported: %v", err)
	}
}

// The network of a cluster may change until its control plane is initialised.
func TestNetworkChange(t *testing.T) {
	pods := func(block string) map[string]any { return map[string]any{"pods": ranges(block)} }
	initialized := types.MapValueMust(types.StringType, map[string]attr.Value{"ControlPlaneInitialized": types.StringValue("True")})
	started := types.MapValueMust(types.StringType, map[string]attr.Value{"ControlPlaneInitialized": types.StringValue("False")})
	recorded := func(block string) record {
		return record{Network: &clusterv1.ClusterNetwork{Pods: clusterv1.NetworkRanges{CIDRBlocks: []string{block}}}}
	}
	a, b, kindnet := withNetwork(t, "", pods("10.10.0.0/16")), withNetwork(t, "", pods("10.11.0.0/16")), withNetwork(t, cniKindnet, nil)
	none := withNetwork(t, "", nil)
	explicit := withNetwork(t, cniKindnet, pods("10.244.0.0/16"))
	ported := withNetwork(t, "", map[string]any{"pods": ranges("10.10.0.0/16"), "apiServerPort": int64(6444), "serviceDomain": "a.example"})
	for name, tc := range map[string]struct {
		before, after model
		conditions    types.Map
		known         record
		want          []string
	}{
		"same":                      {before: a, after: a, conditions: initialized},
		"not initialised":           {before: a, after: b, conditions: started},
		"nothing known":             {before: a, after: b},
		"initialised":               {before: a, after: b, conditions: initialized, want: []string{"cluster_network.pods"}},
		"recorded":                  {before: a, after: b, known: recorded("10.10.0.0/16"), want: []string{"cluster_network.pods"}},
		"added":                     {before: none, after: a, conditions: initialized, want: []string{"cluster_network.pods"}},
		"removed":                   {before: a, after: none, conditions: initialized, want: []string{"cluster_network.pods"}},
		"all":                       {before: a, after: ported, conditions: initialized, want: []string{"cluster_network.service_domain", "cluster_network.api_server_port"}},
		"back to what it runs with": {before: b, after: a, conditions: initialized, known: recorded("10.10.0.0/16")},
		"default spelt out":         {before: kindnet, after: explicit, conditions: initialized},
		"default left out":          {before: explicit, after: kindnet, conditions: initialized},
		"plugin gone":               {before: kindnet, after: none, conditions: initialized, want: []string{"cluster_network.pods"}},
		"plugin of a cluster without pods": {before: none, after: kindnet, conditions: initialized,
			want: []string{"cluster_network.pods"}},
	} {
		t.Run(name, func(t *testing.T) {
			tc.before.Conditions = tc.conditions
			p := &planning{plan: tc.after, state: &tc.before}
			diags := p.withWayOut(p.checkNetwork(t.Context(), tc.known))
			var got []string
			for _, d := range diags {
				bound, _ := d.(diag.DiagnosticWithPath)
				got = append(got, bound.Path().String())
				if !strings.Contains(d.Detail(), "terraform destroy -refresh=false -target=") {
					t.Errorf("no way out in %q", d.Detail())
				}
			}
			if !slices.Equal(got, tc.want) {
				t.Errorf("errors are %q, want %q: %s", got, tc.want, diags)
			}
		})
	}
	p := &planning{plan: none, state: &kindnet}
	if diags := p.checkNetwork(t.Context(), recorded("10.244.0.0/16")); !strings.Contains(diags[0].Detail(), `declare cluster_network = { pods = ["10.244.0.0/16"] }`) {
		t.Errorf("the default is not named: %s", diags)
	}
}
