// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

// Package machine reconciles DockerMachines and DevMachines: a container per machine that bootstraps itself into a
// Kubernetes node.
//
// A reconcile looks at what is there (the container's labels and state, the bootstrap's result in the container)
// and takes the next step. Nothing is remembered in between that could not be seen again, so the controller can
// be killed at any moment.
//
//	reconciler.go  the frame: objects, finalizer, pause, phases, patch
//	scope.go       what one reconcile knows
//	container.go   phase: a running container for the machine
//	spec.go        what that container looks like
//	images.go      phases: images that the machine or the cluster's system pods need
//	bootstrap.go   phase: how the bootstrap in the container goes
//	delete.go      removal
//	volumes.go     removal of volumes that outlive their container
//	status.go      conditions from what the phases found
//	watch.go       what leads to a reconcile
package machine
