// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package loadbalancer

import (
	"context"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	. "github.com/onsi/gomega"

	infrav1 "github.com/terraform-capi/terraform-provider-capi/controllers/docker/api/v1beta2"
	"github.com/terraform-capi/terraform-provider-capi/controllers/docker/identity"
	"github.com/terraform-capi/terraform-provider-capi/controllers/docker/network"
	"github.com/terraform-capi/terraform-provider-capi/internal/container"
)

var (
	updateGolden = flag.Bool("update", false, "write the golden files anew")
	ctx          = context.Background()
)

func newLoadBalancer(engine *container.Fake) *LoadBalancer {
	return &LoadBalancer{
		Engine: engine, Name: "test-lb-12345", Network: &network.Network{Engine: engine, Name: "clusters"}, Image: Image(infrav1.ImageMeta{}),
		Owner: identity.Owner{Namespace: "default", Cluster: "test", ObjectUID: "uid", Role: identity.RoleLoadBalancer},
	}
}

func newEngine() *container.Fake { return container.NewFake(Image(infrav1.ImageMeta{})) }

func TestConfig(t *testing.T) {
	for name, config := range map[string]Config{
		"no-servers":    {Port: 6443},
		"three-servers": {Port: 8443, Servers: []string{"test-cp-2", "test-cp-1", "test-cp-3"}},
		"ipv6":          {Port: 6443, Servers: []string{"test-cp-1"}, IPv6: true},
		"custom": {Port: 6443, Servers: []string{"test-cp-1"}, Template: "bind :{{ .FrontendControlPlanePort }}\n" +
			"{{ range $name, $server := .BackendServers }}server {{ $name }} {{ JoinHostPort $server.Address $.BackendControlPlanePort }} {{ $server.Weight }}\n{{ end }}"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := config.render()
			NewWithT(t).Expect(err).NotTo(HaveOccurred())
			expectGolden(t, filepath.Join("testdata", name+".cfg.golden"), string(got))
		})
	}
}

func TestConfigErrors(t *testing.T) {
	g := NewWithT(t)
	_, err := Config{Template: "{{ "}.render()
	g.Expect(err).To(MatchError(ContainSubstring("not a valid Go template")))
	_, err = Config{Template: "{{ .Nonsense }}"}.render()
	g.Expect(err).To(MatchError(ContainSubstring("cannot be rendered")))
}

func TestEnsure(t *testing.T) {
	g := NewWithT(t)
	engine := newEngine()
	lb := newLoadBalancer(engine)
	endpoint, err := lb.Ensure(ctx, Config{Port: 6443})
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(endpoint.HostPort).To(And(BeNumerically(">=", firstHostPort), BeNumerically("<=", lastHostPort)))
	g.Expect(engine.Calls()).To(Equal([]string{
		"List", "Inspect test-lb-12345", "EnsureNetwork clusters", "List", "Create test-lb-12345", "CopyTo test-lb-12345",
		"Start test-lb-12345", "Inspect test-lb-12345",
	}), "the configuration is there before it starts")
	spec := engine.Spec(lb.Name)
	g.Expect(spec.Privileged).To(BeFalse())
	g.Expect(spec.DropCapabilities).To(ConsistOf("ALL"))
	g.Expect(spec.Ports).To(ConsistOf(container.PortBinding{HostIP: "127.0.0.1", HostPort: endpoint.HostPort, ContainerPort: 6443}))
	g.Expect(spec.IPv4).To(Equal(endpoint.IPv4))

	// The same again: nothing is done.
	calls := len(engine.Calls())
	again, err := lb.Ensure(ctx, Config{Port: 6443})
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(again).To(Equal(endpoint))
	g.Expect(engine.Calls()[calls:]).To(Equal([]string{
		"List", "Inspect test-lb-12345", "ReadFile test-lb-12345 " + configPath, "Inspect test-lb-12345",
	}))

	// Another server: a reload.
	calls = len(engine.Calls())
	_, err = lb.Ensure(ctx, Config{Port: 6443, Servers: []string{"test-cp-1"}})
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(engine.Calls()[calls:]).To(ContainElements("CopyTo test-lb-12345", "Kill test-lb-12345 USR2"))
	content, err := engine.ReadFile(ctx, lb.Name, configPath)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(string(content)).To(ContainSubstring("server test-cp-1 test-cp-1:6443"))
}

