// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package network

import (
	"context"
	"fmt"
	"net/netip"
	"sync"
	"testing"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	devv1 "sigs.k8s.io/cluster-api/test/infrastructure/docker/api/v1beta2"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	infrav1 "github.com/terraform-capi/terraform-provider-capi/controllers/docker/api/v1beta2"
	"github.com/terraform-capi/terraform-provider-capi/controllers/docker/identity"
	"github.com/terraform-capi/terraform-provider-capi/controllers/docker/variants"
	"github.com/terraform-capi/terraform-provider-capi/internal/container"
)

const image = "kindest/node:v1.35.0"

func TestReserve(t *testing.T) {
	g := NewWithT(t)
	ctx := context.Background()
	engine := container.NewFake(image)
	n := &Network{Engine: engine, Name: "clusters"}
	seen := map[string]bool{}
	for range 500 {
		reserved, _, err := n.Reserve(ctx, netip.Addr{})
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(netip.MustParsePrefix("172.18.128.0/17").Contains(netip.MustParseAddr(reserved.IPv4))).To(BeTrue())
		g.Expect(seen).NotTo(HaveKey(reserved.IPv4))
		seen[reserved.IPv4] = true
	}
}

func TestReservePreferred(t *testing.T) {
	ctx := context.Background()
	for name, test := range map[string]struct {
		preferred string
		granted   bool
	}{
		"assignable":        {"172.18.200.7", true},
		"the engine's part": {"172.18.0.7", false},
		"broadcast":         {"172.18.255.255", false},
		"another network":   {"10.1.2.3", false},
		"IPv6":              {"fd00::1", false},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			n := &Network{Engine: container.NewFake(image), Name: "clusters"}
			reserved, release, err := n.Reserve(ctx, netip.MustParseAddr(test.preferred))
			g.Expect(err).NotTo(HaveOccurred())
			defer release()
			g.Expect(reserved.IPv4 == test.preferred).To(Equal(test.granted))
			g.Expect(reserved.IPv4).NotTo(BeEmpty())
		})
	}
}

// A network with so few addresses that chance alone would give one twice.
func TestReserveTakesNobodysAddress(t *testing.T) {
	g := NewWithT(t)
	ctx := context.Background()
	small := container.Network{Name: "small", IPv4: netip.MustParsePrefix("10.0.0.0/29"), Dynamic: netip.MustParsePrefix("10.0.0.0/30"),
		Used: []netip.Addr{netip.MustParseAddr("10.0.0.4")}}
	engine := container.NewFake(image)
	g.Expect(engine.Create(ctx, container.Spec{Name: "stopped", Image: image, IPv4: "10.0.0.5",
		Labels: map[string]string{identity.MachineLabel: "m"}})).To(Succeed())
	n := &Network{Engine: engine, Name: "small"}
	address, err := n.choose(ctx, small)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(address).To(Equal(netip.MustParseAddr("10.0.0.6")))

	_, err = n.choose(ctx, small)
	g.Expect(err).To(MatchError(ContainSubstring("no free address")))
	n.release(address)
	g.Expect(n.choose(ctx, small)).To(Equal(address))
}

