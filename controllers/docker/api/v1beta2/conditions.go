// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package v1beta2

import clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"

// ContainerEngineUnavailableReason means: the container engine does not answer, so that nothing is known about the
// container at the moment. LoadBalancerAvailable, ContainerProvisioned and, unless they are settled, PreLoadedImagesReady and
// BootstrapCompleted are Unknown for this reason, and Ready with them; the message says since when. They recover as soon as
// the engine answers.
const ContainerEngineUnavailableReason = "ContainerEngineUnavailable"

// Reasons why a condition of either kind is false, where an attempt to make a container failed. The message keeps
// the full error while the controller tries again.
const (
	// ImageNotFoundReason means: the Docker host has no such image, and every registry that may have it says that it has
	// not, or not for these credentials; or nothing says which image it is. Name one that exists, or bring it to the host.
	ImageNotFoundReason = "ImageNotFound"
	// ImagePullFailedReason means: the Docker host has no such image, and some registry could not be asked. Retried with
	// growing intervals.
	ImagePullFailedReason = "ImagePullFailed"
	// HostPortInUseReason means: another container or process has a port of the Docker host that the container is to have. Retried with
	// growing intervals: a machine that is being replaced may be about to free it.
	HostPortInUseReason = "HostPortInUse"
	// AddressInUseReason means: another container has the address that the container had before, by which nodes and
	// kubeconfigs know it; the message names both. Retried with growing intervals.
	AddressInUseReason = "AddressInUse"
	// SubnetInUseReason means: the clusters' network was removed, and cannot be made again because another network has its
	// subnet; the message names it. Retried with growing intervals.
	SubnetInUseReason = "SubnetInUse"
	// ContainerRefusedReason means: the engine does not accept what the container is to be, such as a mount of a file
	// where the image has a folder.
	ContainerRefusedReason = "ContainerRefused"
)

// NeedsHelp tells whether a condition that is false for the reason stays so until the object is replaced, as by a
// MachineHealthCheck, or a person changes what it depends on. What the controllers may achieve by trying again needs no help.
func NeedsHelp(reason string) bool {
	switch reason {
	case ImageNotFoundReason, HostPortInUseReason, AddressInUseReason, SubnetInUseReason, ContainerRefusedReason, ContainerInvalidBootstrapDataReason,
		ContainerNameTakenReason, ContainerMissingReason, BootstrapFailedReason:
		return true
	}
	return false
}

// Conditions of a DockerCluster. Ready summarises LoadBalancerAvailable, and has its reason; Paused is
// the one of Cluster API.
const (
	// LoadBalancerAvailableCondition is true while the load balancer's container runs with the configuration
	// that the cluster's control plane machines ask for.
	LoadBalancerAvailableCondition = "LoadBalancerAvailable"

	// LoadBalancerAvailableReason means: the load balancer runs.
	LoadBalancerAvailableReason = clusterv1.AvailableReason
	// LoadBalancerNotAvailableReason means: the load balancer could not be made, started or configured; the message
	// has the engine's own error. Retried with growing intervals.
	LoadBalancerNotAvailableReason = clusterv1.NotAvailableReason
	// LoadBalancerPullingImageReason means: its image is not on the host and being pulled.
	LoadBalancerPullingImageReason = "PullingImage"
	// LoadBalancerNameTakenReason means: a container of that name exists and does not belong to this cluster. It is
	// never touched; remove it or give the cluster another name.
	LoadBalancerNameTakenReason = "ContainerNameTaken"
	// LoadBalancerDeletingReason means: the DockerCluster is being deleted.
	LoadBalancerDeletingReason = clusterv1.DeletingReason
)