func TestEnsureAfterStopAndRemoval(t *testing.T) {
	g := NewWithT(t)
	engine := newEngine()
	lb := newLoadBalancer(engine)
	endpoint, err := lb.Ensure(ctx, Config{Port: 6443})
	g.Expect(err).NotTo(HaveOccurred())

	engine.Stop(lb.Name)
	g.Expect(lb.Ensure(ctx, Config{Port: 6443})).To(Equal(endpoint))

	// As a cluster would remember it.
	lb.HostPort, lb.Host = endpoint.HostPort, endpoint.IPv4
	lb.Owner.ObjectUID = "moved, so that other ports are tried first"
	engine.Vanish(lb.Name)
	g.Expect(lb.Ensure(ctx, Config{Port: 6443})).To(Equal(endpoint), "kubeconfigs have it")
}

// An address that nodes and kubeconfigs have is waited for and not exchanged, even while no other container runs with it.
func TestEnsureAddressIsTaken(t *testing.T) {
	g := NewWithT(t)
	engine := newEngine()
	lb := newLoadBalancer(engine)
	endpoint, err := lb.Ensure(ctx, Config{Port: 6443})
	g.Expect(err).NotTo(HaveOccurred())
	lb.HostPort, lb.Host = endpoint.HostPort, endpoint.IPv4
	engine.Vanish(lb.Name)
	other := container.Spec{Name: "other", Image: lb.Image, Network: "clusters", IPv4: endpoint.IPv4}
	g.Expect(engine.Create(ctx, other)).To(Succeed())
	g.Expect(engine.Start(ctx, other.Name)).To(Succeed())
	engine.Stop(other.Name)
	_, err = lb.Ensure(ctx, Config{Port: 6443})
	g.Expect(err).To(And(MatchError(container.ErrAddressTaken), MatchError(And(
		HavePrefix("the load balancer cannot be made again with its address "+endpoint.IPv4), ContainSubstring("container other, which is exited")))))
	g.Expect(engine.Remove(ctx, other.Name)).To(Succeed())
	g.Expect(lb.Ensure(ctx, Config{Port: 6443})).To(Equal(endpoint))

	// One that was made again, and whose address was given away before it started.
	engine.Vanish(lb.Name)
	g.Expect(engine.Create(ctx, other)).To(Succeed())
	engine.BeforeCall = func(_ context.Context, method, name string) error {
		if method == "Start" && name == lb.Name {
			return errors.New("killed")
		}
		return nil
	}
	_, err = lb.Ensure(ctx, Config{Port: 6443})
	g.Expect(err).To(MatchError("killed"))
	engine.BeforeCall = nil
	g.Expect(engine.Start(ctx, other.Name)).To(Succeed())
	_, err = lb.Ensure(ctx, Config{Port: 6443})
	g.Expect(err).To(MatchError(container.ErrAddressTaken))
	g.Expect(engine.Remove(ctx, other.Name)).To(Succeed())
	g.Expect(lb.Ensure(ctx, Config{Port: 6443})).To(Equal(endpoint))
}

// The network may be removed while the manager is down.
func TestEnsureNetworkRemoved(t *testing.T) {
	for name, prepare := range map[string]func(*container.Fake, string){
		"running": func(*container.Fake, string) {},
		"stopped": (*container.Fake).Stop,
		"removed": (*container.Fake).Vanish,
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			engine := newEngine()
			lb := newLoadBalancer(engine)
			endpoint, err := lb.Ensure(ctx, Config{Port: 6443})
			g.Expect(err).NotTo(HaveOccurred())
			lb.HostPort, lb.Host = endpoint.HostPort, endpoint.IPv4
			prepare(engine, lb.Name)
			engine.RemoveNetwork("clusters")
			g.Expect(lb.Ensure(ctx, Config{Port: 6443})).To(Equal(endpoint))
			found, err := engine.Inspect(ctx, lb.Name)
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(found.IPv4).To(Equal(endpoint.IPv4))
		})
	}
}

