// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package managementcluster_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/terraform"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"

	"github.com/terraform-capi/terraform-provider-capi/internal/acctest"
	"github.com/terraform-capi/terraform-provider-capi/internal/management"
	"github.com/terraform-capi/terraform-provider-capi/internal/management/kind"
	"github.com/terraform-capi/terraform-provider-capi/internal/managementcluster"
	"github.com/terraform-capi/terraform-provider-capi/internal/provider"
)

// The whole life of a real management cluster.
func TestAccManagementCluster(t *testing.T) {
	acctest.NeedDocker(t)
	acctest.NeedTerraform(t)
	acctest.NeedImage(t, managementcluster.DefaultNodeImage)
	const name = "acc-management-cluster"
	acctest.NoLeaks(t, name)
	const address = managementcluster.ResourceType + ".test"
	kubeconfigPath := filepath.Join(t.TempDir(), "kubeconfig")
	hostPort := freePort(t)
	config := func(extra string) string {
		return fmt.Sprintf(`
resource %q "test" {
  name                = %q
  extra_port_mappings = [{ container_port = 30080, host_port = %d }]
  extra_mounts        = [{ host_path = "/tmp", container_path = "/host-tmp", read_only = true }]
  labels              = { "example.com/tier" = "management" }
  kubeadm_config_patches = [<<-YAML
    kind: ClusterConfiguration
    clusterName: renamed
  YAML
  ]
  %s
}
`, managementcluster.ResourceType, name, hostPort, extra)
	}
	const machine = name + "-md-0-x2x4"
	t.Cleanup(func() {
		if strings.Contains(acctest.Docker(t, "ps", "--all", "--format", "{{.Names}}"), machine) {
			acctest.Docker(t, "rm", machine)
		}
	})
	docker := kind.New()
	ctx := context.WithoutCancel(t.Context())
	userKubeconfig := filepath.Join(t.TempDir(), "must-not-be-touched")
	t.Setenv("KUBECONFIG", userKubeconfig)

	resource.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: acctest.Factories(provider.New("test", nil)),
		CheckDestroy: func(*terraform.State) error {
			if exists, err := docker.Exists(ctx, name); err != nil || exists {
				return fmt.Errorf("the cluster exists after its destruction: %t, %w", exists, err)
			}
			return nil
		},
		Steps: []resource.TestStep{
			{
				Config: config(""),
				ConfigStateChecks: []statecheck.StateCheck{
					statecheck.ExpectKnownValue(address, tfjsonpath.New("id"), knownvalue.StringExact("kind://"+name)),
					statecheck.ExpectKnownValue(address, tfjsonpath.New("status"), knownvalue.StringExact("running")),
					statecheck.ExpectKnownValue(address, tfjsonpath.New("kubernetes_version"), knownvalue.StringExact("v1.35.0")),
					statecheck.ExpectKnownValue(address, tfjsonpath.New("endpoint"), knownvalue.StringRegexp(regexp.MustCompile(`^https://127\.0\.0\.1:\d+$`))),
					statecheck.ExpectKnownValue(address, tfjsonpath.New("cluster_ca_certificate"), knownvalue.StringRegexp(regexp.MustCompile("BEGIN CERTIFICATE"))),
				},
				Check: func(*terraform.State) error {
					if _, err := os.Stat(userKubeconfig); err == nil {
						return fmt.Errorf("%s was written", userKubeconfig)
					}
					_, err := management.NewResolver(nil, docker).Connect(ctx, "kind://"+name)
					return err
				},
			},
			{
				ResourceName:      address,
				ImportState:       true,
				ImportStateId:     name,
				ImportStateVerify: true,
			},
			{
				Config: config(fmt.Sprintf("kubeconfig_path = %q", kubeconfigPath)),
				ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
					plancheck.ExpectResourceAction(address, plancheck.ResourceActionUpdate),
				}},
				Check: func(s *terraform.State) error {
					endpoint := s.RootModule().Resources[address].Primary.Attributes["endpoint"]
					if !kind.HasContext(kubeconfigPath, name, endpoint) {
						return fmt.Errorf("%s has no context for the cluster", kubeconfigPath)
					}
					return nil
				},
			},
			{
				// A node that somebody stopped is started again, in place.
				PreConfig: func() { acctest.Docker(t, "stop", "--time", "1", name+"-control-plane") },
				Config:    config(fmt.Sprintf("kubeconfig_path = %q", kubeconfigPath)),
				ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
					plancheck.ExpectResourceAction(address, plancheck.ResourceActionUpdate),
				}},
				ConfigStateChecks: []statecheck.StateCheck{
					statecheck.ExpectKnownValue(address, tfjsonpath.New("status"), knownvalue.StringExact("running")),
				},
			},
			{
				// So is one that somebody paused, in which nothing can be run. A machine of a workload
				// cluster of the same name, labelled as upstream's Docker provider does, is not the node's.
				PreConfig: func() {
					acctest.Docker(t, "create", "--name", machine, "--label", kind.Label+"="+name, "--label", "io.x-k8s.kind.role=worker",
						"--network", "none", "--tmpfs", "/var", managementcluster.DefaultNodeImage)
					acctest.Docker(t, "pause", kind.NodeName(name))
				},
				Config: config(fmt.Sprintf("kubeconfig_path = %q", kubeconfigPath)),
				ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
					plancheck.ExpectResourceAction(address, plancheck.ResourceActionUpdate),
				}},
				ConfigStateChecks: []statecheck.StateCheck{
					statecheck.ExpectKnownValue(address, tfjsonpath.New("status"), knownvalue.StringExact("running")),
				},
			},
			{
				Config:  config(fmt.Sprintf("kubeconfig_path = %q", kubeconfigPath)),
				Destroy: true,
				Check: func(*terraform.State) error {
					if state := acctest.Docker(t, "inspect", "--format", "{{.State.Status}}", machine); strings.TrimSpace(state) != "created" {
						return fmt.Errorf("the machine of a workload cluster is %s", state)
					}
					return nil
				},
			},
			{
				// Its label would make KinD take it for a node.
				Config:      config(""),
				ExpectError: regexp.MustCompile(`(?s)Name in use.*` + machine),
			},
			{
				PreConfig: func() { acctest.Docker(t, "rm", machine) },
				Config:    config(fmt.Sprintf("kubeconfig_path = %q", kubeconfigPath)),
			},
			{
				// One that somebody deleted is made again.
				PreConfig:          func() { acctest.Docker(t, "rm", "--force", "--volumes", kind.NodeName(name)) },
				RefreshState:       true,
				ExpectNonEmptyPlan: true,
			},
		},
	})
	if kind.HasContext(kubeconfigPath, name, "") {
		t.Errorf("%s still has a context for the cluster", kubeconfigPath)
	}
}