// The address of a load balancer that does not exist at the moment is nobody else's: the clusters of this management cluster
// have it, or the nodes of those of others.
func TestReserveLeavesEndpoints(t *testing.T) {
	g := NewWithT(t)
	ctx := context.Background()
	small := container.Network{Name: "small", IPv4: netip.MustParsePrefix("10.0.0.0/29"), Dynamic: netip.MustParsePrefix("10.0.0.0/30"),
		IPv6: netip.MustParsePrefix("fd00::/64")}
	engine := container.NewFake(image)
	g.Expect(engine.Create(ctx, container.Spec{Name: "node", Image: image, IPv4: "10.0.0.4",
		Labels: map[string]string{identity.MachineLabel: "m", identity.EndpointLabel: "10.0.0.5"}})).To(Succeed())
	scheme := runtime.NewScheme()
	g.Expect(variants.AddToScheme(scheme)).To(Succeed())
	named := metav1.ObjectMeta{Namespace: "default", Name: "c"}
	docker, dev := &infrav1.DockerCluster{ObjectMeta: named}, &devv1.DevCluster{ObjectMeta: named}
	docker.Spec.ControlPlaneEndpoint.Host = addresses(small, netip.MustParseAddr("10.0.0.6")).IPv6
	dev.Spec.Backend.Docker = &devv1.DockerClusterBackendSpec{}
	clusters := fake.NewClientBuilder().WithScheme(scheme).WithObjects(docker, dev).Build()
	n := &Network{Engine: engine, Name: "small", Clusters: clusters}
	_, err := n.choose(ctx, small)
	g.Expect(err).To(MatchError(ContainSubstring("no free address")))

	docker.Spec.ControlPlaneEndpoint.Host = "api.example.com"
	g.Expect(clusters.Update(ctx, docker)).To(Succeed())
	g.Expect(n.choose(ctx, small)).To(Equal(netip.MustParseAddr("10.0.0.6")))
	n.release(netip.MustParseAddr("10.0.0.6"))
	dev.Spec.ControlPlaneEndpoint.Host = "10.0.0.6"
	g.Expect(clusters.Update(ctx, dev)).To(Succeed())
	_, err = n.choose(ctx, small)
	g.Expect(err).To(MatchError(ContainSubstring("no free address")))
}

// A container gets its own address back or none at all.
func TestReservePreferredIsTaken(t *testing.T) {
	ctx := context.Background()
	address := netip.MustParseAddr("172.18.200.7")
	for name, test := range map[string]struct {
		prepare func(g *WithT, engine *container.Fake)
		want    string
	}{
		"by one that has never run": {prepare: func(*WithT, *container.Fake) {}},
		"by one that runs": {
			prepare: func(g *WithT, engine *container.Fake) { g.Expect(engine.Start(ctx, "other")).To(Succeed()) },
			want:    "container other, which is running, has 172.18.200.7 on network clusters",
		},
		"by one that is stopped": {
			prepare: func(g *WithT, engine *container.Fake) {
				g.Expect(engine.Start(ctx, "other")).To(Succeed())
				engine.Stop("other")
			},
			want: "container other, which is exited, has 172.18.200.7 on network clusters",
		},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			engine := container.NewFake(image)
			n := &Network{Engine: engine, Name: "clusters"}
			_, err := n.Ensure(ctx)
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(engine.Create(ctx, container.Spec{Name: "other", Image: image, Network: "clusters", IPv4: address.String()})).To(Succeed())
			test.prepare(g, engine)
			given, release, err := n.Reserve(ctx, address)
			if test.want != "" {
				g.Expect(err).To(And(MatchError(container.ErrAddressTaken), MatchError(ContainSubstring(test.want))))
				g.Expect(n.reserved).To(BeEmpty())
				return
			}
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(given.IPv4).To(Equal(address.String()))
			_, _, err = n.Reserve(ctx, address)
			g.Expect(err).To(MatchError(container.ErrAddressTaken))
			release()
		})
	}
}

// A call to the engine that hangs holds up nobody else.
func TestReserveWhileTheEngineHangs(t *testing.T) {
	g := NewWithT(t)
	ctx, cancel := context.WithCancel(context.Background())
	engine := container.NewFake(image)
	n := &Network{Engine: engine, Name: "clusters"}
	hangs := make(chan struct{})
	var once sync.Once
	engine.BeforeCall = func(ctx context.Context, method, _ string) error {
		first := false
		if method == "List" {
			once.Do(func() { first = true })
		}
		if !first {
			return nil
		}
		close(hangs)
		<-ctx.Done()
		return ctx.Err()
	}
	ended := make(chan error, 1)
	go func() {
		_, _, err := n.Reserve(ctx, netip.Addr{})
		ended <- err
	}()
	<-hangs
	_, release, err := n.Reserve(context.Background(), netip.Addr{})
	g.Expect(err).NotTo(HaveOccurred())
	release()
	cancel()
	g.Expect(<-ended).To(MatchError(context.Canceled))
	g.Expect(n.reserved).To(BeEmpty())
}

