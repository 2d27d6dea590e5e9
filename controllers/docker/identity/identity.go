// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

// Package identity says which container belongs to which object. The container itself is the only record of that, by its
// labels and, after a move, by a file in it, so that nothing is lost with the controllers, and a container that only happens
// to have the right name is never touched.
package identity

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/validation"

	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"

	"github.com/terraform-capi/terraform-provider-capi/internal/container"
)

// Labels of kind. Its library and its command take every container with them for a node of a KinD cluster, and delete it
// with that, so the containers of workload clusters never carry them.
const (
	KindClusterLabel = "io.x-k8s.kind.cluster"
	KindRoleLabel    = "io.x-k8s.kind.role"
)

// Labels of ours. Together they tell the object that a container was made for.
const (
	// ManagementUIDLabel is the UID of the management cluster that the container was made by (Management).
	ManagementUIDLabel = "terraform-capi.io/management-cluster-uid"
	// ManagementNodeLabel is the node of the management cluster that its controllers ran on; empty if that is no
	// container of this engine.
	ManagementNodeLabel = "terraform-capi.io/management-node"

	NamespaceLabel  = "terraform-capi.io/namespace"
	ClusterLabel    = "terraform-capi.io/cluster"
	ClusterUIDLabel = "terraform-capi.io/cluster-uid"
	// ObjectUIDLabel is the UID of the DockerMachine or DockerCluster that the container was made for.
	ObjectUIDLabel = "terraform-capi.io/object-uid"
	// RoleLabel is one of the roles below.
	RoleLabel = "terraform-capi.io/role"
	// MachineLabel is the name of the DockerMachine. Load balancers have it, too, with an empty value.
	MachineLabel = "terraform-capi.io/machine"
	// EndpointLabel is the host of the cluster's control plane endpoint, on nodes: it is the load balancer's address also
	// while that does not exist.
	EndpointLabel = "terraform-capi.io/control-plane-endpoint"
	// KindClaimLabel marks a container that never runs: it reserves the name of a KinD cluster, the label's value, while the
	// plugin creates that.
	KindClaimLabel = "terraform-capi.io/claim"
	// FailureDomainLabel is the one that upstream's Docker provider uses.
	FailureDomainLabel = "io.x-k8s.cluster.failureDomain"
)

// Roles of a container. Those of nodes are also kind's.
const (
	RoleControlPlane = "control-plane"
	RoleWorker       = "worker"
	RoleLoadBalancer = "load-balancer"
)

// Owner is the object that a container is made for.
type Owner struct {
	// Management is the management cluster that has the object. It changes when the object is moved.
	Management Management
	// Namespace and Cluster name the Cluster.
	Namespace, Cluster string
	// ClusterUID is the Cluster's, ObjectUID the one of the DockerMachine or DockerCluster. They change when the
	// objects are moved to another management cluster.
	ClusterUID, ObjectUID types.UID
	// Created is when the object was created in its management cluster: for one that was moved, the time of the move.
	Created time.Time
	// Machine is the name of the DockerMachine; empty for the load balancer.
	Machine string
	// Role is one of the roles of this package.
	Role string
}

// Labels are what a container of the owner carries.
func (o Owner) Labels() map[string]string {
	return map[string]string{
		ManagementUIDLabel:  string(o.Management.UID),
		ManagementNodeLabel: o.Management.Node,
		NamespaceLabel:      o.Namespace,
		ClusterLabel:        o.Cluster,
		ClusterUIDLabel:     string(o.ClusterUID),
		ObjectUIDLabel:      string(o.ObjectUID),
		RoleLabel:           o.Role,
		MachineLabel:        o.Machine,
	}
}

// Owns tells whether a container was made for the owner. Established says that the owner's object already refers to the
// container by name. Then the UID may differ, because a move gives the object a new one; but the move came after the
// container. A container that is younger than the object and was not made for it only has the name of one that is gone:
// names are given independently in each management cluster. An object that does not refer to a container yet must not
// inherit what a deleted object of the same name left behind.
func (o Owner) Owns(c container.Container, established bool) bool {
	return o.matches(c) && (c.Labels[ObjectUIDLabel] == string(o.ObjectUID) || established && c.Created.Before(o.Created))
}

