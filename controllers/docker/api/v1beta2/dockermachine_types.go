// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package v1beta2

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
)

// DockerMachineSpec is the desired state of a DockerMachine.
type DockerMachineSpec struct {
	// providerID is docker:////CONTAINER. The controller sets it when the container runs.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	// +kubebuilder:validation:Pattern=`^docker:////[a-zA-Z0-9][a-zA-Z0-9_.-]*$`
	ProviderID string `json:"providerID,omitempty"`

	// customImage is the node image; kindest/node of the Machine's version unless set. With a digest it is that very
	// image, without one what the Docker host has by the name, or is pulled.
	// +optional
	CustomImage string `json:"customImage,omitempty"`

	// preLoadImages are copied from the Docker host into the node before its bootstrap commands run. Those
	// that the host lacks are pulled first.
	// +optional
	PreLoadImages []string `json:"preLoadImages,omitempty"`

	// extraMounts are bind mounts from the Docker host.
	// +optional
	ExtraMounts []Mount `json:"extraMounts,omitempty"`

	// extraPortMappings publish ports of the container on the Docker host.
	// +optional
	// +kubebuilder:validation:MaxItems=1000
	ExtraPortMappings []PortMapping `json:"extraPortMappings,omitempty"`

	// labels are set on the container besides the controller's own. Keys that start with "terraform-capi.io/",
	// "io.x-k8s.kind." or "io.x-k8s.cluster." are reserved.
	// +optional
	Labels map[string]string `json:"labels,omitempty"`

	// imagePull says how the node image and preLoadImages are pulled when the Docker host lacks them. What a mirror gave
	// is used for machines that have the mirror in this field, and is not taken for the original by others.
	// +optional
	ImagePull ImagePull `json:"imagePull,omitempty,omitzero"`

	// bootstrapTimeout is how long the bootstrap commands may take, from the start of the container on;
	// 5 minutes unless set.
	// +optional
	BootstrapTimeout *metav1.Duration `json:"bootstrapTimeout,omitempty"`

	// resources bounds what the container may use of its host. Unset means no bound.
	// +optional
	Resources DockerMachineResources `json:"resources,omitempty,omitzero"`
}

// DockerMachineResources bounds what a container may use of its host.
// +kubebuilder:validation:MinProperties=1
type DockerMachineResources struct {
	// cpus is how much processor time the container may use, in processors: "2", "1500m".
	// +optional
	CPUs *resource.Quantity `json:"cpus,omitempty"`

	// memory is how much memory the container may use: "4Gi".
	// +optional
	Memory *resource.Quantity `json:"memory,omitempty"`
}

// Mount is a bind mount from the Docker host into a container.
type Mount struct {
	// containerPath is the absolute path in the container.
	ContainerPath string `json:"containerPath,omitempty"`

	// hostPath is the absolute path on the Docker host. Docker makes an empty folder of a path where nothing
	// exists.
	HostPath string `json:"hostPath,omitempty"`

	// readOnly makes the mount read-only.
	// +optional
	Readonly bool `json:"readOnly,omitempty"`
}

// PortMapping publishes a port of a container on the Docker host. The fields are those of kind's extraPortMappings.
type PortMapping struct {
	// containerPort is the port in the container.
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=65535
	ContainerPort int32 `json:"containerPort"`

	// hostPort is the port on the Docker host. When it is 0 or unset, Docker chooses a free one each time that
	// the container starts. A port of a host can only be had by one container, so machines of which there is more
	// than one, if only while one replaces the other, cannot have a fixed one.
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=65535
	HostPort int32 `json:"hostPort,omitempty"`

	// listenAddress is the IP address on the Docker host; 127.0.0.1 unless set. 0.0.0.0 and :: are all that
	// the host has.
	// +optional
	// +kubebuilder:validation:MaxLength=45
	ListenAddress string `json:"listenAddress,omitempty"`

	// protocol is TCP unless set.
	// +optional
	// +kubebuilder:validation:Enum=TCP;UDP;SCTP
	Protocol corev1.Protocol `json:"protocol,omitempty"`
}