// A port that kubeconfigs have, or that the user wants, is waited for and not exchanged.
func TestEnsureFixedPortIsTaken(t *testing.T) {
	g := NewWithT(t)
	engine := newEngine()
	lb := newLoadBalancer(engine)
	lb.HostPort, lb.HostIP = 8443, "0.0.0.0"
	other := container.Spec{Name: "other", Image: lb.Image, Ports: []container.PortBinding{{HostPort: 8443}}}
	g.Expect(engine.Create(ctx, other)).To(Succeed())
	g.Expect(engine.Start(ctx, other.Name)).To(Succeed())
	_, err := lb.Ensure(ctx, Config{Port: 6443})
	g.Expect(err).To(MatchError(ContainSubstring("cannot have host port 8443")))
	g.Expect(engine.Remove(ctx, other.Name)).To(Succeed())
	endpoint, err := lb.Ensure(ctx, Config{Port: 6443})
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(endpoint.HostPort).To(Equal(8443))
	g.Expect(engine.Spec(lb.Name).Ports).To(ConsistOf(container.PortBinding{HostIP: "0.0.0.0", HostPort: 8443, ContainerPort: 6443}))
}

func TestHostName(t *testing.T) {
	g := NewWithT(t)
	engine := newEngine()
	lb := newLoadBalancer(engine)
	lb.Host = "api.example.com"
	_, err := lb.Ensure(ctx, Config{Port: 6443})
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(engine.Spec(lb.Name).Aliases).To(ConsistOf("api.example.com"))
}

// A container that somebody else makes between the look and the creation is not removed.
func TestEnsureNameTakenInBetween(t *testing.T) {
	g := NewWithT(t)
	engine := newEngine()
	lb := newLoadBalancer(engine)
	engine.BeforeCall = func(_ context.Context, method, _ string) error {
		if method == "Create" {
			return container.ErrConflict
		}
		return nil
	}
	_, err := lb.Ensure(ctx, Config{Port: 6443})
	g.Expect(err).To(MatchError(container.ErrConflict))
	g.Expect(engine.Calls()).NotTo(ContainElement(HavePrefix("Remove")))
}

func TestEnsureTriesAnotherPort(t *testing.T) {
	g := NewWithT(t)
	engine := newEngine()
	lb := newLoadBalancer(engine)
	taken := lb.candidate(0)
	engine.BeforeCall = func(_ context.Context, method, name string) error {
		if method == "Start" && engine.Spec(name).Ports[0].HostPort == taken {
			return container.ErrConflict
		}
		return nil
	}
	endpoint, err := lb.Ensure(ctx, Config{Port: 6443})
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(endpoint.HostPort).To(Equal(lb.candidate(1)))
	g.Expect(slices.Contains(engine.Calls(), "Remove "+lb.Name)).To(BeTrue())
}

func TestEnsureGivesUp(t *testing.T) {
	g := NewWithT(t)
	engine := newEngine()
	engine.BeforeCall = func(_ context.Context, method, _ string) error {
		if method == "Start" {
			return container.ErrConflict
		}
		return nil
	}
	_, err := newLoadBalancer(engine).Ensure(ctx, Config{Port: 6443})
	g.Expect(err).To(MatchError(ContainSubstring("no free host port")))
	left, err := engine.List(ctx, nil)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(left).To(BeEmpty())
}

// Whatever answer is lost, the next attempt ends with a running load balancer that has its configuration.
func TestEnsureLostAnswers(t *testing.T) {
	for _, method := range []string{"Create", "CopyTo", "Start"} {
		t.Run(method, func(t *testing.T) {
			g := NewWithT(t)
			engine := newEngine()
			lost := false
			engine.AfterCall = func(_ context.Context, called, _ string) error {
				if called == method && !lost {
					lost = true
					return errors.New("connection reset")
				}
				return nil
			}
			lb := newLoadBalancer(engine)
			_, err := lb.Ensure(ctx, Config{Port: 6443})
			g.Expect(err).To(MatchError("connection reset"))
			_, err = lb.Ensure(ctx, Config{Port: 6443})
			g.Expect(err).NotTo(HaveOccurred())
			found, err := engine.Inspect(ctx, lb.Name)
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(found.Running()).To(BeTrue())
			_, err = engine.ReadFile(ctx, lb.Name, configPath)
			g.Expect(err).NotTo(HaveOccurred())
		})
	}
}