// Addresses that are chosen at the same time differ, although there are hardly any.
func TestReserveConcurrently(t *testing.T) {
	g := NewWithT(t)
	ctx := context.Background()
	small := container.Network{Name: "small", IPv4: netip.MustParsePrefix("10.0.0.0/27"), Dynamic: netip.MustParsePrefix("10.0.0.0/28")}
	engine := container.NewFake(image)
	n := &Network{Engine: engine, Name: "small"}
	var wg sync.WaitGroup
	for i := range 15 {
		wg.Go(func() {
			address, err := n.choose(ctx, small)
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(engine.Create(ctx, container.Spec{Name: fmt.Sprintf("c%d", i), Image: image, IPv4: address.String(),
				Labels: map[string]string{identity.MachineLabel: "m"}})).To(Succeed())
			n.release(address)
		})
	}
	wg.Wait()
	all, err := engine.List(ctx, nil)
	g.Expect(err).NotTo(HaveOccurred())
	seen := map[string]bool{}
	for _, c := range all {
		seen[c.AssignedIPv4] = true
	}
	g.Expect(seen).To(HaveLen(15))
}

// Whatever a container was doing when its network was removed, it ends up on the new one with its own address.
func TestStartAfterTheNetworkWasRemoved(t *testing.T) {
	ctx := context.Background()
	for name, prepare := range map[string]func(g *WithT, engine *container.Fake){
		"running":       func(g *WithT, engine *container.Fake) { g.Expect(engine.Start(ctx, "c")).To(Succeed()) },
		"never started": func(*WithT, *container.Fake) {},
		"stopped while it existed": func(g *WithT, engine *container.Fake) {
			g.Expect(engine.Start(ctx, "c")).To(Succeed())
			engine.Stop("c")
		},
		"stopped after it was removed": func(g *WithT, engine *container.Fake) {
			g.Expect(engine.Start(ctx, "c")).To(Succeed())
			engine.RemoveNetwork("clusters")
			engine.Stop("c")
		},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			engine := container.NewFake(image)
			n := &Network{Engine: engine, Name: "clusters"}
			_, err := n.Ensure(ctx)
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(engine.Create(ctx, container.Spec{Name: "c", Image: image, Network: "clusters", IPv4: "10.7.200.7",
				Subnet: netip.MustParsePrefix("10.7.0.0/16")})).To(Succeed())
			engine.RemoveNetwork("clusters") // What Ensure made had another subnet.
			_, err = n.Ensure(ctx)
			g.Expect(err).NotTo(HaveOccurred())
			prepare(g, engine)
			engine.RemoveNetwork("clusters")

			inspect := func() container.Container {
				found, err := engine.Inspect(ctx, "c")
				g.Expect(err).NotTo(HaveOccurred())
				return found
			}
			g.Expect(n.Start(ctx, inspect())).To(Succeed())
			found := inspect()
			g.Expect(found.Running()).To(BeTrue())
			g.Expect(found.IPv4).To(Equal("10.7.200.7"))
			g.Expect(found.Connected()).To(BeTrue())

			calls := len(engine.Calls())
			g.Expect(n.Start(ctx, found)).To(Succeed())
			g.Expect(engine.Calls()).To(HaveLen(calls), "there is nothing to do")
		})
	}
}

// A container never gets another address than it had, whether or not that is known.
func TestStartRefusesAnUnknownAddress(t *testing.T) {
	g := NewWithT(t)
	ctx := context.Background()
	engine := container.NewFake(image)
	n := &Network{Engine: engine, Name: "clusters"}
	_, err := n.Ensure(ctx)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(engine.Create(ctx, container.Spec{Name: "c", Image: image, Network: "clusters"})).To(Succeed())
	g.Expect(engine.Start(ctx, "c")).To(Succeed())
	engine.RemoveNetwork("clusters")
	found, err := engine.Inspect(ctx, "c")
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(n.Start(ctx, found)).To(MatchError(ContainSubstring("docker network connect --ip ADDRESS clusters c")))
	g.Expect(engine.Calls()).NotTo(ContainElement("Reconnect c"))
}

