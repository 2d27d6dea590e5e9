// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package v1beta2

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
)

// DockerClusterSpec is the desired state of a DockerCluster.
type DockerClusterSpec struct {
	// controlPlaneEndpoint is where machines and controllers reach the API server. When host is empty the
	// controller writes the load balancer container's address here, or its name if the network does not let
	// addresses be assigned; Docker's DNS resolves it on the network. The port is 6443 unless set.
	// +optional
	ControlPlaneEndpoint APIEndpoint `json:"controlPlaneEndpoint,omitempty,omitzero"`

	// failureDomains are copied to the status as they are. On one host they mean nothing to Docker, but
	// Cluster API spreads machines over them, and each container carries its own as a label.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=100
	FailureDomains []clusterv1.FailureDomain `json:"failureDomains,omitempty"`

	// loadBalancer configures the load balancer in front of the API servers.
	// +optional
	LoadBalancer DockerLoadBalancer `json:"loadBalancer,omitempty"`
}

// DockerLoadBalancer configures the load balancer of a cluster.
type DockerLoadBalancer struct {
	// ImageMeta overrides the load balancer's image.
	ImageMeta `json:",inline"`

	// customHAProxyConfigTemplateRef names a ConfigMap in the same namespace whose key 'value' is a Go template
	// that replaces the built-in HAProxy configuration. It is not checked. It gets $IPv6 (bool),
	// $FrontendControlPlanePort and $BackendControlPlanePort (string), $BackendServers (map from server name
	// to an object with Address and Weight), and the function JoinHostPort. It may have 64 KiB, and make 1 MiB within
	// 10000 passes of loops and 10 seconds.
	// +optional
	CustomHAProxyConfigTemplateRef *corev1.LocalObjectReference `json:"customHAProxyConfigTemplateRef,omitempty"`

	// hostIP is the IP address on the Docker host where the API server's port is published; 127.0.0.1 unless
	// set. At others, whoever reaches the host reaches the API server. It cannot be changed once the load
	// balancer runs.
	// +optional
	// +kubebuilder:validation:MaxLength=45
	HostIP string `json:"hostIP,omitempty"`

	// hostPort is the port on the Docker host where the API server is published. When it is unset, the
	// controller chooses a free one from 20000 to 29999, once for the life of the cluster. It cannot be changed
	// once the load balancer runs.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=65535
	HostPort int32 `json:"hostPort,omitempty"`

	// imagePull says how the load balancer's image is pulled when the Docker host lacks it.
	// +optional
	ImagePull ImagePull `json:"imagePull,omitempty,omitzero"`
}

// ImageMeta overrides parts of an image reference.
type ImageMeta struct {
	// imageRepository is the registry and path in which the image "haproxy" is found; "kindest" unless set.
	// +optional
	ImageRepository string `json:"imageRepository,omitempty"`

	// imageTag is the tag of the image "haproxy"; the controller has a tested default.
	// +optional
	ImageTag string `json:"imageTag,omitempty"`
}

// DockerClusterStatus is the observed state of a DockerCluster.
type DockerClusterStatus struct {
	// conditions of the DockerCluster: Ready, LoadBalancerAvailable, Paused.
	// +optional
	// +listType=map
	// +listMapKey=type
	// +kubebuilder:validation:MaxItems=32
	Conditions []metav1.Condition `json:"conditions,omitempty"`

	// initialization tells Cluster API how far the first provisioning is.
	// +optional
	Initialization DockerClusterInitializationStatus `json:"initialization,omitempty,omitzero"`

	// failureDomains are those of the spec, where Cluster API looks for them.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=100
	FailureDomains []clusterv1.FailureDomain `json:"failureDomains,omitempty"`
}

// DockerClusterInitializationStatus tells how far the first provisioning of a DockerCluster is.
// +kubebuilder:validation:MinProperties=1
type DockerClusterInitializationStatus struct {
	// provisioned is true once the load balancer runs. It is part of the Cluster API contract and never
	// becomes false again.
	// +optional
	Provisioned *bool `json:"provisioned,omitempty"`
}

// APIEndpoint is the host and port of an API server.
// +kubebuilder:validation:MinProperties=1
type APIEndpoint struct {
	// host is the name or address of the API server.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	Host string `json:"host,omitempty"`

	// port is the port of the API server.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=65535
	Port int32 `json:"port,omitempty"`
}

// +kubebuilder:resource:path=dockerclusters,scope=Namespaced,categories=cluster-api
// +kubebuilder:object:root=true
// +kubebuilder:storageversion
// +kubebuilder:subresource:status
// +kubebuilder:printcolumn:name="Cluster",type="string",JSONPath=".metadata.labels['cluster\\.x-k8s\\.io/cluster-name']",description="Cluster"
// +kubebuilder:printcolumn:name="Endpoint",type="string",JSONPath=".spec.controlPlaneEndpoint.host",description="Control plane endpoint",priority=10
// +kubebuilder:printcolumn:name="Host endpoint",type="string",JSONPath=".metadata.annotations['docker\\.infrastructure\\.cluster\\.x-k8s\\.io/host-endpoint']",description="API server as seen from the Docker host",priority=10
// +kubebuilder:printcolumn:name="Provisioned",type="string",JSONPath=".status.initialization.provisioned",description="The load balancer runs"
// +kubebuilder:printcolumn:name="Age",type="date",JSONPath=".metadata.creationTimestamp",description="Time since creation"

// DockerCluster is the infrastructure of a cluster whose nodes are containers: a network and a load balancer.
type DockerCluster struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	Spec   DockerClusterSpec   `json:"spec,omitempty"`
	Status DockerClusterStatus `json:"status,omitempty"`
}

// GetConditions returns the conditions of the DockerCluster.
func (c *DockerCluster) GetConditions() []metav1.Condition {
	return c.Status.Conditions
}

// SetConditions replaces the conditions of the DockerCluster.
func (c *DockerCluster) SetConditions(conditions []metav1.Condition) {
	c.Status.Conditions = conditions
}

// +kubebuilder:object:root=true

// DockerClusterList is a list of DockerClusters.
type DockerClusterList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []DockerCluster `json:"items"`
}