func TestForeignContainer(t *testing.T) {
	g := NewWithT(t)
	engine := newEngine()
	lb := newLoadBalancer(engine)
	g.Expect(engine.Create(ctx, container.Spec{Name: lb.Name, Image: lb.Image, Labels: map[string]string{identity.ClusterLabel: "test"}})).To(Succeed())
	_, err := lb.Ensure(ctx, Config{Port: 6443})
	g.Expect(err).To(MatchError(ErrNameTaken))
	g.Expect(lb.Delete(ctx)).To(Succeed())
	_, err = engine.Inspect(ctx, lb.Name)
	g.Expect(err).NotTo(HaveOccurred(), "it is not touched")
}

// Clusters of the same name in two namespaces have their own load balancers, also when they are deleted.
//
// The guide's common error "The container name is already in use".
func TestNamesake(t *testing.T) {
	g := NewWithT(t)
	engine := newEngine()
	first, second := newLoadBalancer(engine), newLoadBalancer(engine)
	second.Owner.Namespace, second.Owner.ObjectUID = "other", "other-uid"
	one, err := first.Ensure(ctx, Config{Port: 6443})
	g.Expect(err).NotTo(HaveOccurred())
	two, err := second.Ensure(ctx, Config{Port: 6443})
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(second.Name).To(HavePrefix(first.Name + "-"))
	g.Expect(two.IPv4).NotTo(Equal(one.IPv4))

	// A controller that was killed before it wrote the name down.
	forgotten := newLoadBalancer(engine)
	forgotten.Owner = second.Owner
	g.Expect(forgotten.Delete(ctx)).To(Succeed())
	left, err := engine.List(ctx, nil)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(left).To(HaveExactElements(HaveField("Name", first.Name)))
}

// After a move to another management cluster the objects have other UIDs, and the name may be a distinct one.
func TestMoved(t *testing.T) {
	g := NewWithT(t)
	engine := newEngine()
	before := newLoadBalancer(engine)
	before.Name = "test-lb-distinct"
	endpoint, err := before.Ensure(ctx, Config{Port: 6443})
	g.Expect(err).NotTo(HaveOccurred())
	after := newLoadBalancer(engine)
	after.Owner.ObjectUID, after.Owner.Management.UID, after.Host = "another", "another", endpoint.IPv4
	after.Owner.Created = time.Now()
	g.Expect(after.Ensure(ctx, Config{Port: 6443})).To(Equal(endpoint))
	g.Expect(after.Name).To(Equal(before.Name))
	g.Expect(after.Delete(ctx)).To(Succeed())
	_, err = engine.Inspect(ctx, before.Name)
	g.Expect(err).To(MatchError(container.ErrNotFound))
}

func TestDelete(t *testing.T) {
	g := NewWithT(t)
	engine := newEngine()
	lb := newLoadBalancer(engine)
	g.Expect(lb.Delete(ctx)).To(Succeed(), "there is none")
	_, err := lb.Ensure(ctx, Config{Port: 6443})
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(lb.Delete(ctx)).To(Succeed())
	_, err = engine.Inspect(ctx, lb.Name)
	g.Expect(err).To(MatchError(container.ErrNotFound))
}

func TestImage(t *testing.T) {
	g := NewWithT(t)
	g.Expect(Image(infrav1.ImageMeta{})).To(Equal("kindest/haproxy:v20230606-42a2262b"))
	g.Expect(Image(infrav1.ImageMeta{ImageRepository: "example.com/lb", ImageTag: "1"})).To(Equal("example.com/lb/haproxy:1"))
}

func TestParseHostEndpoint(t *testing.T) {
	g := NewWithT(t)
	g.Expect(ParseHostEndpoint(HostEndpoint("", 21234))).To(Equal(21234))
	g.Expect(HostEndpoint("", 1)).To(Equal("127.0.0.1:1"))
	g.Expect(HostEndpoint("0.0.0.0", 1)).To(Equal("127.0.0.1:1"))
	g.Expect(HostEndpoint("192.0.2.1", 1)).To(Equal("192.0.2.1:1"))
	g.Expect(ParseHostEndpoint("")).To(BeZero())
	g.Expect(ParseHostEndpoint("127.0.0.1:x")).To(BeZero())
}

func expectGolden(t *testing.T, path, got string) {
	t.Helper()
	if *updateGolden {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s differs (go test -update writes it anew):\n%s", path, diff)
	}
}
