// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

// Package variants lets one reconciler serve two kinds that mean the same: this provider's DockerCluster,
// DockerMachine and DockerMachineTemplate, and the DevCluster, DevMachine and DevMachineTemplate of Cluster API's
// own test provider, which manifests and test suites of Cluster API use from 1.14 on. Their types are upstream's.
//
// A reconciler works on a hub, which is always of the Docker* type. For a Dev* object it is a translation, which is
// translated back when the object is patched.
//
//	variant.go          variants and objects of any noun
//	cluster.go          DockerCluster and DevCluster
//	machine.go          DockerMachine and DevMachine
//	machinetemplate.go  DockerMachineTemplate and DevMachineTemplate
//
// Of the Dev* kinds only the docker backend is served. They have no fields for what this provider adds to upstream's
// Docker* kinds, so these are to be had with the Docker* kinds only: of a cluster spec.loadBalancer.hostIP, hostPort
// and imagePull, of a machine spec.extraPortMappings, labels, imagePull and resources and
// status.loadBalancerConfigured.
package variants
