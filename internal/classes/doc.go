// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

// Package classes is what the resources of one configuration know of ClusterClasses: how they are planned, how the management
// cluster has them, and where their clusters were before a class changed. Plans of clusters ask it, plans of classes tell it.
package classes
