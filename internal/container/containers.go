// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package container

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/api/types/mount"
	"github.com/docker/docker/api/types/network"
	"github.com/docker/docker/pkg/stdcopy"
	"github.com/docker/go-connections/nat"
)

// Create makes a container without starting it.
func (d *Docker) Create(ctx context.Context, spec Spec) error {
	config, host := dockerConfig(spec)
	networking := &network.NetworkingConfig{}
	if spec.Network != "" {
		host.NetworkMode = container.NetworkMode(spec.Network)
		endpoint := &network.EndpointSettings{Aliases: spec.Aliases}
		if spec.IPv4 != "" || spec.IPv6 != "" {
			endpoint.IPAMConfig = &network.EndpointIPAMConfig{IPv4Address: spec.IPv4, IPv6Address: spec.IPv6}
		}
		networking.EndpointsConfig = map[string]*network.EndpointSettings{spec.Network: endpoint}
	}
	_, err := d.client.ContainerCreate(ctx, config, host, networking, nil, spec.Name)
	return d.wrap(err, "creating container %s from image %s", spec.Name, spec.Image)
}

func dockerConfig(spec Spec) (*container.Config, *container.HostConfig) {
	noInit := false
	labels := map[string]string{}
	maps.Copy(labels, spec.Labels)
	maps.Copy(labels, networkLabels(spec))
	config := &container.Config{
		Hostname:     spec.Name,
		Image:        spec.Image,
		Entrypoint:   spec.Entrypoint,
		Cmd:          spec.Command,
		Env:          spec.Env,
		Labels:       labels,
		Tty:          spec.Terminal,
		ExposedPorts: nat.PortSet{},
	}
	host := &container.HostConfig{
		Privileged:   spec.Privileged,
		CapDrop:      spec.DropCapabilities,
		SecurityOpt:  spec.SecurityOptions,
		Sysctls:      spec.Sysctls,
		Tmpfs:        map[string]string{},
		PortBindings: nat.PortMap{},
		Resources:    container.Resources{NanoCPUs: spec.NanoCPUs, Memory: spec.MemoryBytes},
		// An engine may be told to put its own init in front of every container; nodes bring theirs.
		Init: &noInit,
	}
	// A volume without a source is anonymous: it is removed with the container.
	for _, path := range spec.Volumes {
		host.Mounts = append(host.Mounts,
			mount.Mount{Type: mount.TypeVolume, Target: path, VolumeOptions: &mount.VolumeOptions{Labels: spec.Labels}})
	}
	for _, v := range spec.SharedVolumes {
		host.Mounts = append(host.Mounts,
			mount.Mount{Type: mount.TypeVolume, Source: v.Name, Target: v.Target, VolumeOptions: &mount.VolumeOptions{Labels: v.Labels}})
	}
	for _, path := range spec.Tmpfs {
		host.Tmpfs[path] = ""
	}
	for _, m := range spec.Mounts {
		host.Binds = append(host.Binds, bind(m))
	}
	for _, device := range spec.Devices {
		host.Devices = append(host.Devices,
			container.DeviceMapping{PathOnHost: device, PathInContainer: device, CgroupPermissions: "rwm"})
	}
	for _, port := range spec.Ports {
		key := nat.Port(fmt.Sprintf("%d/%s", port.ContainerPort, cmp.Or(port.Protocol, "tcp")))
		binding := nat.PortBinding{HostIP: port.HostIP}
		if port.HostPort != 0 {
			binding.HostPort = strconv.Itoa(port.HostPort)
		}
		config.ExposedPorts[key] = struct{}{}
		host.PortBindings[key] = append(host.PortBindings[key], binding)
	}
	if spec.PrivateCgroups {
		host.CgroupnsMode = container.CgroupnsModePrivate
	}
	if spec.HostUsers {
		host.UsernsMode = "host"
	}
	if spec.RestartUnlessStopped {
		host.RestartPolicy.Name = container.RestartPolicyUnlessStopped
	}
	return config, host
}

func bind(m Mount) string {
	text := m.Source + ":" + m.Target
	if m.ReadOnly {
		text += ":ro"
	}
	return text
}

// Start starts a container, or does nothing if it runs.
func (d *Docker) Start(ctx context.Context, name string) error {
	return d.wrap(d.client.ContainerStart(ctx, name, container.StartOptions{}), "starting container %s", name)
}

// Kill sends a signal, such as "HUP", to the first process of a running container.
func (d *Docker) Kill(ctx context.Context, name, signal string) error {
	return d.wrap(d.client.ContainerKill(ctx, name, signal), "sending %s to container %s", signal, name)
}

// Remove stops and removes a container with its anonymous volumes. A container that does not exist is
// no error.
func (d *Docker) Remove(ctx context.Context, name string) error {
	err := d.client.ContainerRemove(ctx, name, container.RemoveOptions{Force: true, RemoveVolumes: true})
	err = d.wrap(err, "removing container %s", name)
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	return err
}

