// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

// Package kubeconfig is the noun capi_kubeconfig: the administrator's kubeconfig
// of a cluster, as a resource for those who accept credentials in the state and
// as an ephemeral resource for everybody else.
//
// Cluster API keeps the kubeconfig in a Secret and renews its certificate. What
// is handed out here is that, with an address that works from where it is used.
package kubeconfig
