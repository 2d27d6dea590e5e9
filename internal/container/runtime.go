// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

// Package container runs containers. It is the only package that knows the Docker client; everything else
// works with the Runtime interface, which Docker implements for a Docker Engine (20.10 or newer) and Fake in
// memory for tests.
package container

import (
	"context"
	"io"
	"net/netip"
	"slices"
	"time"
)

// Runtime is a container engine.
//
// Containers are named by name or id. Methods fail with an error that wraps ErrNotFound when the container,
// image or network does not exist, ErrConflict when a name, port or address is taken or the state does not allow the
// call, ErrRefused when the engine does not accept the arguments, and ErrUnavailable when it does not answer.
type Runtime interface {
	// Ping returns nil if the engine answers at all.
	Ping(ctx context.Context) error
	// Info describes the engine and the host it runs on.
	Info(ctx context.Context) (Info, error)

	// ImageExists tells whether the engine has an image of that very reference. Images that were built or loaded have
	// no digest.
	ImageExists(ctx context.Context, image string) (bool, error)
	// PullImage pulls an image whether or not it is there, with credentials if they are not nil. It calls progress,
	// which may be nil, now and then with a line for people. What is pulled by a digest gets no tag, even if the
	// reference has one. The error is ErrNotFound only if the registry says that it has no such image, or none for
	// these credentials.
	PullImage(ctx context.Context, image string, credentials *Credentials, progress func(string)) error
	// TagImage gives a local image another name, which cannot have a digest.
	TagImage(ctx context.Context, image, name string) error
	// ImageID is the id of the local image of that very reference. It changes with the image's content.
	ImageID(ctx context.Context, image string) (string, error)
	// SaveImages writes images as a tar archive in Docker's format. The caller closes it.
	SaveImages(ctx context.Context, images ...string) (io.ReadCloser, error)

	// EnsureNetwork makes a bridge network, from which addresses can be assigned, unless one of that name exists,
	// and describes it. Where containers exist that were made with addresses on a network of that name, it gets their
	// subnet, or the error is ErrSubnetTaken.
	EnsureNetwork(ctx context.Context, name string) (Network, error)
	// Connect connects a container to one more network. It is no error if it is connected already.
	Connect(ctx context.Context, name, network string) error
	// Reconnect connects a container to the network that it was made for, with what it was made with there, after that was
	// removed and made again, or the container was disconnected. A container that runs keeps running. It fails with
	// ErrAddressTaken if another one has its address.
	Reconnect(ctx context.Context, name string) error
	// RemoveUnusedNetwork removes a network that EnsureNetwork created unless containers, running or not, are connected to
	// it. It returns whether it did; a network that does not exist, or that a user created, is no error.
	RemoveUnusedNetwork(ctx context.Context, name string) (bool, error)

	// UnusedVolumes returns the names of the volumes with the label, "KEY" or "KEY=VALUE", that no container has, running or
	// not.
	UnusedVolumes(ctx context.Context, label string) ([]string, error)
	// RemoveUnusedVolumes removes those volumes. It does not stop at one that cannot be removed; its error joins all.
	RemoveUnusedVolumes(ctx context.Context, label string) error

	// Create makes a container without starting it.
	Create(ctx context.Context, spec Spec) error
	// Start starts a container, or does nothing if it runs.
	Start(ctx context.Context, name string) error
	// Kill sends a signal, such as "HUP", to the first process of a running container.
	Kill(ctx context.Context, name, signal string) error
	// Remove stops and removes a container with its anonymous volumes. A container that does not exist is
	// no error.
	Remove(ctx context.Context, name string) error
	// Inspect describes a container.
	Inspect(ctx context.Context, name string) (Container, error)
	// List describes the containers that have all the labels, running or not, in the order of their names.
	// A label with an empty value matches any value. Ports may be missing; Inspect has them.
	List(ctx context.Context, labels map[string]string) ([]Container, error)

	// Exec runs a command in a running container and waits for its end. It returns the command's exit code;
	// the error is about running it, not about the code.
	Exec(ctx context.Context, name string, exec Exec) (int, error)
	// CopyTo unpacks a tar archive into a directory of a container, running or not. The directory must exist.
	// What is written below a tmpfs of a container that does not run is lost.
	CopyTo(ctx context.Context, name, directory string, archive io.Reader) error
	// CopyFrom packs a file or directory of a container, running or not, into a tar archive, whose entries start
	// with the last element of the path. The caller closes it.
	CopyFrom(ctx context.Context, name, path string) (io.ReadCloser, error)
	// ReadFile reads a file of at most 16 MiB out of a container, running or not.
	ReadFile(ctx context.Context, name, path string) ([]byte, error)
	// Logs returns the last lines that a container's first process wrote.
	Logs(ctx context.Context, name string, lines int) (string, error)

	// Events reports what happens to containers that have the label. The channel is closed when ctx is done
	// or the connection is lost; what happened in between is not repeated.
	Events(ctx context.Context, label string) (<-chan Event, error)
}

