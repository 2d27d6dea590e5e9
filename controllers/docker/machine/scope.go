// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package machine

import (
	"sigs.k8s.io/cluster-api/util"

	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"

	infrav1 "github.com/terraform-capi/terraform-provider-capi/controllers/docker/api/v1beta2"
	"github.com/terraform-capi/terraform-provider-capi/controllers/docker/identity"
	"github.com/terraform-capi/terraform-provider-capi/controllers/docker/variants"
	"github.com/terraform-capi/terraform-provider-capi/internal/container"
)

// scope is what one reconcile knows.
type scope struct {
	// object is what is reconciled, dockerMachine its hub.
	object        variants.Object[*infrav1.DockerMachine]
	dockerMachine *infrav1.DockerMachine
	// machine is the owner; nil until Cluster API has set it.
	machine *clusterv1.Machine
	// clusterName is the name of the machine's cluster, whether or not that exists.
	clusterName string
	// cluster is the machine's; nil if it does not exist.
	cluster *clusterv1.Cluster
	// dockerCluster is the cluster's infrastructure; nil if it does not exist.
	dockerCluster *infrav1.DockerCluster

	// management is the management cluster. Set before the phases.
	management identity.Management

	// paused says that nothing was done because the object is paused.
	paused bool
	// waiting says that a phase cannot go on and later ones would have nothing to work with.
	waiting bool

	// containerName is the name of the machine's container. Set by reconcileContainer.
	containerName string
	// container is the machine's, running. Set by reconcileContainer unless it waits.
	container container.Container

	// What the phases found out, for the conditions. Nil if a phase was not reached.
	provisioned, preLoadedImages, bootstrapped, systemImages *finding
}

// finding is what a phase found out about its condition.
type finding struct {
	// ok says that the condition is true.
	ok bool
	// unknown says that the condition is neither true nor false.
	unknown bool
	// reason and message are the condition's.
	reason, message string
}

// complete tells whether all objects around the DockerMachine exist.
func (s *scope) complete() bool {
	return s.machine != nil && s.cluster != nil && s.dockerCluster != nil
}

func (s *scope) isControlPlane() bool {
	return util.IsControlPlaneMachine(s.machine)
}

// established tells whether the DockerMachine already refers to a container.
func (s *scope) established() bool {
	return s.dockerMachine.Spec.ProviderID != ""
}

// owner is the DockerMachine. When it is being deleted, the objects around it may be gone, and the role and the cluster's
// UID with them; they do not decide about what it owns.
func (s *scope) owner() identity.Owner {
	owner := identity.Owner{
		Management: s.management,
		Namespace:  s.dockerMachine.Namespace,
		Cluster:    s.clusterName,
		ObjectUID:  s.dockerMachine.UID,
		Created:    s.dockerMachine.CreationTimestamp.Time,
		Machine:    s.dockerMachine.Name,
		Role:       identity.RoleWorker,
	}
	if s.cluster != nil {
		owner.ClusterUID = s.cluster.UID
	}
	if s.machine != nil && s.isControlPlane() {
		owner.Role = identity.RoleControlPlane
	}
	return owner
}

// wait ends the phases after this one.
func (s *scope) wait(finding **finding, reason, message string) {
	s.waiting = true
	*finding = notYet(reason, message)
}

func notYet(reason, message string) *finding {
	return &finding{reason: reason, message: message}
}

// unavailable is what can be found out while the container engine does not answer.
func unavailable(cause error) *finding {
	return &finding{unknown: true, reason: infrav1.ContainerEngineUnavailableReason, message: cause.Error()}
}

func done(reason string) *finding {
	return &finding{ok: true, reason: reason}
}
