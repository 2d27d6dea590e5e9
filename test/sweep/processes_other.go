// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build !linux

package main

import "context"

// adoptOrphans does nothing: only Linux has orphans adopted by a process of one's choice.
func adoptOrphans() error { return nil }

func leftProcesses(context.Context) []string { return nil }
