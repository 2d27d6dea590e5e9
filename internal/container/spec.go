// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package container

import "net/netip"

// Spec describes a container to make.
type Spec struct {
	// Name is the container's name and host name.
	Name string
	// Image must be local.
	Image string
	// Entrypoint and Command override the image's where set.
	Entrypoint, Command []string
	// Env are "KEY=value" pairs.
	Env []string
	// Labels say whose the container is. They cannot be changed.
	Labels map[string]string

	// Network is the user-defined network that the container joins and is known in by its name.
	Network string
	// Aliases are further names that it is known by there.
	Aliases []string
	// IPv4 and IPv6 are the addresses that the container has on its network whenever it runs; the engine chooses,
	// anew at every start, those that are empty. They must be assignable on the network, which Start checks, and
	// taken by no running container, else Start fails with ErrAddressTaken.
	IPv4, IPv6 string
	// Subnet is the one of the network that has IPv4. With it the network can be made again should it be removed.
	Subnet netip.Prefix
	// Ports are published on the host.
	Ports []PortBinding

	// Volumes are container paths that get an anonymous volume, labelled as the container, with what the image has
	// there.
	Volumes []string
	// SharedVolumes are volumes that other containers have as well.
	SharedVolumes []SharedVolume
	// Tmpfs are container paths that are memory.
	Tmpfs []string
	// Mounts are bind mounts from the host.
	Mounts []Mount
	// Devices are host devices with the same path in the container.
	Devices []string

	// Privileged gives the container every capability and device.
	Privileged bool
	// DropCapabilities and SecurityOptions restrict, or with "seccomp=unconfined" widen, what it may do.
	DropCapabilities, SecurityOptions []string
	// PrivateCgroups gives the container a cgroup namespace of its own.
	PrivateCgroups bool
	// HostUsers makes root in the container root of the host even if the engine remaps users.
	HostUsers bool
	// Sysctls are kernel settings of the container's network namespace.
	Sysctls map[string]string

	// NanoCPUs is the processor time per second in billionths of a processor; 0 means no bound.
	NanoCPUs int64
	// MemoryBytes bounds the memory; 0 means no bound.
	MemoryBytes int64

	// RestartUnlessStopped restarts the container when its first process ends, and when the engine starts.
	RestartUnlessStopped bool
	// Terminal gives the first process a terminal.
	Terminal bool
}

// PortBinding publishes a port of a container on the host.
type PortBinding struct {
	// Protocol is "tcp", which it is if empty, "udp" or "sctp".
	Protocol string
	// HostIP is the address to listen on.
	HostIP string
	// HostPort is the port to listen on. 0 leaves the choice to the engine, which chooses again at every
	// start.
	HostPort int
	// ContainerPort is the port in the container.
	ContainerPort int
}

// SharedVolume is a volume with a name. It is made with the first container that has it, and is not removed with the
// last: that is for RemoveUnusedVolumes.
type SharedVolume struct {
	// Name of the volume, Target the path in the container.
	Name, Target string
	// Labels that the volume is made with.
	Labels map[string]string
}

// Mount is a bind mount.
type Mount struct {
	// Source is the path on the host, Target the one in the container.
	Source, Target string
	// ReadOnly forbids writing.
	ReadOnly bool
}
