// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

// Package loadbalancer runs the load balancer of a cluster: one HAProxy container in front of the API servers.
//
// It is created, given its configuration and only then started, so it never starts without a valid one. Its
// host port and, where they can be assigned, its addresses are chosen once and part of the container, so they stay the
// same when the container or the engine restarts.
package loadbalancer

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"net/netip"
	"slices"

	infrav1 "github.com/terraform-capi/terraform-provider-capi/controllers/docker/api/v1beta2"
	"github.com/terraform-capi/terraform-provider-capi/controllers/docker/identity"
	"github.com/terraform-capi/terraform-provider-capi/controllers/docker/network"
	"github.com/terraform-capi/terraform-provider-capi/internal/container"
)

const (
	defaultRepository = "kindest"
	defaultTag        = "v20230606-42a2262b"

	configPath = "/usr/local/etc/haproxy/haproxy.cfg"

	// reloadSignal makes HAProxy's master process start workers with the new configuration, and lets the old
	// ones finish their connections.
	reloadSignal = "USR2"

	// memoryBytes is several times what HAProxy takes with all the connections that its configuration allows.
	memoryBytes = 256 << 20

	// Host ports are looked for in this range: below the ports that Linux and macOS hand out to outgoing
	// connections and below Kubernetes' node ports, so a port that is free stays free.
	firstHostPort, lastHostPort = 20000, 29999
	// maxPortAttempts bounds how many host ports are tried.
	maxPortAttempts = 50
)

// ErrNameTaken means that a container of the load balancer's name exists and belongs to somebody else.
var ErrNameTaken = errors.New("the container's name is taken")

// Engine has the load balancers' containers.
type Engine interface {
	identity.Files
	Create(ctx context.Context, spec container.Spec) error
	Start(ctx context.Context, name string) error
	Kill(ctx context.Context, name, signal string) error
	Remove(ctx context.Context, name string) error
	Inspect(ctx context.Context, name string) (container.Container, error)
	List(ctx context.Context, labels map[string]string) ([]container.Container, error)
}

