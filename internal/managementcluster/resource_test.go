// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package managementcluster_test

import (
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"

	"github.com/terraform-capi/terraform-provider-capi/internal/acctest"
	"github.com/terraform-capi/terraform-provider-capi/internal/management/kind"
	"github.com/terraform-capi/terraform-provider-capi/internal/management/kind/kindtest"
	"github.com/terraform-capi/terraform-provider-capi/internal/managementcluster"
)

func TestMain(m *testing.M) { os.Exit(acctest.Run(m)) }

const (
	address = managementcluster.ResourceType + ".test"
	image   = managementcluster.DefaultNodeImage
)

func config(name, extra string) string {
	return fmt.Sprintf("resource %q \"test\" {\n  name = %q\n  %s\n}\n", managementcluster.ResourceType, name, extra)
}

func expect(action plancheck.ResourceActionType) resource.ConfigPlanChecks {
	return resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{plancheck.ExpectResourceAction(address, action)}}
}

func TestIntegrationStatusRepairs(t *testing.T) {
	acctest.NeedTerraform(t)
	environment := acctest.NeedAPIServer(t)
	fake := newFakeClusters(environment)
	running := []statecheck.StateCheck{
		statecheck.ExpectKnownValue(address, tfjsonpath.New("status"), knownvalue.StringExact("running")),
		statecheck.ExpectKnownValue(address, tfjsonpath.New("endpoint"), knownvalue.StringExact(strings.TrimSuffix(environment.Cluster.RESTConfig.Host, "/"))),
	}
	var first string
	test := fake.factories()
	test.Steps = []resource.TestStep{
		{Config: config("status", ""), ConfigStateChecks: running},
		{
			PreConfig: func() {
				first = fake.node(t, "status").ID
				fake.state("status", "exited")()
			},
			Config:            config("status", ""),
			ConfigPlanChecks:  expect(plancheck.ResourceActionUpdate),
			ConfigStateChecks: running,
		},
		{
			PreConfig:         fake.state("status", "paused"),
			Config:            config("status", ""),
			ConfigPlanChecks:  expect(plancheck.ResourceActionUpdate),
			ConfigStateChecks: running,
		},
		{
			// An engine that does not answer is no reason to forget a cluster.
			PreConfig:        func() { fake.docker.SetDown(true) },
			Config:           config("status", ""),
			ConfigPlanChecks: expect(plancheck.ResourceActionNoop),
		},
		{
			// Neither is a node that cannot be looked into.
			PreConfig: func() {
				if got := fake.node(t, "status").ID; got != first {
					t.Errorf("the cluster was replaced: %s, %s", first, got)
				}
				fake.docker.SetDown(false)
				fake.docker.Before = func(call string) error {
					if strings.HasPrefix(call, "docker cp") || strings.HasPrefix(call, "docker exec") {
						return errors.New("Error response from daemon: cannot fork")
					}
					return nil
				}
			},
			Config:           config("status", ""),
			ConfigPlanChecks: expect(plancheck.ResourceActionNoop),
		},
		{
			PreConfig: func() {
				fake.docker.Before = nil
				fake.docker.Remove(kind.NodeName("status"))
			},
			Config:            config("status", ""),
			ConfigPlanChecks:  expect(plancheck.ResourceActionCreate),
			ConfigStateChecks: running,
		},
		{
			Config:            config("status", `node_image = "kindest/node:v1.34.3"`),
			ConfigPlanChecks:  expect(plancheck.ResourceActionReplace),
			ConfigStateChecks: running,
		},
		{
			Taint:             []string{address},
			Config:            config("status", `node_image = "kindest/node:v1.34.3"`),
			ConfigPlanChecks:  expect(plancheck.ResourceActionReplace),
			ConfigStateChecks: running,
		},
	}
	resource.UnitTest(t, test)
	fake.expectNothing(t)
}

// Whoever makes a cluster behind Terraform's back from something else must see it.
func TestIntegrationDrift(t *testing.T) {
	acctest.NeedTerraform(t)
	fake := newFakeClusters(acctest.NeedAPIServer(t))
	test := fake.factories()
	test.Steps = []resource.TestStep{
		{Config: config("drift", "")},
		{
			PreConfig: func() {
				fake.docker.Edit(kind.NodeName("drift"), func(c *kindtest.Container) {
					c.Files["/kind/terraform-provider-capi.json"] = strings.Replace(
						c.Files["/kind/terraform-provider-capi.json"], `"mountDockerSocket":true`, `"mountDockerSocket":false`, 1)
				})
			},
			Config:           config("drift", ""),
			ConfigPlanChecks: expect(plancheck.ResourceActionReplace),
		},
	}
	resource.UnitTest(t, test)
}

func TestIntegrationImport(t *testing.T) {
	acctest.NeedTerraform(t)
	fake := newFakeClusters(acctest.NeedAPIServer(t))
	full := config("import", `
  node_image             = "kindest/node:v1.34.3"
  mount_docker_socket    = false
  extra_port_mappings    = [{ container_port = 1, host_port = 2, protocol = "SCTP" }]
  extra_mounts           = [{ host_path = "/a", container_path = "/b" }]
  feature_gates          = { A = false }
  kubeadm_config_patches = ["kind: InitConfiguration"]
  labels                 = { a = "b" }
`)
	verify := func(id string) resource.TestStep {
		return resource.TestStep{ResourceName: address, ImportState: true, ImportStateId: id, ImportStateVerify: true}
	}
	test := fake.factories()
	test.Steps = []resource.TestStep{
		{Config: full},
		verify("import"),
		verify("kind://import"),
		{ResourceName: address, ImportState: true, ImportStateId: "nobody", ExpectError: regexp.MustCompile(`There is no KinD cluster "nobody"`)},
		{
			PreConfig:    fake.state("import", "exited"),
			ResourceName: address, ImportState: true, ImportStateId: "import",
			ExpectError: regexp.MustCompile(`(?s)"import" is stopped.*docker\s+start\s+import-control-plane`),
		},
	}
	resource.UnitTest(t, test)
}

