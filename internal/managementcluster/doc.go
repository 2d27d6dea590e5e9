// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

// Package managementcluster is the resource capi_management_cluster: a KinD
// cluster on this machine for Cluster API to run in.
package managementcluster
