// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

// Package docker is the Docker infrastructure provider of Cluster API: clusters whose machines are containers.
//
// It serves DockerCluster, DockerMachine and their templates under the v1beta2 contract, and upstream's DevCluster,
// DevMachine and their templates, which mean the same:
//
//	api/v1beta2      the Docker* kinds, their conditions and annotations
//	variants         translates between the Docker* and the Dev* kinds, which mean the same
//	cluster          clusters: network, load balancer, endpoint
//	machine          machines: container, bootstrap, images
//	machinetemplate  machine templates: capacity
//	bootstrap        how a container turns itself into a node, and how to see how far it is
//	cloudinit        what the bootstrap provider's cloud-config says
//	loadbalancer     HAProxy in a container
//	images           images onto the host and into nodes
//	network          the clusters' Docker network and its addresses
//	identity         which container belongs to which object
//	orphans          containers whose management cluster is gone
//	advice           what helps when a cluster does not get on
//	background       jobs and events beside the reconcile loops
//	failure          errors of a reconcile as reasons and messages of conditions
//	webhooks         admission
//
// Two rules hold everywhere. What exists is read from the engine in every reconcile, and whose it is from the container
// itself, never from memory or from conditions that were set earlier; only a bootstrap that has completed is not looked at
// again. And a container's name, its address where one can be assigned, and a load balancer's host port are its own for
// life, so that everything finds everything again after a restart.
package docker