// DockerMachineStatus is the observed state of a DockerMachine.
type DockerMachineStatus struct {
	// conditions of the DockerMachine: Ready, ContainerProvisioned, PreLoadedImagesReady, BootstrapCompleted,
	// SystemImagesAvailable, Paused.
	// +optional
	// +listType=map
	// +listMapKey=type
	// +kubebuilder:validation:MaxItems=32
	Conditions []metav1.Condition `json:"conditions,omitempty"`

	// initialization tells Cluster API how far the first provisioning is.
	// +optional
	Initialization DockerMachineInitializationStatus `json:"initialization,omitempty,omitzero"`

	// loadBalancerConfigured is true once the cluster's load balancer has been configured to send requests to
	// this control plane machine. It is never true for workers.
	// +optional
	LoadBalancerConfigured bool `json:"loadBalancerConfigured"`

	// addresses of the machine on the cluster's network.
	// +optional
	Addresses []clusterv1.MachineAddress `json:"addresses,omitempty"`

	// failureDomain is the one that the container is labelled with.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=256
	FailureDomain string `json:"failureDomain,omitempty"`
}

// DockerMachineInitializationStatus tells how far the first provisioning of a DockerMachine is.
// +kubebuilder:validation:MinProperties=1
type DockerMachineInitializationStatus struct {
	// provisioned is true once the container runs. It is part of the Cluster API contract and never becomes
	// false again. Whether the node in the container came up is told by the condition BootstrapCompleted.
	// +optional
	Provisioned *bool `json:"provisioned,omitempty"`
}

// +kubebuilder:resource:path=dockermachines,scope=Namespaced,categories=cluster-api
// +kubebuilder:object:root=true
// +kubebuilder:storageversion
// +kubebuilder:subresource:status
// +kubebuilder:printcolumn:name="Cluster",type="string",JSONPath=".metadata.labels['cluster\\.x-k8s\\.io/cluster-name']",description="Cluster"
// +kubebuilder:printcolumn:name="Provider ID",type="string",JSONPath=".spec.providerID",description="Provider ID",priority=10
// +kubebuilder:printcolumn:name="Failure domain",type="string",JSONPath=".status.failureDomain",description="Failure domain of the container"
// +kubebuilder:printcolumn:name="IP",type="string",JSONPath=`.status.addresses[?(@.type=="InternalIP")].address`,description="Address on the cluster's network",priority=10
// +kubebuilder:printcolumn:name="Paused",type="string",JSONPath=`.status.conditions[?(@.type=="Paused")].status`,description="Reconciliation paused",priority=10
// +kubebuilder:printcolumn:name="Ready",type="string",JSONPath=`.status.conditions[?(@.type=="Ready")].status`,description="Container and bootstrap are done"
// +kubebuilder:printcolumn:name="Provisioned",type="string",JSONPath=".status.initialization.provisioned",description="The container runs"
// +kubebuilder:printcolumn:name="Age",type="date",JSONPath=".metadata.creationTimestamp",description="Time since creation"

// DockerMachine is a machine that is a container.
type DockerMachine struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	Spec   DockerMachineSpec   `json:"spec,omitempty"`
	Status DockerMachineStatus `json:"status,omitempty"`
}

// GetConditions returns the conditions of the DockerMachine.
func (m *DockerMachine) GetConditions() []metav1.Condition {
	return m.Status.Conditions
}

// SetConditions replaces the conditions of the DockerMachine.
func (m *DockerMachine) SetConditions(conditions []metav1.Condition) {
	m.Status.Conditions = conditions
}

// +kubebuilder:object:root=true

// DockerMachineList is a list of DockerMachines.
type DockerMachineList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []DockerMachine `json:"items"`
}
