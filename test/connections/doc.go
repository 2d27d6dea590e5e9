// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

// Package connections tests the provider block as workspaces use it that have nothing but a host and credentials.
package connections
