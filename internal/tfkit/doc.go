// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

// Package tfkit holds what the resources share on their Terraform side:
// attributes that mean the same everywhere, validators around Kubernetes' own
// checks, one way to wait, one way to word diagnostics, and the conversion
// between Terraform's dynamic values and JSON-like ones.
package tfkit
