// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"regexp"

	. "github.com/onsi/gomega"
)

// diskFull: the file system of the engine's data, which is also that of every node, fills up while a node is added.
var diskFull = fault{
	name: "disk full",
	inflict: func(o *ordeal) func() {
		empty := o.engine.fill(100 << 20)
		o.workers++
		o.set(variables{oldVersion, controlPlanes, o.workers})
		o.apply = make(chan string, 1)
		go func() {
			out, _ := o.workspace.Try("apply", "-auto-approve")
			o.apply <- out
		}()
		return empty
	},
	sign: regexp.MustCompile(`no space left on device`),
	finally: func(o *ordeal) {
		o.t.Logf("terraform apply:\n%s", <-o.apply)
		o.set(variables{oldVersion, controlPlanes, faultWorkers})
		o.workspace.Terraform("apply", "-auto-approve")
		o.workers = faultWorkers
		NewWithT(o.t).Eventually(o.containersOf).WithArguments("worker").WithTimeout(recoveryTime).Should(HaveLen(faultWorkers))
	},
}
