// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

// Package loadbalancer runs the load balancer of a cluster: one HAProxy container in front of the API servers.
//
// It is created, given its configuration and only then started, so it never starts without a valid one. Its
// host port is chosen once and part of the container, so it stays the same when the container or the engine
// restarts.
package loadbalancer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"net"
	"strconv"

	infrav1 "github.com/terraform-capi/terraform-provider-capi/controllers/docker/api/v1beta2"
	"github.com/terraform-capi/terraform-provider-capi/controllers/docker/identity"
	"github.com/terraform-capi/terraform-provider-capi/internal/container"
)

const (
	defaultRepository = "kindest"
	defaultTag        = "v20230606-42a2262b"

	configPath = "/usr/local/etc/haproxy/haproxy.cfg"

	// reloadSignal makes HAProxy's master process start workers with the new configuration, and lets the old
	// ones finish their connections.
	reloadSignal = "USR2"

	// HostIP is where the API server's port is published: on the Docker host, for nobody else.
	HostIP = "127.0.0.1"

	// Host ports are looked for in this range: below the ports that Linux and macOS hand out to outgoing
	// connections and below Kubernetes' node ports, so a port that is free stays free.
	firstHostPort, lastHostPort = 20000, 29999
	// maxPortAttempts bounds how many host ports are tried.
	maxPortAttempts = 50
)

// ErrNameTaken means that a container of the load balancer's name exists and belongs to somebody else.
var ErrNameTaken = errors.New("the container's name is taken")

// LoadBalancer is the load balancer of one cluster.
type LoadBalancer struct {
	// Runtime has the container.
	Runtime container.Runtime
	// Name of the container.
	Name string
	// Owner is the cluster.
	Owner identity.Owner
	// Established says that the cluster already refers to the container.
	Established bool
	// Image of HAProxy.
	Image string
	// Network that the cluster's containers are on.
	Network string
	// HostPort is the one that the cluster already had, or 0. A load balancer that must be made anew gets it
	// again if it is free.
	HostPort int
}

// Image is the load balancer image that a cluster asks for.
func Image(meta infrav1.ImageMeta) string {
	repository, tag := meta.ImageRepository, meta.ImageTag
	if repository == "" {
		repository = defaultRepository
	}
	if tag == "" {
		tag = defaultTag
	}
	return repository + "/haproxy:" + tag
}

// Ensure makes the load balancer run with the configuration and returns the host port of the API server. The
// image must be local. A configuration that is in place already is not touched.
func (l *LoadBalancer) Ensure(ctx context.Context, config Config) (hostPort int, err error) {
	content, err := config.render()
	if err != nil {
		return 0, err
	}
	found, err := l.Runtime.Inspect(ctx, l.Name)
	switch {
	case errors.Is(err, container.ErrNotFound):
		return l.create(ctx, config, content)
	case err != nil:
		return 0, err
	case !l.Owner.Owns(found, l.Established):
		return 0, fmt.Errorf("%w: container %s (%s) does not belong to cluster %s/%s: remove it with \"docker rm -f -v %s\" if nobody needs it",
			ErrNameTaken, l.Name, found.ID, l.Owner.Namespace, l.Owner.Cluster, l.Name)
	}
	if err := l.configure(ctx, found, content); err != nil {
		return 0, err
	}
	if !found.Running() {
		if err := l.Runtime.Start(ctx, l.Name); err != nil {
			return l.retryPort(ctx, found, config, content, err)
		}
	}
	return l.hostPort(found)
}

// configure writes the configuration unless it is there, and makes a running HAProxy read it.
func (l *LoadBalancer) configure(ctx context.Context, found container.Container, content []byte) error {
	current, err := l.Runtime.ReadFile(ctx, l.Name, configPath)
	if err != nil && !errors.Is(err, container.ErrNotFound) {
		return err
	}
	if bytes.Equal(current, content) {
		return nil
	}
	if err := l.write(ctx, content); err != nil {
		return err
	}
	if !found.Running() {
		return nil
	}
	return l.Runtime.Kill(ctx, l.Name, reloadSignal)
}

func (l *LoadBalancer) write(ctx context.Context, content []byte) error {
	// Unpacked at the root: the image may not have the directory.
	archive, err := container.Archive([]container.File{{Path: configPath[1:], Mode: 0o644, Content: content}})
	if err != nil {
		return err
	}
	return l.Runtime.CopyTo(ctx, l.Name, "/", bytes.NewReader(archive))
}

