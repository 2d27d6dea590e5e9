// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

// Package connection is how the provider block, and the environment where the block leaves something open, say to reach a
// management cluster: where it is, how it is spoken to, and who asks. Every value knows where it comes from, so that an error
// can say it.
package connection
