// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package v1beta2

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
)

// DockerMachineTemplateSpec is the desired state of a DockerMachineTemplate.
type DockerMachineTemplateSpec struct {
	// template is what DockerMachines are made from.
	Template DockerMachineTemplateResource `json:"template"`
}

// DockerMachineTemplateResource is what DockerMachines are made from.
type DockerMachineTemplateResource struct {
	// metadata is copied to every DockerMachine.
	// +optional
	ObjectMeta clusterv1.ObjectMeta `json:"metadata,omitempty,omitzero"`

	// spec is copied to every DockerMachine.
	Spec DockerMachineSpec `json:"spec"`
}

// DockerMachineTemplateStatus is the observed state of a DockerMachineTemplate.
type DockerMachineTemplateStatus struct {
	// capacity is what a machine made from this template offers: its resource bounds, or all of the Docker
	// host. The cluster autoscaler reads it when it scales from zero.
	// +optional
	Capacity corev1.ResourceList `json:"capacity,omitempty"`
}

// +kubebuilder:resource:path=dockermachinetemplates,scope=Namespaced,categories=cluster-api
// +kubebuilder:object:root=true
// +kubebuilder:storageversion
// +kubebuilder:subresource:status
// +kubebuilder:printcolumn:name="Age",type="date",JSONPath=".metadata.creationTimestamp",description="Time since creation"

// DockerMachineTemplate is the template of DockerMachines that control planes and machine deployments refer to.
// Its spec is immutable.
type DockerMachineTemplate struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	Spec   DockerMachineTemplateSpec   `json:"spec,omitempty"`
	Status DockerMachineTemplateStatus `json:"status,omitempty"`
}

// +kubebuilder:object:root=true

// DockerMachineTemplateList is a list of DockerMachineTemplates.
type DockerMachineTemplateList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []DockerMachineTemplate `json:"items"`
}