// LoadBalancer is the load balancer of one cluster.
type LoadBalancer struct {
	// Engine has the container.
	Engine Engine
	// Name of the container if it is to be made. Ensure changes it to the one that it has, which is another one if a
	// cluster of the same name has this.
	Name string
	// Owner is the cluster.
	Owner identity.Owner
	// Image of HAProxy, as the Docker host has it.
	Image string
	// Network that the cluster's containers are on.
	Network *network.Network
	// Host of the cluster's control plane endpoint; empty if it has none yet. The load balancer gets it as its address
	// or name, also when it must be made anew.
	Host string
	// HostIP is the address of the Docker host to publish the API server at; 127.0.0.1 if empty.
	HostIP string
	// HostPort is the one that the user wants or the cluster already had, or 0 if any will do.
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

// Ensure makes the load balancer run with the configuration and returns where it is reached. The image must be
// local. A configuration that is in place already is not touched.
func (l *LoadBalancer) Ensure(ctx context.Context, config Config) (Endpoint, error) {
	content, err := config.render()
	if err != nil {
		return Endpoint{}, err
	}
	found, err := l.findOrName(ctx)
	switch {
	case errors.Is(err, container.ErrNotFound):
		err = l.createAndStart(ctx, config, content)
	case err != nil:
		return Endpoint{}, err
	case !l.isOurs(found):
		return Endpoint{}, fmt.Errorf("%w: container %s (%s) does not belong to cluster %s/%s: remove it with \"docker rm -f -v %s\" if nobody needs it",
			ErrNameTaken, l.Name, found.ID, l.Owner.Namespace, l.Owner.Cluster, l.Name)
	default:
		err = l.resume(ctx, found, config, content)
	}
	if err != nil {
		return Endpoint{}, err
	}
	if found, err = l.Engine.Inspect(ctx, l.Name); err != nil {
		return Endpoint{}, err
	}
	return l.endpoint(found)
}

// findOrName finds the container, by labels, or settles the name that it is to get.
func (l *LoadBalancer) findOrName(ctx context.Context) (container.Container, error) {
	ours, err := l.list(ctx)
	if err != nil {
		return container.Container{}, err
	}
	if len(ours) > 0 {
		l.Name = ours[0].Name
		return l.Engine.Inspect(ctx, l.Name)
	}
	found, err := l.Engine.Inspect(ctx, l.Name)
	if err == nil && l.Owner.IsNamesake(found) {
		l.Name = identity.Distinct(l.Name, l.Owner.ObjectUID)
		return l.Engine.Inspect(ctx, l.Name)
	}
	return found, err
}

// list returns the containers of the load balancer: one, or none.
func (l *LoadBalancer) list(ctx context.Context) ([]container.Container, error) {
	all, err := l.Engine.List(ctx, map[string]string{
		identity.NamespaceLabel: l.Owner.Namespace,
		identity.ClusterLabel:   l.Owner.Cluster,
		identity.RoleLabel:      identity.RoleLoadBalancer,
	})
	return slices.DeleteFunc(all, func(c container.Container) bool { return !l.isOurs(c) }), err
}

// isOurs tells whether a container was made for this load balancer, or for the cluster before it was moved here: then
// the cluster's endpoint names it.
func (l *LoadBalancer) isOurs(c container.Container) bool {
	named := l.Host != "" && (c.AssignedIPv4 == l.Host || c.IPv6 == l.Host || c.Name == l.Host)
	return l.Owner.Owns(c, named)
}

// resume brings a load balancer that exists up to date.
func (l *LoadBalancer) resume(ctx context.Context, found container.Container, config Config, content []byte) error {
	if err := l.Owner.Adopt(ctx, l.Engine, found); err != nil {
		return err
	}
	if err := l.configure(ctx, found, content); err != nil {
		return err
	}
	err := l.Network.Start(ctx, found)
	if err == nil {
		return nil
	}
	return l.replaceIfExchangeable(ctx, found, config, content, err)
}

// configure writes the configuration unless it is there, and makes a running HAProxy read it.
func (l *LoadBalancer) configure(ctx context.Context, found container.Container, content []byte) error {
	current, err := l.Engine.ReadFile(ctx, l.Name, configPath)
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
	return l.Engine.Kill(ctx, l.Name, reloadSignal)
}

func (l *LoadBalancer) write(ctx context.Context, content []byte) error {
	// Unpacked at the root: the image may not have the directory.
	archive, err := container.Archive([]container.File{{Path: configPath[1:], Mode: 0o644, Content: content}})
	if err != nil {
		return err
	}
	return l.Engine.CopyTo(ctx, l.Name, "/", bytes.NewReader(archive))
}

// createAndStart makes the container run, with the first host port that works.
func (l *LoadBalancer) createAndStart(ctx context.Context, config Config, content []byte) error {
	var conflict error
	for attempt := range maxPortAttempts {
		if err := l.create(ctx, config, content, l.candidate(attempt)); err != nil {
			return err
		}
		if conflict = l.Engine.Start(ctx, l.Name); !errors.Is(conflict, container.ErrConflict) {
			return conflict
		}
		// The port and the address of a container cannot be changed.
		if err := l.Engine.Remove(ctx, l.Name); err != nil {
			return err
		}
		if l.HostPort != 0 && !errors.Is(conflict, container.ErrAddressTaken) {
			return fmt.Errorf("the load balancer cannot have host port %d: %w", l.HostPort, conflict)
		}
	}
	return fmt.Errorf("no free host port in %d attempts between %d and %d: %w",
		maxPortAttempts, firstHostPort, lastHostPort, conflict)
}

// create makes the container, with its configuration and unstarted.
func (l *LoadBalancer) create(ctx context.Context, config Config, content []byte, hostPort int) error {
	address, _ := netip.ParseAddr(l.Host) // Zero, which is no wish, if it is a name.
	addresses, release, err := l.Network.Reserve(ctx, address)
	if errors.Is(err, container.ErrAddressTaken) {
		return fmt.Errorf("the load balancer cannot be made again with its address %s, by which the cluster's nodes and kubeconfigs know it: %w. "+
			"Remove what has the address with \"docker rm -f -v\" if nobody needs it; otherwise delete the Cluster", l.Host, err)
	}
	if err != nil {
		return err
	}
	defer release()
	if err := l.Engine.Create(ctx, l.spec(config, hostPort, addresses)); err != nil {
		return err
	}
	return l.write(ctx, content)
}

// replaceIfExchangeable deals with a container that could not be started. If it never was before and its port or address is
// taken, nobody knows them yet, so others will do. Otherwise kubeconfigs have been handed out with them.
func (l *LoadBalancer) replaceIfExchangeable(ctx context.Context, found container.Container, config Config, content []byte, cause error) error {
	exchangeable := errors.Is(cause, container.ErrAddressTaken) || errors.Is(cause, container.ErrConflict) && l.HostPort == 0
	if found.State != container.StateCreated || !exchangeable {
		return cause
	}
	if err := l.Engine.Remove(ctx, found.ID); err != nil {
		return err
	}
	return l.createAndStart(ctx, config, content)
}

// candidate is the host port to try at an attempt: the one that it must be, or ports that depend only on the name, so
// that two controllers that do the same thing do it the same way.
func (l *LoadBalancer) candidate(attempt int) int {
	if l.HostPort != 0 {
		return l.HostPort
	}
	hash := fnv.New32a()
	_, _ = fmt.Fprintf(hash, "%s/%s/%d", l.Name, l.Owner.ObjectUID, attempt)
	return firstHostPort + int(hash.Sum32()%(lastHostPort-firstHostPort+1))
}

func (l *LoadBalancer) spec(config Config, hostPort int, addresses network.Addresses) container.Spec {
	var aliases []string
	if _, err := netip.ParseAddr(l.Host); err != nil && l.Host != "" && l.Host != l.Name {
		aliases = []string{l.Host}
	}
	return container.Spec{
		Name:   l.Name,
		Image:  l.Image,
		Labels: l.Owner.Labels(),
		// In the foreground, with a master process that outlives reloads.
		Entrypoint: []string{"haproxy", "-W", "-db", "-f", configPath},
		Network:    l.Network.Name,
		Aliases:    aliases,
		IPv4:       addresses.IPv4,
		IPv6:       addresses.IPv6,
		Subnet:     addresses.Subnet,
		Ports:      []container.PortBinding{{HostIP: cmp.Or(l.HostIP, defaultHostIP), HostPort: hostPort, ContainerPort: int(config.Port)}},
		// It only forwards connections of unprivileged ports.
		DropCapabilities:     []string{"ALL"},
		SecurityOptions:      []string{"no-new-privileges"},
		MemoryBytes:          memoryBytes,
		RestartUnlessStopped: true,
	}
}

// Delete removes the load balancer. A container of its name that belongs to somebody else is left alone.
func (l *LoadBalancer) Delete(ctx context.Context) error {
	ours, err := l.list(ctx)
	if err != nil {
		return err
	}
	for _, c := range ours {
		if err := l.Engine.Remove(ctx, c.ID); err != nil {
			return err
		}
	}
	return nil
}
