// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package kind

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

// minInotifyInstances is what a management cluster and a handful of workload
// clusters on one machine need: every node takes about 40. Linux's default is
// 128.
const minInotifyInstances = 512

// minMemory is what a management cluster and a small workload cluster need
// together: 4 GB, less what the kernel of a virtual machine of that size keeps.
const minMemory = 3_800_000_000

// inotifyLimit is where Linux tells how many inotify instances a user may have.
const inotifyLimit = "/proc/sys/fs/inotify/max_user_instances"

// LimitWarning says which limit of this machine is too low for running clusters,
// and how to raise it; it is empty if none is. Machines that are not Linux run
// Docker in a virtual machine that brings its own limits.
func LimitWarning() string {
	content, err := os.ReadFile(inotifyLimit)
	if err != nil {
		return ""
	}
	return inotifyWarning(string(content))
}

// MemoryWarning says that the engine has too little memory for clusters; it is
// empty if it has enough. On Docker Desktop that is the virtual machine's memory.
func (e Engine) MemoryWarning() string {
	if e.MemTotal == 0 || e.MemTotal >= minMemory {
		return ""
	}
	return fmt.Sprintf("The Docker engine has %.1f GB of memory for all containers. A management cluster and a small workload cluster "+
		"need 4 GB, and two clusters of three control plane nodes and three workers 8 GB; without, the kernel kills processes in the nodes. "+
		"Give the engine more memory (Docker Desktop: Settings, Resources).", float64(e.MemTotal)/1e9)
}

func inotifyWarning(content string) string {
	limit, err := strconv.Atoi(strings.TrimSpace(content))
	if err != nil || limit >= minInotifyInstances {
		return ""
	}
	return fmt.Sprintf("This machine allows %d inotify instances per user. Every node needs about 40, "+
		"and kubelets and controllers fail in odd ways without. Raise the limit with\n\n"+
		"  sudo sysctl fs.inotify.max_user_instances=1024", limit)
}
