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

func inotifyWarning(content string) string {
	limit, err := strconv.Atoi(strings.TrimSpace(content))
	if err != nil || limit >= minInotifyInstances {
		return ""
	}
	return fmt.Sprintf("This machine allows %d inotify instances per user. Every node needs about 40, "+
		"and kubelets and controllers fail in odd ways without. Raise the limit with\n\n"+
		"  sudo sysctl fs.inotify.max_user_instances=1024", limit)
}
