// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package cluster

func (f *facts) tree(w wait) string { return w.pending(f) }

func (f *facts) causes(plan model) []string { return nil }
