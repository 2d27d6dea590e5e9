// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package container

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/mount"
	"github.com/docker/docker/api/types/network"
	"github.com/docker/docker/api/types/registry"
	"github.com/docker/go-connections/nat"
	. "github.com/onsi/gomega"
)

func TestReadPull(t *testing.T) {
	g := NewWithT(t)
	g.Expect(readPull(strings.NewReader(`{"status":"Pulling"}{"id":"a","status":"Downloading","progressDetail":{"current":1,"total":2}}`), nil)).To(Succeed())
	g.Expect(readPull(strings.NewReader(`{"status":"Pulling"}{"error":"manifest unknown"}`), nil)).To(MatchError("manifest unknown"))
	g.Expect(readPull(strings.NewReader(`{"status":`), nil)).To(MatchError(ContainSubstring("breaks off")))
}

func TestDescribePull(t *testing.T) {
	layer := func(current, total int64) (m pullMessage) {
		m.Progress.Current, m.Progress.Total = current<<20, total<<20
		return m
	}
	NewWithT(t).Expect(describePull(map[string]pullMessage{"a": layer(1, 3), "b": layer(2, 4)})).To(Equal("3 of 7 MiB downloaded"))
}

func TestDockerConfig(t *testing.T) {
	g := NewWithT(t)
	config, host := dockerConfig(Spec{
		Name: "a", Image: "i", Labels: map[string]string{"a": "b"}, Volumes: []string{"/var"}, Tmpfs: []string{"/run"}, Privileged: true, PrivateCgroups: true,
		HostUsers: true, RestartUnlessStopped: true, NanoCPUs: 1, MemoryBytes: 2, Devices: []string{"/dev/fuse"},
		SharedVolumes: []SharedVolume{{Name: "v", Target: "/v", Labels: map[string]string{"c": "d"}}},
		Mounts:        []Mount{{Source: "/a", Target: "/b", ReadOnly: true}, {Source: "/c", Target: "/d"}},
		Ports:         []PortBinding{{HostIP: "127.0.0.1", HostPort: 1234, ContainerPort: 6443}, {HostIP: "127.0.0.1", ContainerPort: 80, Protocol: "udp"}},
	})
	g.Expect(config.Hostname).To(Equal("a"))
	g.Expect(host.Mounts).To(ConsistOf(mount.Mount{
		Type: mount.TypeVolume, Target: "/var", VolumeOptions: &mount.VolumeOptions{Labels: map[string]string{"a": "b"}},
	}, mount.Mount{
		Type: mount.TypeVolume, Source: "v", Target: "/v", VolumeOptions: &mount.VolumeOptions{Labels: map[string]string{"c": "d"}},
	}), "anonymous, with the container's labels, and shared, with their own")
	g.Expect(host.Binds).To(Equal([]string{"/a:/b:ro", "/c:/d"}))
	g.Expect(host.Tmpfs).To(HaveKey("/run"))
	g.Expect(host.PortBindings).To(Equal(nat.PortMap{
		"6443/tcp": {{HostIP: "127.0.0.1", HostPort: "1234"}}, "80/udp": {{HostIP: "127.0.0.1"}},
	}))
	g.Expect(host.CgroupnsMode).To(Equal(container.CgroupnsModePrivate))
	g.Expect(host.UsernsMode).To(BeEquivalentTo("host"))
	g.Expect(host.RestartPolicy.Name).To(Equal(container.RestartPolicyUnlessStopped))
	g.Expect(host.Init).To(HaveValue(BeFalse()))
	g.Expect(host.NanoCPUs).To(BeEquivalentTo(1))
	g.Expect(host.Resources.Devices).To(HaveLen(1))
}

