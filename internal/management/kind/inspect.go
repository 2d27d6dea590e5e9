// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package kind

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"
)

// inspection is the part of docker inspect's answer that is used.
type inspection struct {
	ID      string `json:"Id"`
	Name    string // with a leading slash
	Created time.Time
	State   struct {
		Running, Paused bool
	}
	Config struct {
		Image  string
		Labels map[string]string
	}
	HostConfig struct {
		Binds        []string
		PortBindings map[string][]binding
	}
	Mounts          []struct{ Destination string }
	NetworkSettings struct {
		Ports map[string][]binding
	}
}

type binding struct {
	HostIP   string `json:"HostIp"`
	HostPort string
}

// inspect looks at a container by its id or its name. The error is errNoContainer
// if there is none.
func (c *Clusters) inspect(ctx context.Context, container string) (*inspection, error) {
	out, err := c.query(ctx, "inspect", "--type", "container", container)
	if err != nil {
		return nil, err
	}
	var inspected []inspection
	if err := json.Unmarshal(out, &inspected); err != nil || len(inspected) != 1 {
		return nil, fmt.Errorf("cannot read what docker inspect says about %s: %w", container, err)
	}
	return &inspected[0], nil
}

const (
	// apiServerPort is the port of the API server in a node, as docker calls it.
	apiServerPort = "6443/tcp"
	// desktopPortLabel is where Docker Desktop's sandboxes tell how their host reaches
	// the port.
	desktopPortLabel = "desktop.docker.io/ports/" + apiServerPort
)

// endpoint is where this machine reaches the API server behind the container, if it
// runs.
func (i *inspection) endpoint() (string, error) {
	if address := i.Config.Labels[desktopPortLabel]; address != "" {
		return "https://" + address, nil
	}
	bindings := i.NetworkSettings.Ports[apiServerPort]
	if len(bindings) == 0 {
		return "", fmt.Errorf("container %s does not publish the port %s of the API server", strings.TrimPrefix(i.Name, "/"), apiServerPort)
	}
	return "https://" + net.JoinHostPort(bindings[0].HostIP, bindings[0].HostPort), nil
}

// nonce is the one of the creation that the node was made by; empty if that was not
// this provider's.
func (i *inspection) nonce() string {
	for _, bind := range i.HostConfig.Binds {
		if parts := strings.Split(bind, ":"); len(parts) > 1 {
			if nonce, ok := strings.CutPrefix(parts[1], nonceFolder); ok {
				return nonce
			}
		}
	}
	return ""
}

// into sets what the container of a node tells about its configuration.
func (i *inspection) into(config *Config) {
	config.NodeImage = i.Config.Image
	for _, bind := range i.HostConfig.Binds {
		mount, ok := parseBind(bind)
		switch {
		case !ok:
		case mount == Mount{HostPath: DockerSocket, ContainerPath: DockerSocket}:
			config.MountDockerSocket = true
		default:
			config.Mounts = append(config.Mounts, mount)
		}
	}
	for port, bindings := range i.HostConfig.PortBindings {
		// KinD maps the API server's port itself.
		if port == apiServerPort {
			continue
		}
		for _, binding := range bindings {
			if mapping, err := parsePort(port, binding.HostIP, binding.HostPort); err == nil {
				config.PortMappings = append(config.PortMappings, mapping)
			}
		}
	}
	slices.SortFunc(config.PortMappings, func(a, b PortMapping) int {
		return cmp.Or(cmp.Compare(a.ContainerPort, b.ContainerPort), cmp.Compare(a.HostPort, b.HostPort))
	})
}

// parseBind reads HOST:CONTAINER[:OPTIONS], and leaves out what KinD mounts into
// every node, and what marks the creation that a node was made by.
func parseBind(bind string) (Mount, bool) {
	parts := strings.Split(bind, ":")
	if len(parts) < 2 || parts[1] == modulesFolder || parts[1] == "/dev/mapper" || strings.HasPrefix(parts[1], nonceFolder) {
		return Mount{}, false
	}
	mount := Mount{HostPath: parts[0], ContainerPath: parts[1]}
	if len(parts) > 2 {
		mount.ReadOnly = slices.Contains(strings.Split(parts[2], ","), "ro")
	}
	return mount, true
}

func parsePort(port, hostIP, hostPort string) (PortMapping, error) {
	number, protocol, _ := strings.Cut(port, "/")
	containerPort, err := strconv.ParseInt(number, 10, 32)
	if err != nil {
		return PortMapping{}, err
	}
	onHost, err := strconv.ParseInt(hostPort, 10, 32)
	if err != nil {
		return PortMapping{}, err
	}
	return PortMapping{
		ContainerPort: int32(containerPort),
		HostPort:      int32(onHost),
		ListenAddress: hostIP,
		Protocol:      strings.ToUpper(protocol),
	}, nil
}
