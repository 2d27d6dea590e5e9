// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package capiprovider_test

import (
	"strings"
	"testing"

	"github.com/terraform-capi/terraform-provider-capi/internal/acctest"
	"github.com/terraform-capi/terraform-provider-capi/internal/managementcluster"
)

const accConfig = `
resource "capi_management_cluster" "test" {
  name = "acc-providers"
}

resource "capi_provider" "test" {
  for_each           = toset(["cluster-api", "bootstrap-kubeadm", "control-plane-kubeadm", "infrastructure-docker"])
  management_cluster = capi_management_cluster.test.id
  name               = each.key
}

output "ready" {
  value = alltrue([for provider in capi_provider.test : provider.ready])
}
`

// All bundled providers in a real management cluster, by the executable as it is
// released: it is what runs in their pods.
func TestAccProviders(t *testing.T) {
	acctest.NeedDocker(t)
	acctest.NeedTerraform(t)
	acctest.NeedImage(t, managementcluster.DefaultNodeImage)
	acctest.NoLeaks(t, "acc-providers")
	workspace := acctest.NewWorkspace(t)
	workspace.Write("main.tf", accConfig)
	t.Cleanup(func() { workspace.Terraform("destroy", "-auto-approve") })

	workspace.Terraform("apply", "-auto-approve")
	if ready := strings.TrimSpace(workspace.Terraform("output", "ready")); ready != "true" {
		t.Errorf("ready is %s", ready)
	}
	workspace.NeedEmptyPlan()

	const imported = `capi_provider.test["cluster-api"]`
	workspace.Terraform("state", "rm", imported)
	workspace.Terraform("import", imported, "kind://acc-providers/cluster-api")
	workspace.NeedEmptyPlan()

	// Reinstalling what somebody broke is an update in place.
	acctest.Docker(t, "exec", "acc-providers-control-plane", "kubectl", "--kubeconfig=/etc/kubernetes/admin.conf",
		"delete", "validatingwebhookconfiguration", "capi-validating-webhook-configuration")
	if out := workspace.Terraform("apply", "-auto-approve"); !strings.Contains(out, "0 added, 1 changed, 0 destroyed") {
		t.Errorf("not repaired in place:\n%s", out)
	}
	workspace.NeedEmptyPlan()
}