// Who has the address is named: only a person can decide which of them is needed.
func TestStartNamesTheHolder(t *testing.T) {
	g := NewWithT(t)
	ctx := context.Background()
	engine := container.NewFake(image)
	n := &Network{Engine: engine, Name: "clusters"}
	_, err := n.Ensure(ctx)
	g.Expect(err).NotTo(HaveOccurred())
	for _, name := range []string{"c", "thief"} {
		g.Expect(engine.Create(ctx, container.Spec{Name: name, Image: image, Network: "clusters", IPv4: "172.18.200.7"})).To(Succeed())
		g.Expect(engine.Start(ctx, name)).To(Succeed())
		engine.Stop(name)
	}
	g.Expect(engine.Start(ctx, "thief")).To(Succeed())
	found, err := engine.Inspect(ctx, "c")
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(n.Start(ctx, found)).To(And(MatchError(container.ErrAddressTaken), MatchError(ContainSubstring("container thief, which is running, has 172.18.200.7"))))
}

func TestAddresses(t *testing.T) {
	g := NewWithT(t)
	found := container.Network{IPv4: netip.MustParsePrefix("172.20.0.0/16"), IPv6: netip.MustParsePrefix("fd12:3456:789a:1::/64")}
	given := addresses(found, netip.MustParseAddr("172.20.200.7"))
	g.Expect(given).To(Equal(Addresses{IPv4: "172.20.200.7", IPv6: "fd12:3456:789a:1:0:1:ac14:c807", Subnet: found.IPv4}))
	found.Dynamic = netip.MustParsePrefix("172.20.0.0/17")
	g.Expect(assignable(found, netip.MustParseAddr(given.IPv6)).String()).To(Equal(given.IPv4), "an IPv6 cluster's endpoint leads back to it")
	found.IPv6 = netip.Prefix{}
	g.Expect(addresses(found, netip.MustParseAddr("172.20.200.7")).IPv6).To(BeEmpty())
}

func TestJoin(t *testing.T) {
	g := NewWithT(t)
	ctx := context.Background()
	engine := container.NewFake(image)
	create := func(name string, labels map[string]string) {
		g.Expect(engine.Create(ctx, container.Spec{Name: name, Image: image, Labels: labels})).To(Succeed())
	}
	create("plain", nil)
	for name, cluster := range map[string]string{"mgmt-control-plane": "mgmt", "mgmt-worker": "mgmt", "other-control-plane": "other"} {
		create(name, map[string]string{identity.KindClusterLabel: cluster})
	}
	// A workload cluster, which may be a management cluster since clusterctl moved one there, with the name of KinD's.
	for _, name := range []string{"mgmt-1", "mgmt-2"} {
		create(name, identity.Owner{Namespace: "default", Cluster: "mgmt", Machine: name, Role: identity.RoleControlPlane}.Labels())
	}
	networks := func(name string) []string {
		found, err := engine.Inspect(ctx, name)
		g.Expect(err).NotTo(HaveOccurred())
		return found.Networks
	}
	for _, node := range []string{"", "a-server", "plain"} {
		g.Expect((&Network{Engine: engine, Name: "clusters", ManagementNode: node}).JoinManagementCluster(ctx)).To(Succeed())
		g.Expect(networks("plain")).To(BeEmpty())
	}
	n := &Network{Engine: engine, Name: "clusters", ManagementNode: "mgmt-control-plane"}
	g.Expect(n.JoinManagementCluster(ctx)).To(Succeed())
	g.Expect(n.JoinManagementCluster(ctx)).To(Succeed())
	g.Expect(networks("mgmt-control-plane")).To(ConsistOf("clusters"))
	g.Expect(networks("mgmt-worker")).To(ConsistOf("clusters"))
	g.Expect(networks("other-control-plane")).To(BeEmpty())
	g.Expect(networks("mgmt-1")).To(BeEmpty())

	n.ManagementNode = "mgmt-1"
	g.Expect(n.JoinManagementCluster(ctx)).To(Succeed())
	g.Expect(networks("mgmt-1")).To(ConsistOf("clusters"))
	g.Expect(networks("mgmt-2")).To(ConsistOf("clusters"))
}
