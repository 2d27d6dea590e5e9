// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"context"
	"os/exec"
	"regexp"
	"time"

	"github.com/terraform-capi/terraform-provider-capi/controllers/docker/identity"
	"github.com/terraform-capi/terraform-provider-capi/internal/acctest"
)

const (
	// starved is what a worker cannot do with for long, and the engine's way to lift the limit: more than there is.
	starved, plenty = "500m", "1t"
	hog             = "/run/hog"
	// eat fills a file in memory. The kernel is to kill others for it.
	eat = "echo -1000 >/proc/self/oom_score_adj; while true; do cat /dev/zero >>" + hog + "; sleep 1; done"
)

// nodeOutOfMemory: the memory of a worker is limited, and files in memory take all of it, so that the kernel kills one
// process of the node after the other.
var nodeOutOfMemory = fault{
	name: "node out of memory",
	inflict: func(o *ordeal) func() {
		node := o.containersOf(identity.RoleWorker)[0]
		acctest.Docker(o.t, "update", "--memory="+starved, "--memory-swap="+starved, node)
		ctx, stop := context.WithCancel(o.t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			// The node's first process may be killed, and the command with it. Then the engine starts the node again.
			for ; ctx.Err() == nil; time.Sleep(time.Second) {
				_ = exec.CommandContext(ctx, "docker", "exec", "--privileged", node, "sh", "-c", eat).Run()
			}
		}()
		return func() {
			stop()
			<-done
			acctest.Docker(o.t, "update", "--memory="+plenty, "--memory-swap="+plenty, node)
			acctest.Docker(o.t, "exec", node, "sh", "-c", "pkill --full zer[o]; rm --force "+hog)
		}
	},
	sign:      regexp.MustCompile(`^Machine .*Node(Ready|Healthy)=`),
	meanwhile: func(o *ordeal) { o.plan() },
}
