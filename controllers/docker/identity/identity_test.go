// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package identity

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	"github.com/terraform-capi/terraform-provider-capi/internal/container"
)

func TestOwns(t *testing.T) {
	now := time.Now()
	owner := Owner{Namespace: "ns", Cluster: "c", ClusterUID: "1", ObjectUID: "2", Created: now, Machine: "m", Role: RoleWorker}
	for name, test := range map[string]struct {
		change      func(*Owner)
		established bool
		created     time.Duration
		want        bool
	}{
		"the same":                             {change: func(*Owner) {}, want: true},
		"another namespace":                    {change: func(o *Owner) { o.Namespace = "x" }, established: true},
		"another cluster":                      {change: func(o *Owner) { o.Cluster = "x" }, established: true},
		"another machine":                      {change: func(o *Owner) { o.Machine = "x" }, established: true},
		"a load balancer":                      {change: func(o *Owner) { o.Role = RoleLoadBalancer }, established: true},
		"left behind by an object of the name": {change: func(o *Owner) { o.ObjectUID = "x" }},
		"of a moved object": {
			change: func(o *Owner) { o.ObjectUID, o.ClusterUID = "x", "y" }, established: true, created: -time.Minute, want: true,
		},
		"made later, for an object of the same names elsewhere": {
			change: func(o *Owner) { o.ObjectUID, o.Management.UID = "x", "y" }, established: true, created: time.Minute,
		},
	} {
		t.Run(name, func(t *testing.T) {
			other := owner
			test.change(&other)
			NewWithT(t).Expect(owner.Owns(container.Container{Labels: other.Labels(), Created: now.Add(test.created)}, test.established)).To(Equal(test.want))
		})
	}
	NewWithT(t).Expect(owner.Owns(container.Container{}, true)).To(BeFalse())
}

func TestNames(t *testing.T) {
	g := NewWithT(t)
	g.Expect(MachineContainer("test", "test-abc", "1")).To(Equal("test-abc"))
	g.Expect(MachineContainer("test", "abc", "1")).To(Equal("test-abc"))

	g.Expect(ContainerName(ProviderID("test-abc"))).To(Equal("test-abc"))
	g.Expect(ContainerName("aws:///x")).To(BeEmpty())

	g.Expect(Distinct("test-lb", "1")).To(MatchRegexp("^test-lb-[0-9a-f]{5}$"))
	g.Expect(Distinct("test-lb", "2")).NotTo(Equal(Distinct("test-lb", "1")), "clusters of the same name live side by side")

	g.Expect(LoadBalancerContainer("test", "1")).To(Equal("test-lb"))
	g.Expect(LoadBalancerContainer(strings.Repeat("a", 61), "1")).To(And(HaveLen(63), MatchRegexp("^a+-[0-9a-f]{5}$")))
}

// What kind calls the nodes of a cluster, whatever that is called.
func TestNamesAreNotOfKind(t *testing.T) {
	g := NewWithT(t)
	for _, machine := range []string{"control-plane", "dev-control-plane2", "worker", "worker12", "external-load-balancer", strings.Repeat("x", 50) + "-worker"} {
		name := MachineContainer("dev", machine, "1")
		g.Expect(kindNode.MatchString(name)).To(BeFalse(), name)
		g.Expect(name).To(And(MatchRegexp("^dev-.*-[0-9a-f]{5}$"), Not(Equal(MachineContainer("dev", machine, "2")))))
	}
	for _, machine := range []string{"dev-control-plane-x7k2p", "worker-a", "dev-my-workers", "lb"} {
		g.Expect(MachineContainer("dev", machine, "1")).To(HaveSuffix(machine))
	}
	for label := range (Owner{}).Labels() {
		g.Expect(label).NotTo(HavePrefix("io.x-k8s.kind."))
	}
}

func TestIsNamesake(t *testing.T) {
	g := NewWithT(t)
	owner := Owner{Management: Management{UID: "m"}, Namespace: "ns", Cluster: "c", ObjectUID: "1"}
	with := func(change func(*Owner)) container.Container {
		other := owner
		change(&other)
		return container.Container{Labels: other.Labels()}
	}
	g.Expect(owner.IsNamesake(with(func(o *Owner) { o.ObjectUID = "2" }))).To(BeFalse(), "a predecessor")
	g.Expect(owner.IsNamesake(with(func(o *Owner) { o.Namespace = "x" }))).To(BeTrue())
	g.Expect(owner.IsNamesake(with(func(o *Owner) { o.Management.UID = "x" }))).To(BeTrue())
	g.Expect(owner.IsNamesake(with(func(o *Owner) { o.Cluster = "x" }))).To(BeTrue())
	g.Expect(owner.IsNamesake(with(func(o *Owner) { o.Machine = "x" }))).To(BeTrue())
	g.Expect(owner.IsNamesake(with(func(o *Owner) { o.Role = RoleLoadBalancer }))).To(BeTrue())
	g.Expect(owner.IsNamesake(container.Container{})).To(BeFalse(), "somebody's")
}

func TestAdopt(t *testing.T) {
	g := NewWithT(t)
	ctx := context.Background()
	engine := container.NewFake("i")
	owner := func(management, uid types.UID) Owner {
		return Owner{Management: Management{UID: management, Node: string(management) + "-control-plane"}, ObjectUID: uid}
	}
	g.Expect(engine.Create(ctx, container.Spec{Name: "c", Image: "i", Labels: owner("first", "1").Labels()})).To(Succeed())
	c, err := engine.Inspect(ctx, "c")
	g.Expect(err).NotTo(HaveOccurred())
	// There, and back again.
	for _, o := range []Owner{owner("first", "1"), owner("second", "2"), owner("first", "3")} {
		for range 2 {
			g.Expect(o.Adopt(ctx, engine, c)).To(Succeed())
			g.Expect(ManagementOf(ctx, engine, c)).To(Equal(o.Management))
		}
	}
	g.Expect(slices.DeleteFunc(engine.Calls(), func(call string) bool { return call != "CopyTo c" })).To(HaveLen(2), "once each")
}

func TestReadManagement(t *testing.T) {
	ctx := context.Background()
	kubeSystem := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: metav1.NamespaceSystem, UID: "1"}}
	engine := container.NewFake("i")
	for name, labels := range map[string]map[string]string{
		"mgmt-control-plane": {KindClusterLabel: "mgmt", KindRoleLabel: RoleControlPlane},
		"workload-1":         {NamespaceLabel: "default", ClusterLabel: "workload", RoleLabel: RoleControlPlane},
		"namesake":           nil,
	} {
		NewWithT(t).Expect(engine.Create(ctx, container.Spec{Name: name, Image: "i", Labels: labels})).To(Succeed())
	}
	for node, want := range map[string]string{
		"mgmt-control-plane": "mgmt-control-plane",
		"workload-1":         "workload-1",
		"namesake":           "",
		"elsewhere":          "",
		"":                   "",
	} {
		management, err := ReadManagement(ctx, fake.NewClientBuilder().WithObjects(kubeSystem).Build(), engine, node)
		g := NewWithT(t)
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(management).To(Equal(Management{UID: "1", Node: want}), node)
	}
	_, err := ReadManagement(ctx, fake.NewClientBuilder().Build(), engine, "")
	NewWithT(t).Expect(err).To(MatchError(ContainSubstring("finding out the UID of the management cluster")))
}
