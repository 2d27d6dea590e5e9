// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

// Package live looks at a cluster in its management cluster, says what it waits for, and frees it.
//
// Facts are what the management cluster knew of the cluster at one moment; everything else is told from them. It knows nothing
// of Terraform.
package live
