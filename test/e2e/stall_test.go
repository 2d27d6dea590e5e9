// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"regexp"
	"time"

	. "github.com/onsi/gomega"
)

// engineStalled: dockerd and containerd are suspended, so that every call to the engine hangs, while the nodes run on.
var engineStalled = fault{
	name:    "engine stalled",
	inflict: func(o *ordeal) func() { return o.engine.stall() },
	sign:    regexp.MustCompile(`^Docker(Machine|Cluster) .*does not answer`),
	meanwhile: func(o *ordeal) {
		g := NewWithT(o.t)
		g.Expect(o.plan()).To(MatchRegexp(`(does|did) not answer`))
		// One answer may be late on a busy machine. Nodes that are gone do not come back before the engine does.
		for time.Since(o.began) < *stallTime {
			g.Eventually(func(g Gomega) {
				workload, err := connect(o.kubeconfig)
				g.Expect(err).NotTo(HaveOccurred())
				o.expectNodes(controlPlanes+o.workers, oldVersion)(g, workload)
			}).WithTimeout(2 * time.Minute).WithPolling(time.Second).Should(Succeed())
			time.Sleep(10 * time.Second)
		}
		g.Expect(o.managerRestarts()).To(Equal(o.restarts), "a manager was restarted, which does not help")
	},
}
