// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package kind

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"sigs.k8s.io/kind/pkg/cluster/constants"
)

const (
	// Label marks the containers of a KinD cluster; its value is the cluster's name.
	Label = "io.x-k8s.kind.cluster"
	// roleLabel is what KinD calls the role of a node.
	roleLabel = "io.x-k8s.kind.role"
	// ourLabels is how the labels of the containers start that this provider makes
	// itself.
	ourLabels = "terraform-capi.io/"
)

// Identity tells one KinD cluster from every other, whatever they are called.
type Identity struct {
	// Engine is the id of the Docker engine.
	Engine string `json:"engine"`
	// Nodes are the ids of the nodes' containers, sorted.
	Nodes []string `json:"nodes"`
}

// Identity asks which cluster it is that has this name now. The error is
// ErrNotFound if there is none; which engine says so, Engine tells.
func (c *Clusters) Identity(ctx context.Context, name string) (Identity, error) {
	engine, err := c.Engine(ctx)
	if err != nil {
		return Identity{}, err
	}
	found, err := c.mustFind(ctx, name)
	if err != nil {
		return Identity{}, err
	}
	return Identity{Engine: engine.ID, Nodes: ids(found)}, nil
}

// node is a container of a KinD cluster. KinD takes the load balancer in front of
// several control plane nodes for a node, too.
type node struct {
	ID, Name, Role string
	// State is docker's: created, running, paused, exited, and others.
	State string
}

func ids(nodes []node) []string {
	result := make([]string, len(nodes))
	for i, n := range nodes {
		result[i] = n.ID
	}
	slices.Sort(result)
	return result
}

func names(nodes []node) []string {
	result := make([]string, len(nodes))
	for i, n := range nodes {
		result[i] = n.Name
	}
	slices.Sort(result)
	return result
}

// NodeName is the name of the container that has the control plane of a KinD cluster.
func NodeName(name string) string { return name + "-" + constants.ControlPlaneNodeRoleValue }

// find returns the containers of a KinD cluster, stopped ones included, and those
// that only carry KinD's label. KinD's own library goes by the label alone. But
// Cluster API's Docker provider gives it to machines of workload clusters, too, and
// the name of a workload cluster may be the one of a KinD cluster.
func (c *Clusters) find(ctx context.Context, name string) (nodes, others []node, err error) {
	out, err := c.query(ctx, "ps", "--all", "--no-trunc", "--filter", "label="+Label+"="+name,
		"--format", `{{.ID}} {{.Names}} {{.State}} {{.Label "`+roleLabel+`"}} {{.Labels}}`)
	if err != nil {
		return nil, nil, err
	}
	for line := range strings.Lines(string(out)) {
		fields := strings.SplitN(strings.TrimSpace(line), " ", 5)
		if len(fields) != 5 {
			return nil, nil, fmt.Errorf("cannot read what docker ps says: %q", line)
		}
		n := node{ID: fields[0], Name: fields[1], State: fields[2], Role: fields[3]}
		if isOurs(fields[4]) || !isNodeName(name, n.Name, n.Role) {
			others = append(others, n)
		} else {
			nodes = append(nodes, n)
		}
	}
	return nodes, others, nil
}

func (c *Clusters) mustFind(ctx context.Context, name string) ([]node, error) {
	nodes, _, err := c.find(ctx, name)
	if err == nil && len(nodes) == 0 {
		err = fmt.Errorf("%w: %q", ErrNotFound, name)
	}
	return nodes, err
}

func (c *Clusters) controlPlane(ctx context.Context, name string) (node, error) {
	nodes, err := c.mustFind(ctx, name)
	if err != nil {
		return node{}, err
	}
	found, ok := controlPlaneOf(nodes, name)
	if !ok {
		return node{}, noControlPlane(name)
	}
	return found, nil
}

func noControlPlane(name string) error {
	return fmt.Errorf("KinD cluster %q has nodes, but no %s", name, NodeName(name))
}

func controlPlaneOf(nodes []node, name string) (node, bool) {
	i := slices.IndexFunc(nodes, func(n node) bool { return n.Name == NodeName(name) })
	if i < 0 {
		return node{}, false
	}
	return nodes[i], true
}

// isOurs reads labels as docker ps prints them.
func isOurs(labels string) bool {
	return slices.ContainsFunc(strings.Split(labels, ","), func(label string) bool { return strings.HasPrefix(label, ourLabels) })
}

// isNodeName says whether KinD would call a container of that role so: CLUSTER-ROLE,
// and from the second on with a number. Machines of Cluster API have longer names.
func isNodeName(cluster, container, role string) bool {
	switch role {
	case constants.ControlPlaneNodeRoleValue, constants.WorkerNodeRoleValue, constants.ExternalLoadBalancerNodeRoleValue:
	default:
		return false
	}
	number, ok := strings.CutPrefix(container, cluster+"-"+role)
	if !ok || number == "" {
		return ok
	}
	n, err := strconv.Atoi(number)
	return err == nil && n >= 2 && number == strconv.Itoa(n)
}

// Start starts the nodes of a cluster that are stopped, and resumes those that are
// paused.
func (c *Clusters) Start(ctx context.Context, name string) error {
	nodes, err := c.mustFind(ctx, name)
	if err != nil {
		return err
	}
	for _, n := range nodes {
		switch n.State {
		case "running":
		case "paused":
			_, err = c.run(ctx, nil, "unpause", n.ID)
		default:
			_, err = c.run(ctx, nil, "start", n.ID)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// Existing returns the names of those containers that exist. Ids stay when a container
// gets another name.
func (c *Clusters) Existing(ctx context.Context, ids []string) ([]string, error) {
	var names []string
	for _, id := range ids {
		inspected, err := c.inspect(ctx, id)
		switch {
		case errors.Is(err, errNoContainer):
		case err != nil:
			return nil, err
		default:
			names = append(names, strings.TrimPrefix(inspected.Name, "/"))
		}
	}
	return names, nil
}

const (
	// poll is how often it is looked at first whether a container has come or gone.
	poll = 200 * time.Millisecond
	// slowestPoll is how often, once that takes long.
	slowestPoll = 5 * time.Second
)

// Delete deletes nodes, which are the ids of containers, with their volumes. Those
// that do not exist any more are no error.
func (c *Clusters) Delete(ctx context.Context, nodes []string) error {
	for _, id := range nodes {
		if err := c.remove(ctx, id); err != nil {
			return fmt.Errorf("cannot delete container %.12s: %w", id, err)
		}
	}
	return nil
}

// remove removes a container. It waits for whoever else is removing it.
func (c *Clusters) remove(ctx context.Context, id string) error {
	for interval := poll; ; interval = min(2*interval, slowestPoll) {
		_, err := c.run(ctx, nil, "rm", "--force", "--volumes", id)
		switch {
		case errors.Is(err, errNoContainer):
			return nil
		case err == nil || !strings.Contains(err.Error(), "is already in progress"):
			return err
		}
		if !sleep(ctx, interval) {
			return err
		}
	}
}

// HasDockerSocket says whether into any of the cluster's nodes something is
// mounted where the engine's socket is expected. The error is ErrNotFound if
// there is no such cluster.
func (c *Clusters) HasDockerSocket(ctx context.Context, name string) (bool, error) {
	nodes, err := c.mustFind(ctx, name)
	if err != nil {
		return false, err
	}
	for _, n := range nodes {
		inspected, err := c.inspect(ctx, n.ID)
		if err != nil {
			return false, err
		}
		for _, mount := range inspected.Mounts {
			if mount.Destination == DockerSocket {
				return true, nil
			}
		}
	}
	return false, nil
}
