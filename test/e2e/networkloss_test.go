// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"regexp"
	"strings"

	"github.com/terraform-capi/terraform-provider-capi/internal/acctest"
)

const clusterNetwork = "terraform-capi"

// networkDeleted: the network of all clusters is removed while no manager can see it.
var networkDeleted = fault{
	name: "network deleted",
	inflict: func(o *ordeal) func() {
		node := o.managementName + "-control-plane"
		acctest.Docker(o.t, "stop", "--time=5", node)
		for _, name := range strings.Fields(acctest.Docker(o.t, "ps", "--all", "--filter", "network="+clusterNetwork, "--format", "{{.Names}}")) {
			acctest.Docker(o.t, "network", "disconnect", "--force", clusterNetwork, name)
		}
		acctest.Docker(o.t, "network", "rm", clusterNetwork)
		acctest.Docker(o.t, "start", node)
		return nil
	},
	sign: regexp.MustCompile(`^Docker(Machine|Cluster) |^Cluster .*RemoteConnectionProbe=`),
}
