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

var _ Runtime = (*Docker)(nil)

// NewDocker returns the engine that the environment names (DOCKER_HOST and its companions), by default the one
// behind /var/run/docker.sock. It does not connect yet: the first call does, and agrees on an API version.
func NewDocker() (*Docker, error) {
	return newDocker("from the environment")
}

// NewDockerAt returns the engine at a URL, such as unix:///var/run/docker.sock or tcp://localhost:2375. Certificates
// and the API version are still those that the environment names.
func NewDockerAt(url string) (*Docker, error) {
	return newDocker("for "+url, client.WithHost(url))
}

func newDocker(source string, options ...client.Opt) (*Docker, error) {
	c, err := client.NewClientWithOpts(append([]client.Opt{client.FromEnv, client.WithAPIVersionNegotiation()}, options...)...)
	if err != nil {
		return nil, fmt.Errorf("the Docker client cannot be set up %s: %w", source, err)
	}
	return &Docker{client: c}, nil
}

// Close closes idle connections to the engine.
func (d *Docker) Close() error {
	return d.client.Close()
}

// Info implements Runtime.
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
