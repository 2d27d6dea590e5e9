// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package cluster_test

import (
	"context"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-testing/compare"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/terraform-capi/terraform-provider-capi/internal/cluster"
)

func setUpDataSources(t *testing.T) environment {
	t.Helper()
	env := setUp(t)
	env.provider.DataSourceList = []func() datasource.DataSource{cluster.NewDataSource, cluster.NewDataSourceList}
	return env
}

// bare makes a Cluster that was made without a class and without Terraform. The
// stand-in for the controllers only knows others.
func (e environment) bare(t *testing.T, name string) {
	t.Helper()
	bare := &clusterv1.Cluster{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name, Labels: map[string]string{"team": "read"}},
		Spec: clusterv1.ClusterSpec{
			ControlPlaneEndpoint: clusterv1.APIEndpoint{Host: name + ".example.com", Port: 6443},
			InfrastructureRef:    clusterv1.ContractVersionedObjectReference{APIGroup: "infrastructure.cluster.x-k8s.io", Kind: "DockerCluster", Name: name},
		},
	}
	e.controllers.Hold(client.ObjectKeyFromObject(bare))
	if err := e.Cluster.Create(t.Context(), bare); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Cluster.Delete(context.WithoutCancel(t.Context()), bare); err != nil {
			t.Error(err)
		}
	})
}

// The data sources say of a cluster what the resource says, and what it does not
// declare besides.
func TestIntegrationClusterDataSources(t *testing.T) {
	env := setUpDataSources(t)
	env.bare(t, "read-classless")
	c := clusterHCL{Name: "read", Version: "v1.34.3", Workers: 2, Extra: `annotations = { "example.com/team" = "read" }`}
	config := c.String() + `
data "capi_cluster" "test" {
  management_cluster = "kind://envtest"
  name               = capi_cluster.test.name
  depends_on         = [capi_cluster.test]
}

data "capi_cluster" "classless" {
  management_cluster = "kind://envtest"
  namespace          = "default"
  name               = "read-classless"
}

data "capi_clusters" "tier" {
  management_cluster = "kind://envtest"
  label_selector     = "tier in (test),!nobody"
  depends_on         = [capi_cluster.test]
}

data "capi_clusters" "team" {
  management_cluster = "kind://envtest"
  namespace          = "default"
  label_selector     = "team=read"
}

data "capi_clusters" "nowhere" {
  management_cluster = "kind://envtest"
  namespace          = "kube-system"
}
`
	const single, bare = "data.capi_cluster.test", "data.capi_cluster.classless"
	same := func(attribute string) statecheck.StateCheck {
		return statecheck.CompareValuePairs(address, tfjsonpath.New(attribute), single, tfjsonpath.New(attribute), compare.ValuesSame())
	}
	known := func(address string, path tfjsonpath.Path, value knownvalue.Check) statecheck.StateCheck {
		return statecheck.ExpectKnownValue(address, path, value)
	}
	topology := tfjsonpath.New("topology")
	clusters := tfjsonpath.New("clusters")
	endpoint := func(host string) knownvalue.Check {
		return knownvalue.ObjectExact(map[string]knownvalue.Check{"host": knownvalue.StringExact(host), "port": knownvalue.Int64Exact(6443)})
	}
	resource.UnitTest(t, resource.TestCase{
		ProtoV6ProviderFactories: env.provider.Factories(),
		Steps: []resource.TestStep{{
			Config: config,
			ConfigStateChecks: []statecheck.StateCheck{
				same("id"), same("uid"), same("namespace"), same("phase"), same("endpoint"), same("ready"),
				same("kubernetes_versions"), same("cluster_network"),
				known(single, tfjsonpath.New("conditions").AtMapKey("Available").AtMapKey("status"), knownvalue.StringExact("True")),
				known(single, tfjsonpath.New("replicas").AtMapKey("machine_deployments").AtMapKey("md-0").AtMapKey("ready"), knownvalue.Int64Exact(2)),
				known(single, tfjsonpath.New("machines"), knownvalue.MapSizeExact(3)),
				known(single, topology.AtMapKey("class"), knownvalue.StringExact("read-class")),
				known(single, topology.AtMapKey("version"), knownvalue.StringExact("v1.34.3")),
				known(single, topology.AtMapKey("workers").AtMapKey("machine_deployments").AtMapKey("md-0").AtMapKey("replicas"), knownvalue.Int64Exact(2)),
				known(single, tfjsonpath.New("labels").AtMapKey("tier"), knownvalue.StringExact("test")),
				known(single, tfjsonpath.New("annotations").AtMapKey("example.com/team"), knownvalue.StringExact("read")),

				known(bare, topology, knownvalue.Null()),
				known(bare, tfjsonpath.New("ready"), knownvalue.Bool(false)),
				known(bare, tfjsonpath.New("endpoint"), endpoint("read-classless.example.com")),

				known("data.capi_clusters.tier", clusters, knownvalue.ListPartial(map[int]knownvalue.Check{0: knownvalue.ObjectPartial(map[string]knownvalue.Check{
					"id": knownvalue.StringExact("kind://envtest/default/read"), "namespace": knownvalue.StringExact("default"), "name": knownvalue.StringExact("read"),
					"class": knownvalue.StringExact("read-class"), "version": knownvalue.StringExact("v1.34.3"),
					"phase": knownvalue.StringExact("Provisioned"), "ready": knownvalue.Bool(true), "endpoint": endpoint("read-lb"),
				})})),
				known("data.capi_clusters.team", clusters, knownvalue.ListExact([]knownvalue.Check{knownvalue.ObjectPartial(map[string]knownvalue.Check{
					"name": knownvalue.StringExact("read-classless"), "class": knownvalue.Null(), "version": knownvalue.Null(), "ready": knownvalue.Bool(false),
				})})),
				known("data.capi_clusters.nowhere", clusters, knownvalue.ListExact(nil)),
			},
		}},
	})
}

func TestIntegrationClusterDataSourceMistakes(t *testing.T) {
	env := setUpDataSources(t)
	env.bare(t, "somebody")
	var steps []resource.TestStep
	for _, mistake := range []struct{ config, want string }{
		{`data "capi_cluster" "test" {
  management_cluster = "kind://envtest"
  name = "nobody"
}`, `Not found.*Cluster default/nobody does not exist\. There are.*default/somebody`},
		{`data "capi_cluster" "test" {
  management_cluster = "kind://gone"
  name = "web"
}`, `Management cluster not found.*There is no KinD cluster "gone".*depends_on`},
		{`data "capi_cluster" "test" { name = "web" }`, `No management cluster.*[sS]et\s+management_cluster`},
		{`data "capi_clusters" "test" { label_selector = "tier in test" }`, `Invalid label selector.*env in \(prod, test\)`},
	} {
		steps = append(steps, resource.TestStep{Config: mistake.config, ExpectError: says(mistake.want)})
	}
	resource.UnitTest(t, resource.TestCase{ProtoV6ProviderFactories: env.provider.Factories(), Steps: steps})
}
