// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

// Package controllers is the Kubernetes side: the Cluster API providers that run inside a management cluster, one pod
// each, all from this binary.
//
// Who owns which kind, in the order they act when a cluster is made:
//
//	core             Cluster with a topology: creates DockerCluster, KubeadmControlPlane, MachineDeployments   (upstream)
//	docker           DockerCluster: network, load balancer container, control plane endpoint                   (ours)
//	controlplane     KubeadmControlPlane: creates Machine, KubeadmConfig, DockerMachine, one node at a time    (upstream)
//	bootstrap        KubeadmConfig: writes the bootstrap data (cloud-config) into a Secret                     (upstream)
//	docker           DockerMachine: starts the node's container with the bootstrap data, watches it finish     (ours)
//	core             Machine, MachineSet, MachineDeployment: workers; Node references; deletion with drain      (upstream)
//
// Packages: manager runs any of them (flags, leader election, health, metrics, certificates); core, bootstrap and
// controlplane wire upstream's reconcilers and webhooks; docker is our own infrastructure provider; config holds the
// generated manifests. Nothing here imports the Terraform side, and of internal/ only container and redact.
package controllers