// Inspect describes a container.
func (d *Docker) Inspect(ctx context.Context, name string) (Container, error) {
	response, err := d.client.ContainerInspect(ctx, name)
	if err != nil {
		return Container{}, d.wrap(err, "inspecting container %s", name)
	}
	return fromInspect(response), nil
}

func fromInspect(response container.InspectResponse) Container {
	c := Container{
		ID:      response.ID,
		Name:    strings.TrimPrefix(response.Name, "/"),
		Created: parseTime(response.Created),
	}
	if response.Config != nil {
		c.Image, c.Labels = response.Config.Image, response.Config.Labels
	}
	if response.State != nil {
		c.State = State(response.State.Status)
		c.ExitCode = response.State.ExitCode
		c.Started = parseTime(response.State.StartedAt)
	}
	if response.NetworkSettings != nil {
		var made string
		if response.HostConfig != nil {
			made = string(response.HostConfig.NetworkMode)
		}
		c.setNetworks(response.NetworkSettings.Networks, made)
		c.Ports = fromPorts(response.NetworkSettings.Ports)
	}
	// Only a running container has its ports in the network settings; what was asked for stands in the
	// host configuration.
	if len(c.Ports) == 0 && response.HostConfig != nil {
		c.Ports = fromPorts(response.HostConfig.PortBindings)
	}
	return c
}

// setNetworks takes over the endpoints. Made is the name of the network that the container was made for.
func (c *Container) setNetworks(endpoints map[string]*network.EndpointSettings, made string) {
	c.Networks = slices.Sorted(maps.Keys(endpoints))
	c.Network, c.AssignedIPv4 = made, assigned(c.Labels)
	endpoint, ok := endpoints[made]
	if !ok {
		return
	}
	c.IPv4, c.IPv6 = endpoint.IPAddress, endpoint.GlobalIPv6Address
	if endpoint.IPAMConfig != nil && c.AssignedIPv4 == "" {
		c.AssignedIPv4 = endpoint.IPAMConfig.IPv4Address
	}
}

func fromPorts(ports nat.PortMap) []PortBinding {
	var bindings []PortBinding
	for port, hosts := range ports {
		for _, host := range hosts {
			number, err := strconv.Atoi(host.HostPort)
			if err != nil {
				number = 0
			}
			bindings = append(bindings, PortBinding{
				Protocol: port.Proto(), HostIP: host.HostIP, HostPort: number, ContainerPort: port.Int(),
			})
		}
	}
	slices.SortFunc(bindings, func(a, b PortBinding) int {
		if a.ContainerPort != b.ContainerPort {
			return a.ContainerPort - b.ContainerPort
		}
		return strings.Compare(a.HostIP, b.HostIP)
	})
	return bindings
}

// parseTime returns the zero time for what the engine calls never.
func parseTime(text string) time.Time {
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return time.Time{}
	}
	return t
}

// List describes the containers that have all the labels, running or not, in the order of their names.
// A label with an empty value matches any value. Ports may be missing; Inspect has them.
func (d *Docker) List(ctx context.Context, labels map[string]string) ([]Container, error) {
	args := filters.NewArgs()
	for key, value := range labels {
		if value != "" {
			key += "=" + value
		}
		args.Add("label", key)
	}
	summaries, err := d.client.ContainerList(ctx, container.ListOptions{All: true, Filters: args})
	if err != nil {
		return nil, d.wrap(err, "listing containers")
	}
	containers := make([]Container, 0, len(summaries))
	for _, summary := range summaries {
		c := Container{
			ID:      summary.ID,
			Image:   summary.Image,
			Labels:  summary.Labels,
			State:   State(summary.State),
			Created: time.Unix(summary.Created, 0),
		}
		if summary.NetworkSettings != nil {
			c.setNetworks(summary.NetworkSettings.Networks, summary.HostConfig.NetworkMode)
		}
		if len(summary.Names) > 0 {
			c.Name = strings.TrimPrefix(summary.Names[0], "/")
		}
		containers = append(containers, c)
	}
	slices.SortFunc(containers, func(a, b Container) int { return strings.Compare(a.Name, b.Name) })
	return containers, nil
}

// Logs returns the last lines that a container's first process wrote.
func (d *Docker) Logs(ctx context.Context, name string, lines int) (string, error) {
	response, err := d.client.ContainerInspect(ctx, name)
	if err != nil {
		return "", d.wrap(err, "inspecting container %s", name)
	}
	stream, err := d.client.ContainerLogs(ctx, name,
		container.LogsOptions{ShowStdout: true, ShowStderr: true, Tail: strconv.Itoa(lines)})
	if err != nil {
		return "", d.wrap(err, "reading the log of container %s", name)
	}
	defer func() { _ = stream.Close() }()
	var log bytes.Buffer
	// Without a terminal both streams come interleaved in frames; with one there is only one stream.
	if response.Config != nil && response.Config.Tty {
		_, err = log.ReadFrom(stream)
	} else {
		_, err = stdcopy.StdCopy(&log, &log, stream)
	}
	if err != nil {
		return "", fmt.Errorf("reading the log of container %s: %w", name, err)
	}
	return log.String(), nil
}