// create makes the container with the first host port that works.
func (l *LoadBalancer) create(ctx context.Context, config Config, content []byte) (int, error) {
	var lastErr error
	for attempt := range maxPortAttempts {
		port := l.candidate(attempt)
		if err := l.Runtime.Create(ctx, l.spec(config, port)); err != nil {
			return 0, err
		}
		if err := l.write(ctx, content); err != nil {
			return 0, err
		}
		if lastErr = l.Runtime.Start(ctx, l.Name); lastErr == nil {
			return port, nil
		}
		if !errors.Is(lastErr, container.ErrConflict) {
			return 0, lastErr
		}
		// The port of a container cannot be changed.
		if err := l.Runtime.Remove(ctx, l.Name); err != nil {
			return 0, err
		}
	}
	return 0, fmt.Errorf("no free host port in %d attempts between %d and %d: %w",
		maxPortAttempts, firstHostPort, lastHostPort, lastErr)
}

// retryPort deals with a container that could not be started. If that was never before and its port is taken,
// nobody knows the port yet, so another one will do. Otherwise kubeconfigs have been handed out with it.
func (l *LoadBalancer) retryPort(ctx context.Context, found container.Container, config Config, content []byte, cause error) (int, error) {
	if found.State != container.StateCreated || !errors.Is(cause, container.ErrConflict) || l.HostPort != 0 {
		return 0, cause
	}
	if err := l.Runtime.Remove(ctx, l.Name); err != nil {
		return 0, err
	}
	return l.create(ctx, config, content)
}

// candidate is the host port to try at an attempt: first the one the cluster had, then ports that depend only
// on the name, so that two controllers that do the same thing do it the same way.
func (l *LoadBalancer) candidate(attempt int) int {
	if l.HostPort != 0 {
		if attempt == 0 {
			return l.HostPort
		}
		attempt--
	}
	hash := fnv.New32a()
	_, _ = fmt.Fprintf(hash, "%s/%s/%d", l.Name, l.Owner.ObjectUID, attempt)
	return firstHostPort + int(hash.Sum32()%(lastHostPort-firstHostPort+1))
}

func (l *LoadBalancer) spec(config Config, hostPort int) container.Spec {
	return container.Spec{
		Name:   l.Name,
		Image:  container.LocalReference(l.Image),
		Labels: l.Owner.Labels(),
		// In the foreground, with a master process that outlives reloads.
		Entrypoint: []string{"haproxy", "-W", "-db", "-f", configPath},
		Network:    l.Network,
		Ports:      []container.PortBinding{{HostIP: HostIP, HostPort: hostPort, ContainerPort: int(config.Port)}},
		// It only forwards connections of unprivileged ports.
		DropCapabilities:     []string{"ALL"},
		SecurityOptions:      []string{"no-new-privileges"},
		RestartUnlessStopped: true,
	}
}

func (l *LoadBalancer) hostPort(found container.Container) (int, error) {
	for _, port := range found.Ports {
		if port.HostPort != 0 {
			return port.HostPort, nil
		}
	}
	return 0, fmt.Errorf("container %s publishes no port: remove it with \"docker rm -f -v %s\", it will be made again", l.Name, l.Name)
}

// Delete removes the load balancer. A container of its name that belongs to somebody else is left alone.
func (l *LoadBalancer) Delete(ctx context.Context) error {
	found, err := l.Runtime.Inspect(ctx, l.Name)
	if errors.Is(err, container.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	if !l.Owner.Owns(found, l.Established) {
		return nil
	}
	return l.Runtime.Remove(ctx, l.Name)
}

// HostEndpoint is the address of the API server as seen from the Docker host.
func HostEndpoint(hostPort int) string {
	return net.JoinHostPort(HostIP, strconv.Itoa(hostPort))
}

// ParseHostEndpoint returns the port of a host endpoint, or 0.
func ParseHostEndpoint(endpoint string) int {
	_, text, err := net.SplitHostPort(endpoint)
	if err != nil {
		return 0
	}
	port, err := strconv.Atoi(text)
	if err != nil {
		return 0
	}
	return port
}
