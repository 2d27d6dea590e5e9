// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

// Package identity says which container belongs to which object. Labels on the container are the only record of
// that, so that nothing is lost with the controllers, and a container that only happens to have the right name
// is never touched.
package identity

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"k8s.io/apimachinery/pkg/types"

	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"

	"github.com/terraform-capi/terraform-provider-capi/internal/container"
)

// Labels of kind, under which its tools and Cluster API's log collectors find containers.
const (
	KindClusterLabel = "io.x-k8s.kind.cluster"
	KindRoleLabel    = "io.x-k8s.kind.role"
)

// Labels of ours. Together they tell the object that a container was made for.
const (
	//
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
	// MachineLabel is the name of the DockerMachine. Load balancers have it, too, with an empty value.
	MachineLabel = "terraform-capi.io/machine"
	// FailureDomainLabel is the one that upstream's Docker provider uses.
	FailureDomainLabel = "io.x-k8s.cluster.failureDomain"
)

// Roles of a container, values of KindRoleLabel.
const (
	RoleControlPlane = "control-plane"
	RoleWorker       = "worker"
	RoleLoadBalancer = "external-load-balancer"
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
	// Machine is the name of the DockerMachine; empty for the load balancer.
	Machine string
	// Role is one of the roles of this package.
	Role string
}

// Labels are what a container of the owner carries.
func (o Owner) Labels() map[string]string {
	return map[string]string{
		KindClusterLabel:    o.Cluster,
		KindRoleLabel:       o.Role,
		ManagementUIDLabel:  string(o.Management.UID),
		ManagementNodeLabel: o.Management.Node,
		NamespaceLabel:      o.Namespace,
		ClusterLabel:        o.Cluster,
		ClusterUIDLabel:     string(o.ClusterUID),
		ObjectUIDLabel:      string(o.ObjectUID),
		MachineLabel:        o.Machine,
	}
}

// Owns tells whether a container was made for the owner. Established says that the owner's object already
// refers to the container; then its UID may differ, because a move gives it a new one. An object that does not
// refer to it yet must not inherit what a deleted object of the same name left behind.
func (o Owner) Owns(c container.Container, established bool) bool {
	return c.Labels[NamespaceLabel] == o.Namespace &&
		c.Labels[ClusterLabel] == o.Cluster &&
		c.Labels[MachineLabel] == o.Machine &&
		(c.Labels[KindRoleLabel] == RoleLoadBalancer) == (o.Role == RoleLoadBalancer) &&
		(established || c.Labels[ObjectUIDLabel] == string(o.ObjectUID))
}

// IsNamesake tells whether a container belongs to a cluster of another namespace or management cluster, where names
// are given independently.
func (o Owner) IsNamesake(c container.Container) bool {
	namespace, ours := c.Labels[NamespaceLabel]
	return ours && (namespace != o.Namespace || c.Labels[ManagementUIDLabel] != string(o.Management.UID))
}

// ClusterSelector selects the containers of a cluster.
func ClusterSelector(cluster *clusterv1.Cluster) map[string]string {
	return map[string]string{NamespaceLabel: cluster.Namespace, ClusterLabel: cluster.Name}
}

// MachineContainer is the name of a machine's container, and so of its Kubernetes node. Upstream names them the
// same way.
func MachineContainer(cluster, machine string) string {
	if strings.HasPrefix(machine, cluster) {
		return machine
	}
	return cluster + "-" + machine
}

// maxHostName is how long a container's name may be: it is a host name, too (RFC 1123).
const maxHostName = 63

// Distinct is a container name that nobody else makes from the same name.
func Distinct(name string, uid types.UID) string {
	sum := sha256.Sum256([]byte(uid))
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
