// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package kind

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

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
}

func ids(nodes []node) []string {
	result := make([]string, len(nodes))
	for i, n := range nodes {
		result[i] = n.ID
	}
	slices.Sort(result)
	return result
}

// find returns the containers of a KinD cluster, stopped ones included. KinD's own
// library selects by label alone. But Cluster API's Docker provider gives that
// label to machines of workload clusters as well, and the name of a workload
// cluster may be the one of a KinD cluster.
func (c *Clusters) find(ctx context.Context, name string) ([]node, error) {
	out, err := c.docker(ctx, "ps", "--all", "--no-trunc", "--filter", "label="+Label+"="+name,
		"--format", `{{.ID}} {{.Names}} {{.Label "`+roleLabel+`"}} {{.Labels}}`)
	if err != nil {
		return nil, err
	}
	var found []node
	for line := range strings.Lines(string(out)) {
		fields := strings.SplitN(strings.TrimSpace(line), " ", 4)
		if len(fields) < 4 || isOurs(fields[3]) || !isNodeName(name, fields[1], fields[2]) {
			continue
		}
		found = append(found, node{ID: fields[0], Name: fields[1], Role: fields[2]})
	}
	return found, nil
}

func (c *Clusters) mustFind(ctx context.Context, name string) ([]node, error) {
	found, err := c.find(ctx, name)
	if err == nil && len(found) == 0 {
		err = fmt.Errorf("%w: %q", ErrNotFound, name)
	}
	return found, err
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