// matches tells whether a container was made for an object of the owner's names, in whatever management cluster.
func (o Owner) matches(c container.Container) bool {
	namespace, ours := c.Labels[NamespaceLabel]
	return ours && namespace == o.Namespace &&
		c.Labels[ClusterLabel] == o.Cluster &&
		c.Labels[MachineLabel] == o.Machine &&
		(c.Labels[RoleLabel] == RoleLoadBalancer) == (o.Role == RoleLoadBalancer)
}

// IsNamesake tells whether a container belongs to another machine or cluster, from whose names the same container name is
// made. A predecessor, which had all the names of the owner, is no namesake.
func (o Owner) IsNamesake(c container.Container) bool {
	_, ours := c.Labels[NamespaceLabel]
	return ours && (!o.matches(c) || c.Labels[ManagementUIDLabel] != string(o.Management.UID))
}

// Role is the role of a node or load balancer, of a workload cluster or of KinD; empty for other containers.
func Role(c container.Container) string {
	return cmp.Or(c.Labels[RoleLabel], c.Labels[KindRoleLabel])
}

// SiblingSelector selects the containers of the cluster that a node belongs to, a workload cluster or KinD's. It is nil if the
// container is not a node of either.
func SiblingSelector(c container.Container) map[string]string {
	switch {
	case c.Labels[ClusterLabel] != "":
		return map[string]string{NamespaceLabel: c.Labels[NamespaceLabel], ClusterLabel: c.Labels[ClusterLabel]}
	case c.Labels[KindClusterLabel] != "":
		return map[string]string{KindClusterLabel: c.Labels[KindClusterLabel]}
	default:
		return nil
	}
}

// ClusterSelector selects the containers of a cluster.
func ClusterSelector(cluster *clusterv1.Cluster) map[string]string {
	return map[string]string{NamespaceLabel: cluster.Namespace, ClusterLabel: cluster.Name}
}

// MachineContainer is the name of a machine's container, and so of its Kubernetes node, unless another machine has it.
// Upstream names them the same way. Three kinds of names get a suffix, always the same for an object: those that are too
// long, of which the machine's name stays as far as there is room; those that Docker does not take; and what could be the
// name of a KinD node, whether or not there is such a cluster: it may be made later, and finds its nodes by name.
func MachineContainer(cluster, machine string, infra types.UID) string {
	name := machine
	if !strings.HasPrefix(machine, cluster) {
		name = cluster + "-" + machine
	}
	switch {
	case len(name) > maxHostName:
		return Distinct(machine, infra)
	case len(name) < minContainerName, kindNode.MatchString(name):
		return Distinct(name, infra)
	}
	return name
}

// kindNode matches the names that kind gives to containers: the cluster's name, the role, and a number from 2 on.
var kindNode = regexp.MustCompile(`-(control-plane|worker|external-load-balancer)[0-9]*$`)

const (
	// maxHostName is how long a container's name may be: it is a host name, too (RFC 1123).
	maxHostName = validation.DNS1123LabelMaxLength
	// minContainerName is how long it has to be (moby 28, daemon/names).
	minContainerName = 2
)

// Distinct is a container name that nobody else makes from the same name. It is not longer than a host name may be, and
// another one if it is made from itself again.
func Distinct(name string, uid types.UID) string {
	sum := sha256.Sum256([]byte(string(uid) + "/" + name))
	suffix := "-" + hex.EncodeToString(sum[:])[:5]
	if len(name)+len(suffix) > maxHostName {
		name = strings.TrimRight(name[:maxHostName-len(suffix)], "-.")
	}
	return name + suffix
}

// providerIDPrefix is upstream's.
const providerIDPrefix = "docker:////"

// ProviderID is the provider id of a machine in a container.
func ProviderID(containerName string) string {
	return providerIDPrefix + containerName
}

// ContainerName is the container that a provider id names; empty if it names none.
func ContainerName(providerID string) string {
	name, found := strings.CutPrefix(providerID, providerIDPrefix)
	if !found {
		return ""
	}
	return name
}

// LoadBalancerContainer is the name of the load balancer's container unless a cluster of the same name has it. Upstream
// names it so, and its tools find it by that.
func LoadBalancerContainer(cluster string, infra types.UID) string {
	if name := cluster + "-lb"; len(name) <= maxHostName {
		return name
	}
	return Distinct(cluster+"-lb", infra)
}
