// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

// Package identity says which container belongs to which object. Labels on the container are the only record of
// that, so that nothing is lost with the controllers, and a container that only happens to have the right name
// is never touched.
package identity

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/netip"
	"strings"

	"k8s.io/apimachinery/pkg/types"

	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"

	infrav1 "github.com/terraform-capi/terraform-provider-capi/controllers/docker/api/v1beta2"
	"github.com/terraform-capi/terraform-provider-capi/internal/container"
)

// Labels of kind, under which its tools and Cluster API's log collectors find containers.
const (
	KindClusterLabel = "io.x-k8s.kind.cluster"
	KindRoleLabel    = "io.x-k8s.kind.role"
)

// Labels of ours. Together they tell the object that a container was made for.
const (
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
		KindClusterLabel: o.Cluster,
		KindRoleLabel:    o.Role,
		NamespaceLabel:   o.Namespace,
		ClusterLabel:     o.Cluster,
		ClusterUIDLabel:  string(o.ClusterUID),
		ObjectUIDLabel:   string(o.ObjectUID),
		MachineLabel:     o.Machine,
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

// ProviderID is the provider id of a machine in a container.
func ProviderID(containerName string) string {
	return "docker:////" + containerName
}

// LoadBalancerContainer is the name of the load balancer's container. The endpoint host is that name, once set:
// it outlives a move, which changes the UID that the name is first made from. A host that is an address says
// where the user wants the endpoint, not how the container is called.
func LoadBalancerContainer(cluster string, infra *infrav1.DockerCluster) string {
	host := infra.Spec.ControlPlaneEndpoint.Host
	if host != "" && !isAddress(host) {
		return host
	}
	sum := sha256.Sum256([]byte(infra.UID))
	suffix := "-lb-" + hex.EncodeToString(sum[:])[:5]
	// The name is a host name, and those end at 63 characters.
	const limit = 63
	if len(cluster)+len(suffix) > limit {
		cluster = strings.TrimRight(cluster[:limit-len(suffix)], "-.")
	}
	return fmt.Sprintf("%s%s", cluster, suffix)
}

func isAddress(host string) bool {
	_, err := netip.ParseAddr(host)
	return err == nil
}
