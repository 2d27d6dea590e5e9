// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

// Package cluster is the noun capi_cluster: a Kubernetes cluster that Cluster API
// makes from a ClusterClass.
//
// The resource applies one Cluster object with the fields that the configuration
// declares, and then waits until everything that follows from it has come about.
// The wait reads facts only from the management cluster, and never fails the
// resource unless asked to: a cluster that is late is finished by the next apply,
// not replaced.
package cluster
