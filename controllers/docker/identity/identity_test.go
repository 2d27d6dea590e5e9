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
	"k8s.io/apimachinery/pkg/util/validation"
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

// The extremes of what Kubernetes and the naming templates of classes allow: every machine gets a name that Docker takes
// for a container, Linux for a host and Kubernetes for a node and the value of its label kubernetes.io/hostname.
func TestNamesFit(t *testing.T) {
	long := strings.Repeat("a", 63)
	subdomain := strings.Repeat("abcdefghi.", 25) + "abc"
	for name, test := range map[string]struct{ cluster, machine, want string }{
		"as upstream has them":              {"web", "web-x7k2p-n4m8s", "^web-x7k2p-n4m8s$"},
		"just fits":                         {"web", "web-" + long[:59], "^web-a{59}$"},
		"one more":                          {"web", "web-" + long[:60], "^web-a{53}-[0-9a-f]{5}$"},
		"the cluster's name leaves no room": {long, long[:57] + "-n4m8s", "^a{57}-[0-9a-f]{5}$"},
		"a template of another name":        {"web", "node-n4m8s", "^web-node-n4m8s$"},
		"the same with a long cluster":      {long, "node-n4m8s", "^node-n4m8s-[0-9a-f]{5}$"},
		"both together just fit":            {long[:52], "node-n4m8s", "^a{52}-node-n4m8s$"},
		"both together do not fit":          {long[:53], "node-n4m8s", "^node-n4m8s-[0-9a-f]{5}$"},
		"a Machine with a long name":        {"web", subdomain, "^(abcdefghi[.]){5}abcdefg-[0-9a-f]{5}$"},
		"cut at a dot":                      {"web", long[:56] + "." + long, "^a{56}-[0-9a-f]{5}$"},
		"cut at a dash":                     {"web", long[:56] + "-" + long, "^a{56}-[0-9a-f]{5}$"},
		"dots":                              {"web.example.com", "web.example.com-n4m8s", "^web[.]example[.]com-n4m8s$"},
		"begins with a digit":               {"1", "n4m8s", "^1-n4m8s$"},
		"a single letter":                   {"a", "a", "^a-[0-9a-f]{5}$"},
		"nothing but digits":                {"1", "24567", "^1-24567$"},
		"cut to the name of a KinD node":    {long, strings.Repeat("b", 42) + "-control-plane-" + long, "^b{42}-control-plane-[0-9a-f]{5}$"},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			got := MachineContainer(test.cluster, test.machine, "1")
			g.Expect(got).To(MatchRegexp(test.want))
			g.Expect(MachineContainer(test.cluster, test.machine, "1")).To(Equal(got), "at every reconcile")
			for _, got := range []string{got, Distinct(got, "1"), LoadBalancerContainer(test.cluster, "1")} {
				g.Expect(got).To(MatchRegexp("^[a-zA-Z0-9][a-zA-Z0-9_.-]+$"), "Docker's own rule")
				g.Expect(validation.IsDNS1123Subdomain(got)).To(BeEmpty())
				g.Expect(validation.IsValidLabelValue(got)).To(BeEmpty())
				g.Expect(kindNode.MatchString(got)).To(BeFalse())
			}
			g.Expect(Distinct(got, "1")).NotTo(Equal(got), "also a name with a suffix may be taken")
		})
	}
	g := NewWithT(t)
	g.Expect(MachineContainer(long, "node-n4m8s", "2")).NotTo(Equal(MachineContainer(long, "node-n4m8s", "1")), "machines of other clusters")
	g.Expect(MachineContainer(long, "node-n4m8t", "1")).NotTo(Equal(MachineContainer(long, "node-n4m8s", "1")))
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

	// An engine that does not answer says nothing about the node. What is known once is not asked for again.
	g := NewWithT(t)
	engine.BeforeCall = func(context.Context, string, string) error { return container.ErrUnavailable }
	find := ManagementFinder(fake.NewClientBuilder().WithObjects(kubeSystem).Build(), engine, "mgmt-control-plane")
	_, err = find(ctx)
	g.Expect(err).To(MatchError(container.ErrUnavailable))
	engine.BeforeCall = nil
	g.Expect(find(ctx)).To(Equal(Management{UID: "1", Node: "mgmt-control-plane"}))
	engine.BeforeCall = func(context.Context, string, string) error { return container.ErrUnavailable }
	g.Expect(find(ctx)).To(Equal(Management{UID: "1", Node: "mgmt-control-plane"}))
}
