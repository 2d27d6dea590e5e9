// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

// Package bundle is what is inside the binary: the controllers' image, which is the running executable itself, and the
// manifests that run it. It installs the bundled providers into a management cluster the way clusterctl would, says
// whether they work, and takes them away.
package bundle
