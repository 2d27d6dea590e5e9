// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

// Package topology says what Cluster API would say about a ClusterClass and
// about the Clusters made from it, without an API server: is the class valid,
// may it replace the one that is in use, do a cluster's variables fit, may its
// version change and by which steps, what objects come of it, and which machines
// a change replaces.
//
// The answers come from Cluster API's own code, so that a plan and an apply cannot
// disagree; the tests in topologytest hold them against its controllers. Nothing
// here knows Terraform.
package topology
