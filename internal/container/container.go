// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

// Package container runs containers. It is the only package that knows the Docker client. Everything else declares an
// interface of the calls that it needs of a container engine. Docker makes them to a Docker Engine (20.10 or newer), Fake is
// an engine in memory for tests, and Bounded gives up calls to an engine that has stalled.
//
// Containers are named by name or id. Calls fail with an error that wraps ErrNotFound when the container, image or network
// does not exist, ErrConflict when a name, port or address is taken or the state does not allow the call, ErrRefused when the
// engine does not accept the arguments, and ErrUnavailable when it does not answer.
package container

import (
	"slices"
	"time"
)

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
