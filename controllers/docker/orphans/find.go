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

	"github.com/terraform-capi/terraform-provider-capi/controllers/docker/bootstrap"
	"github.com/terraform-capi/terraform-provider-capi/controllers/docker/identity"
	"github.com/terraform-capi/terraform-provider-capi/controllers/docker/images"
	"github.com/terraform-capi/terraform-provider-capi/internal/container"
)

// Engine has the containers among which orphans are looked for, and what they leave behind.
type Engine interface {
	bootstrap.FileReader
	identity.FileReader
	images.VolumeRemover
	List(ctx context.Context, labels map[string]string) ([]container.Container, error)
	Exec(ctx context.Context, name string, exec container.Exec) (int, error)
	Remove(ctx context.Context, name string) error
	UnusedVolumes(ctx context.Context, label string) ([]string, error)
	RemoveUnusedNetwork(ctx context.Context, name string) (bool, error)
}

// Cluster is a workload cluster, or what is left of one, without its management cluster.
type Cluster struct {
	// Management is the management cluster that the cluster belonged to.
	Management identity.Management
	// Namespace and Name of the Cluster.
	Namespace, Name string
	// Reason says in a few words why nothing manages the containers, or why that is not known.
	Reason string
	// Containers are its nodes and its load balancer, or those of them that the reason is about, in the order of their names.
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

// Findings are clusters without a management cluster, and containers without an object in theirs, in the order of their
// management clusters and names.
type Findings struct {
	// Orphans are dead.
	Orphans []Cluster
	// Kept live, or may live.
	Kept []Cluster
	// Unknown are containers of which nobody here can know whether anything manages them.
	Unknown []Cluster
	// Claims are the containers that reserve names of KinD clusters. A creation that was killed leaves one.
	Claims []container.Container
	// Silent are the names of control plane containers that do not answer, because of which there may be more clusters
	// without a management cluster.
	Silent []string
}

// Find finds the clusters whose management cluster does not exist any more, and the containers whose object does not. The
// rules are the package's. It fails if the engine does, or if a container cannot be looked into.
func Find(ctx context.Context, engine Engine) (Findings, error) {
	// Only what existed before the control planes are asked can belong to none of them.
	containers, err := engine.List(ctx, nil)
	if err != nil {
		return Findings{}, err
	}
	claims := slices.DeleteFunc(slices.Clone(containers), func(c container.Container) bool { return c.Labels[identity.KindClaimLabel] == "" })
	members, err := membersAmong(ctx, engine, containers)
	if err != nil || len(members) == 0 {
		return Findings{Claims: claims}, err
	}
	controlPlanes, err := askControlPlanes(ctx, engine, nodesAmong(containers, members))
	if err != nil {
		return Findings{}, err
	}
	answers, err := controlPlanes.askObjects(ctx, engine, members)
	if err != nil {
		return Findings{}, fmt.Errorf("asking the management clusters on the engine which objects they have: %w", err)
	}
	// A container that was removed meanwhile went with its object.
	if members, err = remaining(ctx, engine, members); err != nil {
		return Findings{}, err
	}
	var silent []string
	found := group(members, reasonNoManagement, func(m member) bool {
		if m.management.Node == "" || controlPlanes.manage(m.management.UID) || manages(controlPlanes.uids[m.cluster()], members) {
			return false
		}
		mayManage := controlPlanes.mayManage(m)
		silent = append(silent, mayManage...)
		return len(mayManage) == 0
	})
	without, unknown := withoutObjects(members, answers)
	findings, err := controlPlanes.split(ctx, engine, sorted(slices.Concat(found, without)))
	findings.Unknown, findings.Claims = unknown, claims
	slices.Sort(silent)
	findings.Silent = slices.Compact(silent)
	return findings, err
}

// withoutObjects returns the containers, by cluster, that have no object in a management cluster that answers, and those of
// which it is not known.
func withoutObjects(members []member, answers map[types.UID]objects) (without, unknown []Cluster) {
	for _, m := range members {
		answer, asked := answers[m.management.UID]
		if !asked {
			if m.management.Node == "" {
				unknown = add(unknown, m, reasonElsewhere)
			}
			continue
		}
		switch reason, known := answer.judge(m, members); {
		case !known:
			unknown = add(unknown, m, reason)
		case reason != "":
			without = add(without, m, reason)
		}
	}
	return without, sorted(unknown)
}

// Of finds the clusters that belong to a management cluster, whether or not that exists. It fails as Find does.
func Of(ctx context.Context, engine Engine, managementUID types.UID) (Findings, error) {
	containers, err := engine.List(ctx, nil)
	if err != nil {
		return Findings{}, err
	}
	members, err := membersAmong(ctx, engine, containers)
	if err != nil {
		return Findings{}, err
	}
	found := group(members, reasonNoManagement, func(m member) bool { return m.management.UID == managementUID })
	members = slices.DeleteFunc(members, func(m member) bool { return m.management.UID != managementUID })
	controlPlanes, err := askControlPlanes(ctx, engine, nodesAmong(nil, members))
	if err != nil {
		return Findings{}, err
	}
	return controlPlanes.split(ctx, engine, found)
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

// membersAmong returns those of the containers that management clusters made. One that does not say on which node the
// controllers of its management cluster ran has it from one that does.
func membersAmong(ctx context.Context, engine Engine, containers []container.Container) ([]member, error) {
	var members []member
	for _, c := range containers {
		if c.Labels[identity.ManagementUIDLabel] == "" {
			continue
		}
		management, err := identity.ManagementOf(ctx, engine, c)
		if err != nil {
			return nil, fmt.Errorf("finding out which management cluster container %s belongs to: %w", c.Name, err)
		}
		members = append(members, member{c, management})
	}
	nodes := map[types.UID]string{}
	for _, m := range members {
		nodes[m.management.UID] = cmp.Or(nodes[m.management.UID], m.management.Node)
	}
	for i, m := range members {
		members[i].management.Node = cmp.Or(m.management.Node, nodes[m.management.UID])
	}
	return members, nil
}

// remaining returns those of the members that still exist.
func remaining(ctx context.Context, engine Engine, members []member) ([]member, error) {
	containers, err := engine.List(ctx, map[string]string{identity.ManagementUIDLabel: ""})
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(members, func(m member) bool {
		return !slices.ContainsFunc(containers, func(c container.Container) bool { return c.ID == m.ID })
	}), nil
}

// manages tells whether a cluster with this UID has any of the members.
func manages(uid types.UID, members []member) bool {
	return slices.ContainsFunc(members, func(m member) bool { return m.management.UID == uid })
}

// group puts members into clusters, and leaves out clusters that have a member which does not match.
func group(members []member, reason string, matches func(member) bool) []Cluster {
	excluded := map[clusterKey]bool{}
	for _, m := range members {
		if !matches(m) {
			excluded[m.origin()] = true
		}
	}
	var clusters []Cluster
	for _, m := range members {
		if !excluded[m.origin()] {
			clusters = add(clusters, m, reason)
		}
	}
	return sorted(clusters)
}

// add puts a member into its cluster among those that have the reason.
func add(clusters []Cluster, m member, reason string) []Cluster {
	i := slices.IndexFunc(clusters, func(c Cluster) bool { return c.key() == m.cluster() && c.Reason == reason })
	if i < 0 {
		i = len(clusters)
		clusters = append(clusters, Cluster{Management: m.management, Namespace: m.cluster().namespace, Name: m.cluster().name, Reason: reason})
	}
	clusters[i].Containers = append(clusters[i].Containers, m.Container)
	return clusters
}

func sorted(clusters []Cluster) []Cluster {
	slices.SortStableFunc(clusters, func(a, b Cluster) int {
		return cmp.Or(cmp.Compare(a.Management.Node, b.Management.Node), cmp.Compare(a.Management.UID, b.Management.UID),
			cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
	})
	return clusters
}

func (c Cluster) key() clusterKey { return clusterKey{c.Management.UID, c.Namespace, c.Name} }
