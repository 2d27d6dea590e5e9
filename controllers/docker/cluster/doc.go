// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

// Package cluster reconciles DockerClusters and DevClusters: the network of a cluster's containers and the load balancer in front of
// its API servers.
//
//	reconciler.go  the frame: objects, finalizer, pause, patch
//	normal.go      the load balancer, its servers, the endpoint
//	delete.go      removal
//	status.go      conditions
//	watch.go       what leads to a reconcile
package cluster
