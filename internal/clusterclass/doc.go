// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

// Package clusterclass is the noun capi_cluster_class: a ClusterClass together
// with the template objects that it refers to.
//
// Cluster API's templates are immutable, so the content of a template decides its
// name: editing a template in a configuration makes a new object, moves the
// class's reference to it, which rolls the machines that the template shapes, and
// removes the old object when nothing refers to it any more.
package clusterclass
