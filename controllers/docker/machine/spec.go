// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package machine

import (
	"cmp"
	"errors"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/resource"

	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"

	"github.com/terraform-capi/terraform-provider-capi/controllers/docker/identity"
	"github.com/terraform-capi/terraform-provider-capi/controllers/docker/network"
	"github.com/terraform-capi/terraform-provider-capi/internal/container"
)

// nodeImage is the image of the machine's container.
func nodeImage(s *scope) (string, error) {
	if image := s.dockerMachine.Spec.CustomImage; image != "" {
		return image, nil
	}
	version := s.machine.Spec.Version
	if version == "" {
		return "", errors.New("the Machine has no version and the DockerMachine no customImage, so there is no node image")
	}
	if !strings.HasPrefix(version, "v") {
		version = "v" + version
	}
	// A version may have build metadata, a tag no plus sign.
	return "kindest/node:" + strings.ReplaceAll(version, "+", "_"), nil
}

// containerSpec is a container in which systemd, a container runtime and a kubelet can run.
func (r *Reconciler) containerSpec(s *scope, image string, addresses network.Addresses, info container.Info) container.Spec {
	spec := container.Spec{
		Name:    s.containerName,
		Image:   image,
		Labels:  labels(s),
		Network: r.Network.Name,
		IPv4:    addresses.IPv4,
		IPv6:    addresses.IPv6,
		Subnet:  addresses.Subnet,
		// Mounts, cgroups, devices, network interfaces and kernel settings of its own: a kubelet needs nearly
		// all that there is, and the mounts that only come with this flag.
		Privileged:      true,
		SecurityOptions: []string{"seccomp=unconfined", "apparmor=unconfined"},
		// The default on cgroup v2. On v1 the node would otherwise see, and run into, the host's cgroups.
		PrivateCgroups: true,
		Tmpfs:          []string{"/tmp", "/run"},
		// Containers in the node need a file system that is not an overlay itself.
		Volumes: []string{"/var"},
		// The kernel's modules are the host's.
		Mounts: []container.Mount{{Source: "/lib/modules", Target: "/lib/modules", ReadOnly: true}},
		// Nodes come back when the engine or the host does.
		RestartUnlessStopped: true,
		// The node image's init writes its log to a terminal.
		Terminal:    true,
		NanoCPUs:    nanos(s.dockerMachine.Spec.Resources.CPUs),
		MemoryBytes: bytesOf(s.dockerMachine.Spec.Resources.Memory),
	}
	if s.isControlPlane() {
		spec.Env = []string{"KUBECONFIG=/etc/kubernetes/admin.conf"}
	}
	for _, mount := range s.dockerMachine.Spec.ExtraMounts {
		spec.Mounts = append(spec.Mounts,
			container.Mount{Source: mount.HostPath, Target: mount.ContainerPath, ReadOnly: mount.Readonly})
	}
	for _, mapping := range s.dockerMachine.Spec.ExtraPortMappings {
		spec.Ports = append(spec.Ports, container.PortBinding{
			Protocol: strings.ToLower(string(mapping.Protocol)), HostIP: cmp.Or(mapping.ListenAddress, "127.0.0.1"),
			HostPort: int(mapping.HostPort), ContainerPort: int(mapping.ContainerPort),
		})
	}
	adaptToEngine(&spec, info)
	if hasIPv6(s.cluster) {
		spec.Sysctls = map[string]string{"net.ipv6.conf.all.disable_ipv6": "0", "net.ipv6.conf.all.forwarding": "1"}
	}
	return spec
}

// labels are the user's and ours, which the user's cannot replace.
func labels(s *scope) map[string]string {
	all := maps.Clone(s.dockerMachine.Spec.Labels)
	if all == nil {
		all = map[string]string{}
	}
	maps.Copy(all, s.owner().Labels())
	all[identity.EndpointLabel] = s.dockerCluster.Spec.ControlPlaneEndpoint.Host
	if s.machine.Spec.FailureDomain != "" {
		all[identity.FailureDomainLabel] = s.machine.Spec.FailureDomain
	}
	return all
}

// adaptToEngine adds what nodes need on some engines only.
func adaptToEngine(spec *container.Spec, info container.Info) {
	// Volumes on these are made with the device mapper.
	if info.StorageDriver == "btrfs" || info.StorageDriver == "zfs" {
		spec.Mounts = append(spec.Mounts, container.Mount{Source: "/dev/mapper", Target: "/dev/mapper"})
	}
	for _, option := range info.SecurityOptions {
		switch {
		// Privileged containers cannot have their users remapped.
		case strings.HasPrefix(option, "name=userns"):
			spec.HostUsers = true
		// Not even privileged containers of a rootless engine get the device that its file system needs.
		case strings.HasPrefix(option, "name=rootless"):
			spec.Devices = append(spec.Devices, "/dev/fuse")
		}
	}
}

func hasIPv6(cluster *clusterv1.Cluster) bool {
	network := cluster.Spec.ClusterNetwork
	return slices.ContainsFunc(slices.Concat(network.Pods.CIDRBlocks, network.Services.CIDRBlocks), func(block string) bool {
		prefix, err := netip.ParsePrefix(block)
		return err == nil && prefix.Addr().Is6()
	})
}

func nanos(cpus *resource.Quantity) int64 {
	if cpus == nil {
		return 0
	}
	return cpus.ScaledValue(resource.Nano)
}

func bytesOf(memory *resource.Quantity) int64 {
	if memory == nil {
		return 0
	}
	return memory.Value()
}
