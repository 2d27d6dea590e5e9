// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package v1beta2

import corev1 "k8s.io/api/core/v1"

// ImagePull says how images that the Docker host lacks are pulled.
// +kubebuilder:validation:MinProperties=1
type ImagePull struct {
	// secretRef names a Secret of type kubernetes.io/dockerconfigjson in the same namespace, which has the
	// credentials of registries and mirrors. Without it images are pulled anonymously.
	// +optional
	SecretRef *corev1.LocalObjectReference `json:"secretRef,omitempty"`

	// mirrors are where the images of registries are looked for first: at each mirror of the image's registry
	// in the order of this list, then at the registry itself.
	// +optional
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=100
	Mirrors []RegistryMirror `json:"mirrors,omitempty"`
}

// RegistryMirror says where else the images of a registry are.
type RegistryMirror struct {
	// registry is the host of the registry as image references have it, with its port if they have one:
	// "docker.io", "registry.example.com:5000".
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	Registry string `json:"registry"`

	// mirror takes the registry's place in image references: HOST[:PORT][/PATH], without a scheme. Without a
	// port the host needs a dot, unless it is "localhost": references would have it for a part of a path.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	Mirror string `json:"mirror"`
}