func TestFromInspect(t *testing.T) {
	g := NewWithT(t)
	response := container.InspectResponse{
		ContainerJSONBase: &container.ContainerJSONBase{
			ID: "id", Name: "/a", Created: "2026-01-02T03:04:05.6Z",
			State:      &container.State{Status: "created", StartedAt: "0001-01-01T00:00:00Z"},
			HostConfig: &container.HostConfig{NetworkMode: "kind", PortBindings: nat.PortMap{"6443/tcp": {{HostIP: "127.0.0.1", HostPort: "1234"}}}},
		},
		Config: &container.Config{Image: "i", Labels: map[string]string{"x": "y"}},
		NetworkSettings: &container.NetworkSettings{Networks: map[string]*network.EndpointSettings{
			"kind":  {IPAddress: "172.18.0.2", IPAMConfig: &network.EndpointIPAMConfig{IPv4Address: "172.18.0.2"}},
			"other": {IPAddress: "172.19.0.2"},
		}},
	}
	c := fromInspect(response)
	g.Expect(c.Name).To(Equal("a"))
	g.Expect(c.State).To(Equal(StateCreated))
	g.Expect(c.Started.IsZero()).To(BeTrue())
	g.Expect(c.Created.Year()).To(Equal(2026))
	g.Expect(c.IPv4).To(Equal("172.18.0.2"), "that of the network that it was made for")
	g.Expect(c.AssignedIPv4).To(Equal("172.18.0.2"))
	g.Expect(c.Networks).To(Equal([]string{"kind", "other"}))
	g.Expect(c.Ports).To(Equal([]PortBinding{{Protocol: "tcp", HostIP: "127.0.0.1", HostPort: 1234, ContainerPort: 6443}}), "known before it runs")
}

func TestArchive(t *testing.T) {
	g := NewWithT(t)
	archive, err := Archive([]File{
		{Path: "a/b/c", Mode: 0o600, Content: []byte("hello")},
		{Path: "a/link", Mode: 0o777, Content: []byte("b/c"), Link: true},
	})
	g.Expect(err).NotTo(HaveOccurred())
	var entries []string
	reader := tar.NewReader(bytes.NewReader(archive))
	for {
		header, err := reader.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		g.Expect(err).NotTo(HaveOccurred())
		entries = append(entries, header.Name+header.Linkname)
	}
	g.Expect(entries).To(Equal([]string{"a/", "a/b/", "a/b/c", "a/linkb/c"}))
}

func TestErrors(t *testing.T) {
	g := NewWithT(t)
	d := &Docker{}
	g.Expect(d.wrap(nil, "x")).To(Succeed())
	g.Expect(d.wrap(errors.New("Bind for 127.0.0.1:1 failed: port is already allocated"), "starting")).To(And(MatchError(ErrPortTaken), MatchError(ErrConflict)))
	g.Expect(d.wrap(errors.New("Address already in use"), "starting")).To(And(MatchError(ErrAddressTaken), MatchError(ErrConflict)))
	g.Expect(d.wrap(errors.New("listen tcp4 127.0.0.1:1: bind: address already in use"), "starting")).NotTo(MatchError(ErrAddressTaken))
	g.Expect(d.wrap(errdefs.ErrConflict, "creating")).To(And(MatchError(ErrConflict), Not(MatchError(ErrPortTaken))))
	g.Expect(d.wrap(errdefs.ErrInvalidArgument, "creating")).To(MatchError(ErrRefused))
	g.Expect(d.wrap(context.Canceled, "x")).To(MatchError(context.Canceled))
}

// An image that is not there is told apart from a registry that cannot be asked, whatever the engine says it with.
func TestPullErrors(t *testing.T) {
	for text, missing := range map[string]bool{
		"manifest for kindest/node:v1.34.99 not found: manifest unknown: manifest unknown":                                                                 true,
		"failed to resolve reference \"docker.io/kindest/node:v1.34.99\": docker.io/kindest/node:v1.34.99: not found":                                      true,
		"pull access denied for example/node, repository does not exist or may require 'docker login': denied: requested access to the resource is denied": true,
		"Get \"https://registry-1.docker.io/v2/\": dial tcp: lookup registry-1.docker.io: no such host":                                                    false,
		"Get \"https://registry-1.docker.io/v2/\": dial tcp 192.0.2.1:443: i/o timeout":                                                                    false,
		"toomanyrequests: You have reached your pull rate limit":                                                                                           false,
	} {
		err := (&Docker{}).wrap(pullError(errors.New(text)), "pulling")
		g := NewWithT(t)
		g.Expect(errors.Is(err, ErrNotFound)).To(Equal(missing), text)
		g.Expect(err).To(MatchError(ContainSubstring(text)))
	}
}

