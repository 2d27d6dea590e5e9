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

// Cluster is a workload cluster, or what is left of one, without its management cluster.
type Cluster struct {
	// Management is the management cluster that the cluster belonged to.
	Management identity.Management
	// Namespace and Name of the Cluster.
	Namespace, Name string
	// Containers are its nodes and its load balancer, in the order of their names.
	Containers []container.Container
	// Life says why the cluster lives or may live. It is empty if the cluster is dead.
	Life string
}

// String names the cluster and its containers.
func (c Cluster) String() string {
	names := make([]string, len(c.Containers))
	for i, found := range c.Containers {
		names[i] = found.Name
	}
	return fmt.Sprintf("cluster %s/%s of management cluster %s on %s: %s",
		c.Namespace, c.Name, c.Management.UID, c.Management.Node, strings.Join(names, ", "))
}

// Findings are clusters without a management cluster, in the order of their management clusters and names.
type Findings struct {
	// Orphans are dead.
	Orphans []Cluster
	// Kept live, or may live.
	Kept []Cluster
	// Silent are the names of control plane containers that do not answer, because of which there may be more clusters
	// without a management cluster.
	Silent []string
}

// Find finds the clusters whose management cluster does not exist any more. The rule is the package's. It fails if the
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
	controlPlanes, err := askControlPlanes(ctx, runtime, nodesAmong(containers, members))
	if err != nil {
		return Findings{}, err
	}
	var silent []string
	found := group(members, func(m member) bool {
		if m.management.Node == "" || controlPlanes.manage(m.management.UID) || manages(controlPlanes.uids[m.cluster()], members) {
			return false
		}
		mayManage := controlPlanes.mayManage(m)
		silent = append(silent, mayManage...)
		return len(mayManage) == 0
	})
	findings, err := controlPlanes.split(ctx, runtime, found)
	slices.Sort(silent)
	findings.Silent = slices.Compact(silent)
	return findings, err
}

// Of finds the clusters that belong to a management cluster, whether or not that exists. It fails as Find does.
func Of(ctx context.Context, runtime container.Runtime, managementUID types.UID) (Findings, error) {
	containers, err := runtime.List(ctx, nil)
	if err != nil {
		return Findings{}, err
	}
	members, err := membersAmong(ctx, runtime, containers)
	if err != nil {
		return Findings{}, err
	}
	found := group(members, func(m member) bool { return m.management.UID == managementUID })
	members = slices.DeleteFunc(members, func(m member) bool { return m.management.UID != managementUID })
	controlPlanes, err := askControlPlanes(ctx, runtime, nodesAmong(nil, members))
	if err != nil {
		return Findings{}, err
	}
	return controlPlanes.split(ctx, runtime, found)
}

// member is a container of a workload cluster.
type member struct {
	container.Container
	management identity.Management
}

// clusterKey tells apart the clusters whose nodes are on an engine. The first two are empty for KinD's.
type clusterKey struct {
	managementUID   types.UID
	namespace, name string
}

// cluster is the cluster of the container in its management cluster. The node of that does not matter: controllers move
// from one to another.
func (m member) cluster() clusterKey {
	return clusterKey{m.management.UID, m.Labels[identity.NamespaceLabel], m.Labels[identity.ClusterLabel]}
}

// origin is the cluster that the container was made for, in the management cluster that made it.
func (m member) origin() clusterKey {
	return clusterKey{types.UID(m.Labels[identity.ManagementUIDLabel]), m.Labels[identity.NamespaceLabel], m.Labels[identity.ClusterLabel]}
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
func group(members []member, matches func(member) bool) []Cluster {
	excluded := map[clusterKey]bool{}
	for _, m := range members {
		if !matches(m) {
			excluded[m.origin()] = true
		}
	}
	var clusters []Cluster
	for _, m := range members {
		if excluded[m.origin()] {
			continue
		}
		i := slices.IndexFunc(clusters, func(c Cluster) bool { return c.key() == m.cluster() })
		if i < 0 {
			i = len(clusters)
			clusters = append(clusters, Cluster{Management: m.management, Namespace: m.cluster().namespace, Name: m.cluster().name})
		}
		clusters[i].Containers = append(clusters[i].Containers, m.Container)
	}
	slices.SortFunc(clusters, func(a, b Cluster) int {
		return cmp.Or(cmp.Compare(a.Management.Node, b.Management.Node), cmp.Compare(a.Management.UID, b.Management.UID),
			cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
	})
	return clusters
}

func (c Cluster) key() clusterKey { return clusterKey{c.Management.UID, c.Namespace, c.Name} }
