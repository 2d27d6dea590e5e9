// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package topology

import (
	"testing"

	. "github.com/onsi/gomega"
	"k8s.io/utils/ptr"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
)

func TestNewUpgrade(t *testing.T) {
	for name, tc := range map[string]struct {
		offered []string
		to      string
		change  func(*clusterv1.Cluster)
		want    *Upgrade
	}{
		"none":                   {to: "v1.34.3"},
		"more than is possible":  {to: "v1.36.0"},
		"one that is impossible": {to: "v1.33.0"},
		"one minor": {to: "v1.35.0", want: &Upgrade{
			Versions: []string{"v1.35.0"},
			Steps: []string{
				"control plane (3 machines): v1.34.3 -> v1.35.0",
				`machine deployment md-0 (2 machines): v1.34.3 -> v1.35.0`,
				`machine deployment md-1 (1 machine): v1.34.3 -> v1.35.0`,
				`machine pool mp-0 (1 machine): v1.34.3 -> v1.35.0`,
			},
			MachinesReplaced: ptr.To(7),
		}},
		"workers skip versions": {
			offered: []string{"v1.34.3", "v1.34.9", "v1.35.0", "v1.35.7", "v1.36.1"}, to: "v1.36.1", want: &Upgrade{
				Versions: []string{"v1.35.7", "v1.36.1"},
				Steps: []string{
					"control plane (3 machines): v1.34.3 -> v1.35.7",
					"control plane (3 machines): v1.35.7 -> v1.36.1",
					`machine deployment md-0 (2 machines): v1.34.3 -> v1.36.1`,
					`machine deployment md-1 (1 machine): v1.34.3 -> v1.36.1`,
					`machine pool mp-0 (1 machine): v1.34.3 -> v1.36.1`,
				},
				MachinesReplaced: ptr.To(10),
			}},
		"workers keep within three minors": {
			offered: []string{"v1.34.3", "v1.35.0", "v1.36.0", "v1.37.0", "v1.38.0"}, to: "v1.38.0",
			change: func(c *clusterv1.Cluster) {
				c.Spec.Topology.Workers.MachinePools = nil
				c.Spec.Topology.Workers.MachineDeployments = c.Spec.Topology.Workers.MachineDeployments[:1]
			},
			want: &Upgrade{
				Versions: []string{"v1.35.0", "v1.36.0", "v1.37.0", "v1.38.0"},
				Steps: []string{
					"control plane (3 machines): v1.34.3 -> v1.35.0",
					"control plane (3 machines): v1.35.0 -> v1.36.0",
					"control plane (3 machines): v1.36.0 -> v1.37.0",
					`machine deployment md-0 (2 machines): v1.34.3 -> v1.37.0`,
					"control plane (3 machines): v1.37.0 -> v1.38.0",
					`machine deployment md-0 (2 machines): v1.37.0 -> v1.38.0`,
				},
				MachinesReplaced: ptr.To(16),
			}},
		"deferred, and autoscaled": {to: "v1.35.0", change: func(c *clusterv1.Cluster) {
			workers := &c.Spec.Topology.Workers
			workers.MachineDeployments[0].Metadata.Annotations = map[string]string{clusterv1.ClusterTopologyDeferUpgradeAnnotation: ""}
			workers.MachineDeployments[1].Replicas = nil
			workers.MachinePools[0].Metadata.Annotations = map[string]string{clusterv1.ClusterTopologyHoldUpgradeSequenceAnnotation: ""}
		}, want: &Upgrade{
			Versions: []string{"v1.35.0"},
			Steps: []string{
				"control plane (3 machines): v1.34.3 -> v1.35.0",
				`machine deployment md-1: v1.34.3 -> v1.35.0`,
			},
			Untouched: []string{`machine deployment md-0`, `machine pool mp-0`},
		}},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			class := testClass()
			class.Spec.KubernetesVersions = tc.offered
			before, after := quickStartCluster(), quickStartCluster()
			if tc.change != nil {
				tc.change(before)
				tc.change(after)
			}
			after.Spec.Topology.Version = tc.to
			upgrade, problems := NewUpgrade(before, after, class, nil)
			g.Expect(problems).To(BeEmpty())
			if tc.want != nil {
				tc.want.From, tc.want.To = "v1.34.3", tc.to
			}
			g.Expect(upgrade).To(Equal(tc.want))
		})
	}
}

func TestNewUpgradeOfNewAndRemovedSets(t *testing.T) {
	g := NewWithT(t)
	before, after := compared(t, func(_ Blueprint, c *clusterv1.Cluster) {
		c.Spec.Topology.Version = "v1.35.0"
		c.Spec.Topology.Workers.MachinePools = nil
		c.Spec.Topology.Workers.MachineDeployments[1].Name = "md-2"
	})
	upgrade, problems := NewUpgrade(before.Cluster, after.Cluster, testClass(), rollsOf(t, before, after))
	g.Expect(problems).To(BeEmpty())
	g.Expect(upgrade.Steps).To(Equal([]string{
		"control plane (3 machines): v1.34.3 -> v1.35.0", `machine deployment md-0 (2 machines): v1.34.3 -> v1.35.0`}))
	g.Expect(upgrade.Surge).To(Equal(`control plane: up to 1 more; machine deployment md-0: up to 1 more`))
}
