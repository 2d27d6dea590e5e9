// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package clusterclass_test

import (
	"regexp"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/function"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"

	"github.com/terraform-capi/terraform-provider-capi/internal/clusterclass"
	"github.com/terraform-capi/terraform-provider-capi/internal/functions"
)

// A class is read, and what is read goes into the functions.
func TestIntegrationClusterClassDataSource(t *testing.T) {
	env := setUp(t)
	env.provider.DataSourceList = []func() datasource.DataSource{clusterclass.NewDataSource}
	env.provider.FunctionList = []func() function.Function{functions.NewUpgradePath, functions.NewNextVersions, functions.NewClassVariablesTemplate}
	class := classHCL{
		Name: "read", WorkerImage: "kindest/node:v1.34.3",
		ExtraVariables: `region = { required = true, schema = { type = "string" } }`,
		Extra:          `kubernetes_versions = ["v1.33.4", "v1.34.3", "v1.35.0"]`,
	}
	config := class.String() + `
data "capi_cluster_class" "test" {
  management_cluster = "kind://envtest"
  name               = capi_cluster_class.test.name
  depends_on         = [capi_cluster_class.test]
}

output "values" {
  value = provider::capi::class_variables_template(data.capi_cluster_class.test.variables)
}

output "path" {
  value = provider::capi::upgrade_path("v1.33.4", "v1.35.0", data.capi_cluster_class.test.kubernetes_versions)
}

output "next" {
  value = provider::capi::next_versions("v1.34.3", data.capi_cluster_class.test.kubernetes_versions)
}
`
	known := func(path tfjsonpath.Path, value knownvalue.Check) statecheck.StateCheck {
		return statecheck.ExpectKnownValue("data."+clusterclass.ResourceType+".test", path, value)
	}
	text := knownvalue.StringExact
	resource.UnitTest(t, resource.TestCase{
		ProtoV6ProviderFactories: env.provider.Factories(),
		Steps: []resource.TestStep{
			{
				Config: config,
				ConfigStateChecks: []statecheck.StateCheck{
					known(tfjsonpath.New("id"), text("kind://envtest/default/read")),
					known(tfjsonpath.New("ready"), knownvalue.Bool(true)),
					known(tfjsonpath.New("infrastructure_kind"), text("DockerClusterTemplate")),
					known(tfjsonpath.New("control_plane_kind"), text("KubeadmControlPlaneTemplate")),
					known(tfjsonpath.New("machine_deployment_classes").AtMapKey("default-worker"), knownvalue.ObjectExact(map[string]knownvalue.Check{
						"bootstrap_kind": text("KubeadmConfigTemplate"), "infrastructure_kind": text("DockerMachineTemplate"),
					})),
					known(tfjsonpath.New("machine_pool_classes"), knownvalue.MapSizeExact(0)),
					known(tfjsonpath.New("variables").AtMapKey("region"), knownvalue.ObjectExact(map[string]knownvalue.Check{
						"required": knownvalue.Bool(true), "from": text("inline"),
						"schema": knownvalue.ObjectExact(map[string]knownvalue.Check{"type": text("string")}),
					})),
					known(tfjsonpath.New("conditions").AtMapKey("VariablesReady").AtMapKey("status"), text("True")),
					statecheck.ExpectKnownOutputValue("values", knownvalue.ObjectPartial(map[string]knownvalue.Check{
						"region": text("<region>"), "imageRepository": text(""),
					})),
					statecheck.ExpectKnownOutputValue("path", knownvalue.ListExact([]knownvalue.Check{text("v1.34.3"), text("v1.35.0")})),
					statecheck.ExpectKnownOutputValue("next", knownvalue.ListExact([]knownvalue.Check{text("v1.35.0")})),
				},
			},
			{
				Config:      `output "path" { value = provider::capi::upgrade_path("v1.35.0", "v1.34.3", []) }`,
				ExpectError: regexp.MustCompile(`Invalid value for "to" parameter: v1\.34\.3: it cannot be\s+downgraded`),
			},
			{
				Config: `data "capi_cluster_class" "test" {
  management_cluster = "kind://envtest"
  name               = "unknown"
}`,
				ExpectError: regexp.MustCompile(`(?s)Not found.*ClusterClass\s+default/unknown\s+does\s+not\s+exist`),
			},
		},
	})
}