// A creation that fails leaves nothing, and says why with the node's own words.
func TestAccManagementClusterFailedCreation(t *testing.T) {
	acctest.NeedDocker(t)
	acctest.NeedTerraform(t)
	acctest.NeedImage(t, managementcluster.DefaultNodeImage)
	acctest.NoLeaks(t, "acc-failed")
	resource.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: acctest.Factories(provider.New("test", nil)),
		Steps: []resource.TestStep{
			{
				Config: fmt.Sprintf(`
resource %q "test" {
  name       = "acc-failed"
  node_image = "registry.invalid/no/such-image:v1.35.0"
}
`, managementcluster.ResourceType),
				ExpectError: regexp.MustCompile(`(?s)Management cluster not created.*failed to pull image.*check\s+its\s+name`),
			},
			{
				Config: fmt.Sprintf(`
resource %q "test" {
  name                   = "acc-failed"
  kubeadm_config_patches = ["kind: ClusterConfiguration\nkubernetesVersion: nonsense"]
}
`, managementcluster.ResourceType),
				ExpectError: regexp.MustCompile(`(?s)Management cluster not created.*nonsense`),
			},
			{
				Config: fmt.Sprintf(`
resource %q "test" {
  name     = "acc-failed"
  timeouts = { create = "5s" }
}
`, managementcluster.ResourceType),
				ExpectError: regexp.MustCompile(`(?s)creation\s+was\s+interrupted.*timeouts\.create`),
			},
		},
	})
}

func freePort(t *testing.T) int {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	return listener.Addr().(*net.TCPAddr).Port
}
