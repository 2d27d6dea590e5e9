// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

// Package capiprovider is the resource capi_provider: a Cluster API provider that
// is bundled with this one, installed in a management cluster.
package capiprovider
