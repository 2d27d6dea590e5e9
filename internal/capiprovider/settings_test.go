// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package capiprovider_test

import (
	"fmt"
	"regexp"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	clusterctlv1 "sigs.k8s.io/cluster-api/cmd/clusterctl/api/v1alpha3"

	"github.com/terraform-capi/terraform-provider-capi/internal/acctest"
	"github.com/terraform-capi/terraform-provider-capi/internal/capiprovider"
)

// Settings reach the installation, are changed in place, and are restored after a change outside of Terraform.
func TestIntegrationSettings(t *testing.T) {
	acctest.NeedTerraform(t)
	fake := newFakeBundle()
	test := fake.testCase(acctest.NeedAPIServer(t).Resolver())
	settings := func(replicas int) string {
		return config(fmt.Sprintf(`
  manager = {
    verbosity     = 4
    feature_gates = { MachinePool = true }
    sync_period   = "5m"
  }
  deployment = {
    replicas           = %d
    node_selector      = { role = "capi" }
    tolerations        = [{ key = "dedicated", operator = "Exists", effect = "NoSchedule" }]
    image_pull_secrets = [{ name = "registry" }]
    containers = [{
      name      = "manager"
      args      = { "--kube-api-qps" = "50" }
      resources = { requests = { cpu = "100m" }, limits = { memory = "1Gi" } }
    }]
  }`, replicas))
	}
	test.Steps = []resource.TestStep{
		{Config: settings(2), ConfigStateChecks: []statecheck.StateCheck{state("installed_by", knownvalue.StringExact("terraform-provider-capi"))}},
		{Config: settings(2), ConfigPlanChecks: planned(plancheck.ResourceActionNoop)},
		{
			PreConfig: func() {
				got := fake.settings
				if *got.Replicas != 2 || got.Flags()[0] != "--kube-api-qps=50" || got.Tolerations[0].Key != "dedicated" || got.ImagePullSecrets[0] != "registry" ||
					got.Resources.Limits.Memory().String() != "1Gi" || got.NodeSelector["role"] != "capi" || *got.Verbosity != 4 {
					t.Errorf("installed with %+v", got)
				}
			},
			Config: settings(3), ConfigPlanChecks: planned(plancheck.ResourceActionUpdate),
		},
		{PreConfig: fake.change(func() { fake.changed = true }), Config: settings(3), ConfigPlanChecks: planned(plancheck.ResourceActionUpdate)},
		{Config: config(""), ConfigPlanChecks: planned(plancheck.ResourceActionUpdate)},
	}
	resource.UnitTest(t, test)
	if fake.settings.Replicas != nil || len(fake.settings.Flags()) > 0 {
		t.Errorf("without settings it is installed with %+v", fake.settings)
	}
}

func TestIntegrationBadSettings(t *testing.T) {
	acctest.NeedTerraform(t)
	for name, test := range map[string]struct{ settings, want string }{
		"unknown flag":         {`deployment = { containers = [{ name = "manager", args = { "--concurrency" = "5" } }] }`, `(?s)Invalid flag.*unknown flag:\s+--concurrency`},
		"value of a flag":      {`deployment = { containers = [{ name = "manager", args = { "kube-api-qps" = "many" } }] }`, `(?s)Invalid flag.*kube-api-qps`},
		"flag of its own":      {`deployment = { containers = [{ name = "manager", args = { "leader-elect" = "false" } }] }`, `(?s)set by the\s+installation`},
		"unknown feature gate": {`manager = { feature_gates = { Machinepool = true } }`, `(?s)Invalid feature gate.*no feature gate\s+"Machinepool"`},
		"runtime extensions":   {`manager = { feature_gates = { RuntimeSDK = true } }`, `RuntimeSDK cannot be opened`},
		"no replicas":          {`deployment = { replicas = 0 }`, `between 1 and 10`},
		"quantity":             {`deployment = { containers = [{ name = "manager", resources = { limits = { memory = "much" } } }] }`, `"much" is not valid`},
		"another container":    {`deployment = { containers = [{ name = "proxy" }] }`, `"manager"`},
	} {
		t.Run(name, func(t *testing.T) {
			step := resource.TestStep{Config: config(test.settings), PlanOnly: true, ExpectError: regexp.MustCompile(test.want)}
			c := newFakeBundle().testCase(acctest.NeedAPIServer(t).Resolver())
			c.Steps = []resource.TestStep{step}
			resource.UnitTest(t, c)
		})
	}
}

