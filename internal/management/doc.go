// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

// Package management says what a management cluster is and how to reach one.
//
// A management cluster is named by an id. "kind://NAME" is a KinD cluster on
// this machine, whose credentials are read from the cluster itself whenever
// they are needed and are stored nowhere. The empty id is the connection that
// the provider block describes. A Resolver turns ids into Clusters, which are
// API clients.
package management
