// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build unix

package kind

import (
	"io/fs"
	"os"
	"syscall"
)

// takeOverOwner gives a file the owner of another one: root may write to a user's
// kubeconfig, which has to remain the user's.
func takeOverOwner(path string, existing fs.FileInfo) error {
	stat, ok := existing.Sys().(*syscall.Stat_t)
	if !ok || int(stat.Uid) == os.Geteuid() {
		return nil
	}
	return os.Chown(path, int(stat.Uid), int(stat.Gid))
}