func TestIntegrationBadInput(t *testing.T) {
	acctest.NeedTerraform(t)
	environment := acctest.NeedAPIServer(t)
	for name, input := range map[string]struct {
		config  string
		prepare func(*fakeClusters)
		want    string
	}{
		"name":      {config("Not_A_Name", ""), nil, `"Not_A_Name" is not valid`},
		"long name": {config("a23456789012345678901234567890123456789012345678901", ""), nil, `it has 51\s+characters`},
		"image":     {config("bad", `node_image = "No Image"`), nil, `"No Image" is not valid`},
		"port":      {config("bad", `extra_port_mappings = [{ container_port = 0, host_port = 70000 }]`), nil, `between 1 and 65535`},
		"protocol":  {config("bad", `extra_port_mappings = [{ container_port = 1, host_port = 1, protocol = "HTTP" }]`), nil, `"TCP"`},
		"mount":     {config("bad", `extra_mounts = [{ host_path = "a", container_path = "/b" }]`), nil, `it is a\s+relative path`},
		"patch":     {config("bad", `kubeadm_config_patches = ["x: y"]`), nil, `it has no kind`},
		"label":     {config("bad", `labels = { "a b" = "c" }`), nil, `"a b" is not valid`},
		"timeout":   {config("bad", `timeouts = { create = "soon" }`), nil, `(?i)duration`},
		"no Docker": {config("bad", ""), func(f *fakeClusters) { f.docker.SetDown(true) }, `could not reach\s+an engine`},
		"name is taken": {config("bad", ""), func(f *fakeClusters) {
			f.docker.Add(nodeOf("bad", map[string]string{"/etc/kubernetes/admin.conf": environment.Kubeconfig, "/kind/version": "v1", "/kind/kubeadm.conf": "kind: X"}))
		}, `terraform import capi_management_cluster.NAME kind://bad`},
		"remains": {config("bad", ""), func(f *fakeClusters) { f.docker.Add(nodeOf("bad", nil)) }, `docker\s+rm\s+-f\s+-v\s+0123456789ab`},
		"twice":   {config("bad", "") + strings.Replace(config("bad", ""), `"test"`, `"other"`, 1), nil, `Two resources create the same object`},
		"label in use": {config("bad", ""), func(f *fakeClusters) {
			machine := nodeOf("bad", nil)
			machine.Name = "bad-md-0-x2x4"
			f.docker.Add(machine)
		}, `(?s)label\s+io.x-k8s.kind.cluster=bad.*bad-md-0-x2x4`},
	} {
		t.Run(name, func(t *testing.T) {
			fake := newFakeClusters(environment)
			if input.prepare != nil {
				input.prepare(fake)
			}
			test := fake.factories()
			test.Steps = []resource.TestStep{{Config: input.config, PlanOnly: true, ExpectError: regexp.MustCompile(input.want)}}
			resource.UnitTest(t, test)
		})
	}
}

// A creation that failed leaves nothing in the state: there is nothing to destroy.
func TestIntegrationFailedCreation(t *testing.T) {
	acctest.NeedTerraform(t)
	fake := newFakeClusters(acctest.NeedAPIServer(t))
	fake.docker.Before = func(call string) error {
		if strings.HasPrefix(call, "kind init") {
			return errors.New("no luck: failed to init node with kubeadm")
		}
		return nil
	}
	test := fake.factories()
	test.Steps = []resource.TestStep{
		{Config: config("failing", ""), ExpectError: regexp.MustCompile(`(?s)no luck.*too\s+little\s+memory`)},
		{
			PreConfig: func() {
				fake.expectNothing(t)
				fake.docker.Before = nil
			},
			Config: config("failing", ""),
			ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
				plancheck.ExpectResourceAction(address, plancheck.ResourceActionCreate),
			}},
		},
	}
	resource.UnitTest(t, test)
}

func TestIntegrationRefusesToGoWhileClustersExist(t *testing.T) {
	acctest.NeedTerraform(t)
	environment := acctest.NeedAPIServer(t)
	fake := newFakeClusters(environment)
	cluster := &clusterv1.Cluster{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "in-the-way"}}
	cluster.Spec.Topology.ClassRef.Name = "quick-start"
	cluster.Spec.Topology.Version = "v1.35.0"
	test := fake.factories()
	test.Steps = []resource.TestStep{
		{Config: config("guarded", `timeouts = { delete = "5s" }`)},
		{
			PreConfig: func() {
				if err := environment.Cluster.Apply(t.Context(), cluster); err != nil {
					t.Fatal(err)
				}
			},
			Config:      config("guarded", `timeouts = { delete = "5s" }`),
			Destroy:     true,
			ExpectError: regexp.MustCompile(`(?s)Clusters\s+exist:\s+default/in-the-way`),
		},
		{
			// With the Cluster gone the management cluster goes too, even if it has to be started to find out.
			PreConfig: func() {
				if err := environment.Cluster.Delete(t.Context(), cluster); err != nil {
					t.Fatal(err)
				}
				fake.state("guarded", "paused")()
			},
			Config:  config("guarded", `timeouts = { delete = "5s" }`),
			Destroy: true,
		},
	}
	resource.UnitTest(t, test)
	fake.expectNothing(t)
}
