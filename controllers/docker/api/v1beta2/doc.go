// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

// Package v1beta2 holds the API of the Docker infrastructure provider: DockerCluster, DockerMachine and their
// templates in the group infrastructure.cluster.x-k8s.io.
//
// The kinds have the fields of Cluster API's own Docker provider of the same group and version, so manifests
// and tools written for it work unmodified; fields that only exist here are additive and optional.
//
// +kubebuilder:object:generate=true
// +groupName=infrastructure.cluster.x-k8s.io
package v1beta2