// A provider is not upgraded beside a core provider of another contract, unless that is upgraded before by the same plan, nor
// over too many versions.
func TestIntegrationOrderOfUpgrades(t *testing.T) {
	acctest.NeedTerraform(t)
	env := acctest.NeedAPIServer(t)
	two := func(dependsOn string) string {
		return fmt.Sprintf("resource %[1]q \"core\" {\n  management_cluster = \"kind://envtest\"\n  name = \"cluster-api\"\n}\n"+
			"resource %[1]q \"test\" {\n  management_cluster = \"kind://envtest\"\n  name = \"bootstrap-kubeadm\"\n  %[2]s\n}\n", capiprovider.ResourceType, dependsOn)
	}
	t.Run("contract", func(t *testing.T) {
		fake := newFakeBundle()
		fake.contracts = []string{"v1alpha4", "v1beta1"}
		c := fake.testCase(env.Resolver())
		c.Steps = []resource.TestStep{
			{Config: config(""), PlanOnly: true, ExpectError: regexp.MustCompile(`(?s)Core provider too old.*v1alpha4, v1beta1.*depends_on =\s+\[capi_provider.core\]`)},
			{Config: two("depends_on = [capi_provider.core]"), PlanOnly: true, ExpectNonEmptyPlan: true},
			{
				// The core provider is found to be the old one after all: nothing is installed beside it.
				Config: two("depends_on = [capi_provider.core]"), ExpectError: regexp.MustCompile(`Core provider too old`),
			},
			{PreConfig: fake.change(func() { fake.contracts = nil }), Config: two("depends_on = [capi_provider.core]")},
		}
		resource.UnitTest(t, c)
	})
	t.Run("skip", func(t *testing.T) {
		fake := newFakeBundle()
		fake.clusterAPI = "v1.14.2"
		c := fake.testCase(env.Resolver())
		older := func() { fake.installed["bootstrap-kubeadm"].Release.ClusterAPI = "v1.9.3" }
		c.Steps = []resource.TestStep{
			{Config: config("")},
			{PreConfig: fake.change(older), Config: config(""), ExpectError: regexp.MustCompile(`(?s)Upgrade skips too many versions.*v1\.9\.3.*v1\.12 first`)},
			{PreConfig: fake.change(func() { fake.installed["bootstrap-kubeadm"].Release.ClusterAPI = "v1.12.0" }), Config: config("")},
		}
		resource.UnitTest(t, c)
	})
}

// What clusterctl installed is told with its version, and not installed again.
func TestIntegrationInstalledByOthers(t *testing.T) {
	acctest.NeedTerraform(t)
	env := acctest.NeedAPIServer(t)
	fake := newFakeBundle()
	c := fake.testCase(env.Resolver())
	entry := &clusterctlv1.Provider{
		ObjectMeta:   metav1.ObjectMeta{Namespace: "default", Name: "bootstrap-kubeadm"},
		ProviderName: "kubeadm", Type: string(clusterctlv1.BootstrapProviderType), Version: "v1.13.1",
	}
	c.Steps = []resource.TestStep{
		{Config: config("")}, // makes the inventory
		{
			PreConfig: func() {
				if err := env.Cluster.Create(t.Context(), entry); err != nil {
					t.Fatal(err)
				}
			},
			Config:      config(`image = "registry.example.com/capi:v1"`),
			ExpectError: regexp.MustCompile(`(?s)Provider installed otherwise.*Provider default/bootstrap-kubeadm of version v1.13.1, installed by clusterctl`),
		},
		{
			PreConfig: func() {
				if err := env.Cluster.Delete(t.Context(), entry); err != nil {
					t.Fatal(err)
				}
			},
			Config: config(""),
		},
	}
	resource.UnitTest(t, c)
}
