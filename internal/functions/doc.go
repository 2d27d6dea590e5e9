// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

// Package functions has the provider functions. They compute what a
// configuration may want to know about classes and versions, and ask no
// management cluster.
package functions
