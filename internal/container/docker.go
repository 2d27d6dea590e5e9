// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package container

import (
	"context"
	"fmt"

	"github.com/docker/docker/client"
)

// Docker is a Docker Engine.
type Docker struct {
	client *client.Client
}

// NewDocker returns the engine that the environment names (DOCKER_HOST and its companions), by default the one
// behind /var/run/docker.sock, with DefaultLimits. It does not connect yet: the first call does, and agrees on an API
// version.
func NewDocker() (*Bounded, error) {
	return bound(newDocker("from the environment"))
}

// NewDockerAt returns the engine at a URL, such as unix:///var/run/docker.sock or tcp://localhost:2375. Certificates
// and the API version are still those that the environment names.
func NewDockerAt(url string) (*Bounded, error) {
	return bound(newDocker("for "+url, client.WithHost(url)))
}

func bound(docker *Docker, err error) (*Bounded, error) {
	if err != nil {
		return nil, err
	}
	return Bound(docker, DefaultLimits), nil
}

func newDocker(source string, options ...client.Opt) (*Docker, error) {
	c, err := client.NewClientWithOpts(append([]client.Opt{client.FromEnv, client.WithAPIVersionNegotiation()}, options...)...)
	if err != nil {
		return nil, fmt.Errorf("the Docker client cannot be set up %s: %w", source, err)
	}
	return &Docker{client: c}, nil
}

// Ping returns nil if the engine answers at all.
func (d *Docker) Ping(ctx context.Context) error {
	ping, err := d.client.Ping(ctx)
	if err != nil {
		return d.wrap(err, "asking the engine whether it answers")
	}
	d.client.NegotiateAPIVersionPing(ping)
	return nil
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

// Info describes the engine and the host it runs on.
func (d *Docker) Info(ctx context.Context) (Info, error) {
	info, err := d.client.Info(ctx)
	if err != nil {
		return Info{}, d.wrap(err, "asking the engine about itself")
	}
	return Info{
		ServerVersion:   info.ServerVersion,
		CgroupVersion:   info.CgroupVersion,
		SecurityOptions: info.SecurityOptions,
		StorageDriver:   info.Driver,
		CPUs:            info.NCPU,
		MemoryBytes:     info.MemTotal,
	}, nil
}
