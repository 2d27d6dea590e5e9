// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package identity

import (
	"strings"
	"testing"

	. "github.com/onsi/gomega"

	infrav1 "github.com/terraform-capi/terraform-provider-capi/controllers/docker/api/v1beta2"
	"github.com/terraform-capi/terraform-provider-capi/internal/container"
)

func TestOwns(t *testing.T) {
	owner := Owner{Namespace: "ns", Cluster: "c", ClusterUID: "1", ObjectUID: "2", Machine: "m", Role: RoleWorker}
	for name, test := range map[string]struct {
		change      func(*Owner)
		established bool
		want        bool
	}{
		"the same":                             {change: func(*Owner) {}, want: true},
		"another namespace":                    {change: func(o *Owner) { o.Namespace = "x" }, established: true},
		"another cluster":                      {change: func(o *Owner) { o.Cluster = "x" }, established: true},
		"another machine":                      {change: func(o *Owner) { o.Machine = "x" }, established: true},
		"a load balancer":                      {change: func(o *Owner) { o.Role = RoleLoadBalancer }, established: true},
		"left behind by an object of the name": {change: func(o *Owner) { o.ObjectUID = "x" }},
		"of a moved object":                    {change: func(o *Owner) { o.ObjectUID, o.ClusterUID = "x", "y" }, established: true, want: true},
	} {
		t.Run(name, func(t *testing.T) {
			other := owner
			test.change(&other)
			NewWithT(t).Expect(owner.Owns(container.Container{Labels: other.Labels()}, test.established)).To(Equal(test.want))
		})
	}
	NewWithT(t).Expect(owner.Owns(container.Container{}, true)).To(BeFalse())
}

func TestNames(t *testing.T) {
	g := NewWithT(t)
	g.Expect(MachineContainer("test", "test-abc")).To(Equal("test-abc"))
	g.Expect(MachineContainer("test", "abc")).To(Equal("test-abc"))

	cluster := &infrav1.DockerCluster{}
	cluster.UID = "1"
	first := LoadBalancerContainer("test", cluster)
	g.Expect(first).To(MatchRegexp("^test-lb-[0-9a-f]{5}$"))
	cluster.UID = "2"
	g.Expect(LoadBalancerContainer("test", cluster)).NotTo(Equal(first), "clusters of the same name live side by side")
	g.Expect(LoadBalancerContainer(strings.Repeat("a", 80), cluster)).To(HaveLen(63))
	cluster.Spec.ControlPlaneEndpoint.Host = "mine"
	g.Expect(LoadBalancerContainer("test", cluster)).To(Equal("mine"))
	cluster.Spec.ControlPlaneEndpoint.Host = "::1"
	g.Expect(LoadBalancerContainer("test", cluster)).To(HavePrefix("test-lb-"))
}