// An engine that is not there is called what it is, with where it should be and what to do.
func TestUnavailable(t *testing.T) {
	g := NewWithT(t)
	socket := filepath.Join(t.TempDir(), "docker.sock")
	t.Setenv("DOCKER_HOST", "unix://"+socket)
	d, err := NewDocker()
	g.Expect(err).NotTo(HaveOccurred())
	_, err = d.Info(context.Background())
	g.Expect(err).To(MatchError(ErrUnavailable))
	g.Expect(err).To(MatchError(And(ContainSubstring(socket), ContainSubstring("DOCKER_HOST"))))
	_, err = d.Events(context.Background(), "label")
	g.Expect(err).To(MatchError(ErrUnavailable))

	// Nor is one that answers with nonsense.
	listener, err := net.Listen("unix", socket)
	g.Expect(err).NotTo(HaveOccurred())
	defer func() { _ = listener.Close() }()
	go func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			_ = connection.Close()
		}
	}()
	_, err = d.Info(context.Background())
	g.Expect(err).To(MatchError(ContainSubstring("asking the engine about itself")))
}

func TestFromNetwork(t *testing.T) {
	g := NewWithT(t)
	made := fromNetwork(network.Inspect{Name: "n", ID: "id", IPAM: network.IPAM{Config: []network.IPAMConfig{
		{Subnet: "172.20.0.0/16", IPRange: "172.20.0.0/17", Gateway: "172.20.0.1"}, {Subnet: "fd00::/64"},
	}}, Containers: map[string]network.EndpointResource{"a": {IPv4Address: "172.20.200.1/16"}}})
	g.Expect(made.Assignable()).To(BeTrue())
	g.Expect(made.IPv6).To(Equal(netip.MustParsePrefix("fd00::/64")))
	g.Expect(made.Used).To(Equal([]netip.Addr{netip.MustParseAddr("172.20.200.1")}))

	chosen := fromNetwork(network.Inspect{IPAM: network.IPAM{Config: []network.IPAMConfig{{Subnet: "172.18.0.0/16"}}}})
	g.Expect(chosen.Assignable()).To(BeFalse(), "the engine may have chosen the subnet, and then it refuses")
}

func TestPullOptions(t *testing.T) {
	g := NewWithT(t)
	options, err := pullOptions(&Credentials{Username: "u", Password: "p", ServerAddress: "example.com"})
	g.Expect(err).NotTo(HaveOccurred())
	decoded, err := registry.DecodeAuthConfig(options.RegistryAuth)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(*decoded).To(Equal(registry.AuthConfig{Username: "u", Password: "p", ServerAddress: "example.com"}))
	g.Expect(pullOptions(nil)).To(HaveField("RegistryAuth", ""))
}

func TestNewDockerAt(t *testing.T) {
	g := NewWithT(t)
	t.Setenv("DOCKER_HOST", "tcp://elsewhere:2375")
	bounded, err := NewDockerAt("unix:///run/user/1000/docker.sock")
	g.Expect(err).NotTo(HaveOccurred())
	docker, ok := bounded.engine.(*Docker)
	g.Expect(ok).To(BeTrue())
	g.Expect(docker.client.DaemonHost()).To(Equal("unix:///run/user/1000/docker.sock"))
	_, err = NewDockerAt("nonsense")
	g.Expect(err).To(MatchError(ContainSubstring("cannot be set up for nonsense")))
}