// Info describes an engine and its host.
type Info struct {
	// ServerVersion is the engine's version, as "28.5.2".
	ServerVersion string
	// CgroupVersion is "1" or "2".
	CgroupVersion string
	// SecurityOptions are the engine's, such as "name=rootless" or "name=userns".
	SecurityOptions []string
	// StorageDriver is "overlay2", "btrfs", ...
	StorageDriver string
	// CPUs is the number of processors that containers can use.
	CPUs int
	// MemoryBytes is the memory of the host.
	MemoryBytes int64
}

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
	// Labels are the only memory of who owns a container.
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

// State of a container.
type State string

// States of a container. There are others that last only moments.
const (
	// StateCreated: never started.
	StateCreated State = "created"
	// StateRunning: the first process runs.
	StateRunning State = "running"
	// StatePaused: the processes are frozen, as by "docker pause".
	StatePaused State = "paused"
	// StateRestarting: the engine waits before it starts the container again.
	StateRestarting State = "restarting"
	// StateExited: the first process has ended.
	StateExited State = "exited"
)

// Container describes a container.
type Container struct {
	// ID is the engine's own id.
	ID string
	// Name has no leading slash.
	Name string
	// Image is the reference that the container was made from.
	Image string
	// Labels as given at creation, and those of the image.
	Labels map[string]string
	// State of the first process.
	State State
	// ExitCode of the first process, when State is StateExited.
	ExitCode int
	// Created is when the container was made, Started when it was last started; zero if never.
	Created, Started time.Time
	// IPv4 and IPv6 are its addresses on the network that it was made for; empty while it does not run or has none.
	IPv4, IPv6 string
	// AssignedIPv4 is the address that it was made with, connected or not; empty if the engine chooses.
	AssignedIPv4 string
	// Network is the one that it was made for.
	Network string
	// Networks that it is connected to, in the order of their names.
	Networks []string
	// Ports that are published; with the port that was chosen, while it runs.
	Ports []PortBinding
}

// Running tells whether the first process runs.
func (c Container) Running() bool { return c.State == StateRunning }

// Connected tells whether the container is connected to the network that it was made for. One that does not run may be
// connected to a network of that name which does not exist any more: then it does not start.
func (c Container) Connected() bool { return slices.Contains(c.Networks, c.Network) }

// Network describes a network.
type Network struct {
	// ID is the engine's own id.
	ID string
	// Name of the network.
	Name string
	// IPv4 and IPv6 are its subnets; zero if it has none.
	IPv4, IPv6 netip.Prefix
	// Dynamic is the part of IPv4 from which the engine chooses addresses. The rest is free to be assigned. Zero
	// means that the engine chooses from all of IPv4, and may refuse to let anybody else assign.
	Dynamic netip.Prefix
	// Used are the IPv4 addresses of the containers that run on it.
	Used []netip.Addr
}

// Assignable tells whether addresses of the network can be assigned.
func (n Network) Assignable() bool {
	return n.Dynamic.IsValid() && n.Dynamic.Bits() > n.IPv4.Bits()
}

// Exec is a command to run in a container.
type Exec struct {
	// Command is the program and its arguments.
	Command []string
	// Env are additional "KEY=value" pairs.
	Env []string
	// Stdin is copied to the command, then closed. Nil gives it no input.
	Stdin io.Reader
	// Stdout and Stderr receive the output; nil discards it. The same writer may be given for both. Engines drop
	// what is left of the output some seconds after the command's end, so what is slow or long goes into a file
	// and is fetched with CopyFrom.
	Stdout, Stderr io.Writer
}

// Event is something that happened to a container.
type Event struct {
	// Action is "start", "die", "destroy", ...
	Action string
	// Name of the container.
	Name string
	// Labels of the container.
	Labels map[string]string
}
