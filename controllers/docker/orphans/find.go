// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package orphans

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/types"

	"github.com/terraform-capi/terraform-provider-capi/controllers/docker/identity"
	"github.com/terraform-capi/terraform-provider-capi/internal/container"
)

// Orphan is a cluster, or what is left of one, without its management cluster.
type Orphan struct {
	// Management is the management cluster that the cluster belonged to.
	Management identity.Management
	// Namespace and Name of the Cluster.
	Namespace, Name string
	// Containers are its nodes and its load balancer, in the order of their names.
	Containers []container.Container
}

// String names the orphan and its containers.
func (o Orphan) String() string {
	names := make([]string, len(o.Containers))
	for i, c := range o.Containers {
		names[i] = c.Name
	}
	return fmt.Sprintf("cluster %s/%s of management cluster %s on %s: %s",
		o.Namespace, o.Name, o.Management.UID, o.Management.Node, strings.Join(names, ", "))
}

// Findings are what Find found.
type Findings struct {
	// Orphans are in the order of their management clusters and names.
	Orphans []Orphan
	// Silent are the names of control plane containers that do not answer, because of which there may be more orphans.
	Silent []string
}

// Find finds the containers whose management cluster does not exist any more. The rule is the package's. It fails if the
// engine does, or if a container cannot be looked into.
func Find(ctx context.Context, runtime container.Runtime) (Findings, error) {
	// Only what existed before the control planes are asked can belong to none of them.
	containers, err := runtime.List(ctx, nil)
	if err != nil {
		return Findings{}, err
	}
	members, err := membersAmong(ctx, runtime, containers)
	if err != nil || len(members) == 0 {
		return Findings{}, err
	}
	controlPlanes := askControlPlanes(ctx, runtime, containers)
	if err := ctx.Err(); err != nil {
		return Findings{}, fmt.Errorf("asking the control planes on the engine which management clusters exist: %w", err)
	}
	var findings Findings
	findings.Orphans = group(members, func(m member) bool {
		if m.management.Node == "" || controlPlanes.manage(m.management.UID) || manages(controlPlanes.uids[clusterOf(m.Container)], members) {
			return false
		}
		silent := controlPlanes.mayManage(m)
		findings.Silent = append(findings.Silent, silent...)
		return len(silent) == 0
	})
	slices.Sort(findings.Silent)
	findings.Silent = slices.Compact(findings.Silent)
	return findings, nil
}

// Of finds the containers that belong to a management cluster, whether or not it exists.
func Of(ctx context.Context, runtime container.Runtime, managementUID types.UID) ([]Orphan, error) {
	containers, err := runtime.List(ctx, nil)
	if err != nil {
		return nil, err
	}
	members, err := membersAmong(ctx, runtime, containers)
	return group(members, func(m member) bool { return m.management.UID == managementUID }), err
}

// member is a container of a workload cluster.
type member struct {
	container.Container
	management identity.Management
}

// membersAmong returns those of the containers that management clusters made.
func membersAmong(ctx context.Context, runtime container.Runtime, containers []container.Container) ([]member, error) {
	var members []member
	for _, c := range containers {
		if c.Labels[identity.ManagementUIDLabel] == "" {
			continue
		}
		management, err := identity.ManagementOf(ctx, runtime, c)
		if err != nil {
			return nil, fmt.Errorf("finding out which management cluster container %s belongs to: %w", c.Name, err)
		}
		members = append(members, member{c, management})
	}
	return members, nil
}

// manages tells whether a cluster with this UID has any of the members.
func manages(uid types.UID, members []member) bool {
	return slices.ContainsFunc(members, func(m member) bool { return m.management.UID == uid })
}

// group puts members into clusters, and leaves out clusters that have a member which does not match.
func group(members []member, matches func(member) bool) []Orphan {
	excluded := map[clusterKey]bool{}
	for _, m := range members {
		if !matches(m) {
			excluded[clusterOf(m.Container)] = true
		}
	}
	var orphans []Orphan
	for _, m := range members {
		if excluded[clusterOf(m.Container)] {
			continue
		}
		i := slices.IndexFunc(orphans, func(o Orphan) bool { return o.has(m) })
		if i < 0 {
			i = len(orphans)
			orphans = append(orphans, Orphan{
				Management: m.management, Namespace: m.Labels[identity.NamespaceLabel], Name: m.Labels[identity.ClusterLabel],
			})
		}
		orphans[i].Containers = append(orphans[i].Containers, m.Container)
	}
	slices.SortFunc(orphans, func(a, b Orphan) int {
		return cmp.Or(cmp.Compare(a.Management.Node, b.Management.Node), cmp.Compare(a.Management.UID, b.Management.UID),
			cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
	})
	return orphans
}

// has tells whether a member belongs to the orphan. The node does not matter: controllers move from one to another.
func (o Orphan) has(m member) bool {
	return o.Management.UID == m.management.UID &&
		o.Namespace == m.Labels[identity.NamespaceLabel] && o.Name == m.Labels[identity.ClusterLabel]
}