// Conditions of a DockerMachine. Ready summarises ContainerProvisioned, PreLoadedImagesReady where images are
// asked for, and BootstrapCompleted, and has the reason of the first of them that is false; Paused is the one of Cluster API.
const (
	// ContainerProvisionedCondition is true while the machine's container runs.
	ContainerProvisionedCondition = "ContainerProvisioned"

	// ContainerProvisionedReason means: the container runs.
	ContainerProvisionedReason = clusterv1.ProvisionedReason
	// ContainerNotProvisionedReason means: the container could not be made or started; the message has the engine's
	// own error. Retried with growing intervals.
	ContainerNotProvisionedReason = clusterv1.NotProvisionedReason
	// ContainerWaitingForClusterInfrastructureReason means: the DockerCluster is not provisioned yet.
	ContainerWaitingForClusterInfrastructureReason = clusterv1.WaitingForClusterInfrastructureReadyReason
	// ContainerWaitingForControlPlaneInitializedReason means: workers get no bootstrap data before the first
	// control plane machine is up. The container is made already, and waits unstarted.
	ContainerWaitingForControlPlaneInitializedReason = clusterv1.WaitingForControlPlaneInitializedReason
	// ContainerWaitingForBootstrapDataReason means: the bootstrap provider has not set the data secret yet.
	ContainerWaitingForBootstrapDataReason = clusterv1.WaitingForBootstrapDataReason
	// ContainerPullingImageReason means: the node image or one of spec.preLoadImages is not on the host and being
	// pulled.
	ContainerPullingImageReason = "PullingImage"
	// ContainerInvalidBootstrapDataReason means: the bootstrap data asks for something that cannot be done in a
	// container, or is not cloud-config. Not retried until the secret or the machine changes.
	ContainerInvalidBootstrapDataReason = "InvalidBootstrapData"
	// ContainerNameTakenReason means: a container of that name exists and does not belong to this machine. It is
	// never touched; remove it or replace the machine.
	ContainerNameTakenReason = "ContainerNameTaken"
	// ContainerMissingReason means: the machine's container existed and was removed behind the controller's back.
	// Its data are gone, so it is not made again: delete the Machine or let a MachineHealthCheck replace it.
	ContainerMissingReason = "ContainerMissing"
	// ContainerDeletingReason means: the DockerMachine is being deleted.
	ContainerDeletingReason = clusterv1.DeletingReason
)

const (
	// PreLoadedImagesReadyCondition is true when all of spec.preLoadImages are in the node. It is only set on
	// machines that ask for images; their bootstrap commands wait for it.
	PreLoadedImagesReadyCondition = "PreLoadedImagesReady"

	// PreLoadedImagesReadyReason means: the images are in the node.
	PreLoadedImagesReadyReason = clusterv1.ReadyReason
	// PreLoadedImagesNotReadyReason means: the images are being copied, or the last attempt failed; see the message.
	PreLoadedImagesNotReadyReason = clusterv1.NotReadyReason
)

const (
	// BootstrapCompletedCondition is true when every command of the bootstrap data has succeeded in the node.
	BootstrapCompletedCondition = "BootstrapCompleted"

	// BootstrapCompletedReason means: all commands have succeeded.
	BootstrapCompletedReason = "Completed"
	// BootstrapNotCompletedReason means: the commands are running in the node.
	BootstrapNotCompletedReason = "NotCompleted"
	// BootstrapWaitingForContainerReason means: there is no started container to bootstrap yet.
	BootstrapWaitingForContainerReason = "WaitingForContainer"
	// BootstrapFailedReason means: a command failed; the message names it and has the end of its log. Not retried:
	// delete the Machine or let a MachineHealthCheck replace it.
	BootstrapFailedReason = "BootstrapFailed"
	// BootstrapTimedOutReason means: the commands did not end within spec.bootstrapTimeout. Should they end later,
	// the condition says so.
	BootstrapTimedOutReason = "TimedOut"
)

const (
	// SystemImagesAvailableCondition tells whether the node has the images of the workload cluster's system
	// pods. It is only set while the machines of the cluster run more than one node image, as during an
	// upgrade, and does not count for Ready.
	SystemImagesAvailableCondition = "SystemImagesAvailable"

	// SystemImagesAvailableReason means: the node has every image that a node of the cluster could give it.
	SystemImagesAvailableReason = clusterv1.AvailableReason
	// SystemImagesCopyFailedReason means: some image could not be copied; the node pulls it itself where it can.
	SystemImagesCopyFailedReason = "CopyFailed"
	// SystemImagesCopyingReason means: images are being compared and copied.
	SystemImagesCopyingReason = "Copying"
)
