// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

// Package waiter waits for what an API server can be asked for. All waits of the provider are one of its waits, so that
// they look as often, survive the same failures, log what is new and end with the same error.
package waiter
