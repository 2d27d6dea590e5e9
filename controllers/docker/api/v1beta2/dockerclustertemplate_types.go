// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package v1beta2

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
)

// DockerClusterTemplateSpec is the desired state of a DockerClusterTemplate.
type DockerClusterTemplateSpec struct {
	// template is what DockerClusters are made from.
	Template DockerClusterTemplateResource `json:"template"`
}

// DockerClusterTemplateResource is what DockerClusters are made from.
type DockerClusterTemplateResource struct {
	// metadata is copied to every DockerCluster.
	// +optional
	ObjectMeta clusterv1.ObjectMeta `json:"metadata,omitempty,omitzero"`

	// spec is copied to every DockerCluster.
	Spec DockerClusterSpec `json:"spec"`
}

// +kubebuilder:resource:path=dockerclustertemplates,scope=Namespaced,categories=cluster-api
// +kubebuilder:object:root=true
// +kubebuilder:storageversion
// +kubebuilder:printcolumn:name="Age",type="date",JSONPath=".metadata.creationTimestamp",description="Time since creation"

// DockerClusterTemplate is the template of DockerClusters that a ClusterClass refers to. Its spec is immutable.
type DockerClusterTemplate struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	Spec DockerClusterTemplateSpec `json:"spec,omitempty"`
}

// +kubebuilder:object:root=true

// DockerClusterTemplateList is a list of DockerClusterTemplates.
type DockerClusterTemplateList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []DockerClusterTemplate `json:"items"`
}
