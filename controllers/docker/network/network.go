// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

// Package network has the Docker network that all clusters are on, and hands out its addresses.
//
// A container that is made without an address gets the next free one at each start, so that a restart of the engine
// deals all addresses anew. A cluster does not survive that: the members of its etcd know each other by address.
// Therefore every container is made with an address of its own, which the engine only allows on a network that was
// made with a subnet. KinD's network is not, so the clusters have another one, and the nodes of the management cluster
// join it.
package network

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"sync"

	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/terraform-capi/terraform-provider-capi/controllers/docker/identity"
	"github.com/terraform-capi/terraform-provider-capi/internal/container"
)

// DefaultName is the network of all clusters of a Docker host.
const DefaultName = "terraform-capi"

// Engine has the network and the containers that are on it.
type Engine interface {
	EnsureNetwork(ctx context.Context, name string) (container.Network, error)
	Connect(ctx context.Context, name, network string) error
	Reconnect(ctx context.Context, name string) error
	Start(ctx context.Context, name string) error
	Inspect(ctx context.Context, name string) (container.Container, error)
	List(ctx context.Context, labels map[string]string) ([]container.Container, error)
}

// Network is the network of the clusters. Its zero value is not usable: Engine and Name are required.
type Network struct {
	// Engine has the containers.
	Engine Engine
	// Name of the network. It is made when it is first needed.
	Name string
	// ManagementNode is the name of the node that the controllers run on. If that is a container, and so of the same
	// engine, it is connected to the network, with all nodes of its cluster. May be empty.
	ManagementNode string

	// Clusters reads the clusters of the management cluster, whose control plane endpoints no other container gets. May be
	// nil.
	Clusters client.Reader

	mu sync.Mutex
	// reserved are addresses of containers that are being made.
	reserved []netip.Addr
}

// Ensure makes the network unless it exists.
func (n *Network) Ensure(ctx context.Context) (container.Network, error) {
	return n.Engine.EnsureNetwork(ctx, n.Name)
}

// JoinManagementCluster connects the nodes of the management cluster to the network, so that its pods reach the clusters.
func (n *Network) JoinManagementCluster(ctx context.Context) error {
	if n.ManagementNode == "" {
		return nil
	}
	node, err := n.Engine.Inspect(ctx, n.ManagementNode)
	if errors.Is(err, container.ErrNotFound) {
		return nil // It is not a container of this engine.
	}
	if err != nil {
		return err
	}
	siblings := identity.SiblingSelector(node)
	if siblings == nil {
		return nil
	}
	nodes, err := n.Engine.List(ctx, siblings)
	if err != nil {
		return err
	}
	for _, node := range nodes {
		if slices.Contains(node.Networks, n.Name) {
			continue
		}
		ctrl.LoggerFrom(ctx).Info("Connecting a node of the management cluster to the clusters' network", "node", node.Name, "network", n.Name)
		if err := n.Engine.Connect(ctx, node.Name, n.Name); err != nil {
			return err
		}
	}
	return nil
}

// Start makes a container run, connected to the network that it was made for with its own address. That network may have been
// removed since: then it is made again, and the container connected to it. A container that runs and is connected is not
// touched.
func (n *Network) Start(ctx context.Context, c container.Container) error {
	if !c.Connected() {
		// It would start, with an address that the engine chooses.
		if err := n.reconnect(ctx, c); err != nil {
			return err
		}
	}
	if c.Running() {
		return nil
	}
	err := n.Engine.Start(ctx, c.Name)
	if errors.Is(err, container.ErrNotFound) {
		if _, err := n.Engine.Inspect(ctx, c.Name); err != nil {
			return err
		}
		if err := n.reconnect(ctx, c); err != nil {
			return err
		}
		err = n.Engine.Start(ctx, c.Name)
	}
	return n.explain(ctx, c, err)
}

// explain adds to an error which container has the address.
func (n *Network) explain(ctx context.Context, c container.Container, err error) error {
	address, invalid := netip.ParseAddr(c.AssignedIPv4)
	if !errors.Is(err, container.ErrAddressTaken) || invalid != nil {
		return err
	}
	found, inspectErr := n.Engine.EnsureNetwork(ctx, c.Network)
	if inspectErr != nil {
		return err
	}
	if holder, listErr := n.holder(ctx, found, address, c.ID); listErr == nil && holder != "" {
		return fmt.Errorf("%w: %s has %s, the address that container %s was made with; remove it with \"docker rm -f -v\" if nobody needs it", err, holder, address, c.Name)
	}
	return err
}

func (n *Network) reconnect(ctx context.Context, c container.Container) error {
	ctrl.LoggerFrom(ctx).Info("Connecting the container to its network again", "container", c.Name, "network", c.Network, "address", c.AssignedIPv4)
	found, err := n.Engine.EnsureNetwork(ctx, c.Network)
	if err != nil {
		return err
	}
	if found.Assignable() && c.AssignedIPv4 == "" {
		return fmt.Errorf("container %s is not connected to network %s, and does not say which address it had there: connect it with \"docker network connect --ip ADDRESS %s %s\", "+
			"with the address that its DockerMachine or DockerCluster has", c.Name, c.Network, c.Network, c.Name)
	}
	return n.explain(ctx, c, n.Engine.Reconnect(ctx, c.Name))
}
