// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package clusterclass_test

import (
	"context"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	tfresource "github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/terraform"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
	"sigs.k8s.io/controller-runtime/pkg/client"

	dockerv1 "github.com/terraform-capi/terraform-provider-capi/controllers/docker/api/v1beta2"
	"github.com/terraform-capi/terraform-provider-capi/internal/acctest"
	"github.com/terraform-capi/terraform-provider-capi/internal/cluster/clustertest"
	"github.com/terraform-capi/terraform-provider-capi/internal/clusterclass"
)

func TestMain(m *testing.M) { os.Exit(acctest.Run(m)) }

const address = clusterclass.ResourceType + ".test"

// classHCL is a class with everything that a class usually has.
type classHCL struct {
	Name           string
	WorkerImage    string
	ExtraVariables string
	Extra          string
}

func (c classHCL) String() string {
	return fmt.Sprintf(`
resource "capi_cluster_class" "test" {
  management_cluster = "kind://envtest"
  name               = %q
  labels             = { tier = "test" }

  infrastructure = {
    template = {
      api_version = "infrastructure.cluster.x-k8s.io/v1beta2"
      kind        = "DockerClusterTemplate"
      spec        = {}
    }
  }

  control_plane = {
    template = {
      api_version = "controlplane.cluster.x-k8s.io/v1beta2"
      kind        = "KubeadmControlPlaneTemplate"
      spec = {
        kubeadmConfigSpec = {
          initConfiguration = { nodeRegistration = { kubeletExtraArgs = [{ name = "v", value = "2" }] } }
        }
      }
    }
    machine_infrastructure = {
      template = {
        api_version = "infrastructure.cluster.x-k8s.io/v1beta2"
        kind        = "DockerMachineTemplate"
        spec        = {}
      }
    }
    health_check = {
      checks = {
        node_startup_timeout_seconds = 300
        unhealthy_node_conditions    = [{ type = "Ready", status = "Unknown", timeout_seconds = 300 }]
      }
      remediation = { trigger_if = { unhealthy_less_than_or_equal_to = "34%%" } }
    }
    deletion = { node_drain_timeout_seconds = 60 }
  }

  workers = {
    machine_deployments = {
      default-worker = {
        bootstrap = {
          template = {
            api_version = "bootstrap.cluster.x-k8s.io/v1beta2"
            kind        = "KubeadmConfigTemplate"
            spec        = { format = "cloud-config" }
          }
        }
        infrastructure = {
          template = {
            api_version = "infrastructure.cluster.x-k8s.io/v1beta2"
            kind        = "DockerMachineTemplate"
            spec        = { customImage = %q, extraMounts = [{ containerPath = "/data", hostPath = "/tmp", readOnly = false }] }
            metadata    = { labels = { pool = "default" } }
          }
        }
        rollout  = { strategy = { type = "RollingUpdate", rolling_update = { max_surge = "1", max_unavailable = "25%%" } } }
        deletion = { order = "Oldest" }
      }
    }
  }

  variables = {
    imageRepository = { schema = { type = "string", default = "" } }
    %s
  }

  patches = [{
    name       = "imageRepository"
    enabled_if = "{{ ne .imageRepository \"\" }}"
    definitions = [{
      selector = {
        api_version     = "controlplane.cluster.x-k8s.io/v1beta2"
        kind            = "KubeadmControlPlaneTemplate"
        match_resources = { control_plane = true }
      }
      json_patches = [{
        op         = "add"
        path       = "/spec/template/spec/kubeadmConfigSpec/clusterConfiguration/imageRepository"
        value_from = { variable = "imageRepository" }
      }, {
        op    = "add"
        path  = "/spec/template/spec/kubeadmConfigSpec/users"
        value = []
      }]
    }]
  }]
  %s
}
`, c.Name, c.WorkerImage, c.ExtraVariables, c.Extra)
}

type environment struct {
	*acctest.Environment
	provider acctest.Provider
}

func setUp(t *testing.T) environment {
	t.Helper()
	acctest.NeedTerraform(t)
	env := acctest.NeedAPIServer(t)
	clustertest.Start(t, env.Cluster)
	return environment{Environment: env, provider: acctest.Provider{
		Resolver:     env.Resolver(),
		ResourceList: []func() tfresource.Resource{clusterclass.NewResource},
	}}
}

// machineTemplates are the names of the machine templates of a class.
func (e environment) machineTemplates(t *testing.T, class string) []string {
	t.Helper()
	list := &dockerv1.DockerMachineTemplateList{}
	err := e.Cluster.List(t.Context(), list, client.InNamespace("default"),
		client.MatchingLabels{"terraform-capi.io/cluster-class": class})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, item := range list.Items {
		names = append(names, item.Name)
	}
	return names
}

// A class is created, planned empty, edited in place, imported, and leaves nothing.
func TestIntegrationClusterClass(t *testing.T) {
	env := setUp(t)
	first := classHCL{Name: "whole", WorkerImage: "kindest/node:v1.34.3"}
	edited := first
	edited.WorkerImage = "kindest/node:v1.35.0"
	worker := tfjsonpath.New("templates").AtMapKey("default-worker/machine")
	differs := statecheck.CompareValue(differing{})
	resource.UnitTest(t, resource.TestCase{
		ProtoV6ProviderFactories: env.provider.Factories(),
		Steps: []resource.TestStep{
			{
				Config: first.String(),
				ConfigStateChecks: []statecheck.StateCheck{
					statecheck.ExpectKnownValue(address, tfjsonpath.New("ready"), knownvalue.Bool(true)),
					statecheck.ExpectKnownValue(address, tfjsonpath.New("id"), knownvalue.StringExact("kind://envtest/default/whole")),
					statecheck.ExpectKnownValue(address, worker, knownvalue.StringRegexp(regexp.MustCompile("^whole-default-worker-machine-[0-9a-f]{10}$"))),
					differs.AddStateValue(address, worker),
				},
			},
			{
				ResourceName:            address,
				ImportState:             true,
				ImportStateId:           "kind://envtest/default/whole",
				ImportStateVerify:       true,
				ImportStateVerifyIgnore: []string{"timeouts"},
			},
			{
				Config: edited.String(),
				ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
					plancheck.ExpectResourceAction(address, plancheck.ResourceActionUpdate),
				}},
				ConfigStateChecks: []statecheck.StateCheck{
					differs.AddStateValue(address, worker),
					statecheck.ExpectKnownValue(address, tfjsonpath.New("ready"), knownvalue.Bool(true)),
				},
				Check: func(*terraform.State) error {
					if names := env.machineTemplates(t, "whole"); len(names) != 2 {
						return fmt.Errorf("machine templates after the edit: %v, want the worker's new one and the control plane's", names)
					}
					return nil
				},
			},
		},
		CheckDestroy: func(*terraform.State) error {
			if names := env.machineTemplates(t, "whole"); len(names) != 0 {
				return fmt.Errorf("templates left behind: %v", names)
			}
			return nil
		},
	})
}

// differing fails when two successive values are equal.
type differing struct{}

func (differing) CompareValues(values ...any) error {
	if len(values) > 1 && values[len(values)-1] == values[len(values)-2] {
		return fmt.Errorf("the value stayed %v", values[0])
	}
	return nil
}

// What is changed behind Terraform's back comes back, and what others add stays.
func TestIntegrationClusterClassDrift(t *testing.T) {
	env := setUp(t)
	config := classHCL{Name: "drift", WorkerImage: "kindest/node:v1.34.3"}.String()
	key := client.ObjectKey{Namespace: "default", Name: "drift"}
	edit := func(change func(*clusterv1.ClusterClass)) {
		class := &clusterv1.ClusterClass{}
		if err := env.Cluster.Get(t.Context(), key, class); err != nil {
			t.Fatal(err)
		}
		change(class)
		if err := env.Cluster.Update(t.Context(), class); err != nil {
			t.Fatal(err)
		}
	}
	update := resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
		plancheck.ExpectResourceAction(address, plancheck.ResourceActionUpdate),
	}}
	resource.UnitTest(t, resource.TestCase{
		ProtoV6ProviderFactories: env.provider.Factories(),
		Steps: []resource.TestStep{
			{Config: config},
			{
				PreConfig: func() {
					edit(func(c *clusterv1.ClusterClass) {
						c.Annotations = map[string]string{"somebody": "else"}
						c.Spec.ControlPlane.Metadata.Labels = map[string]string{"not": "declared"}
					})
				},
				Config:   config,
				PlanOnly: true,
			},
			{
				PreConfig: func() {
					edit(func(c *clusterv1.ClusterClass) { *c.Spec.ControlPlane.Deletion.NodeDrainTimeoutSeconds = 1 })
				},
				Config:           config,
				ConfigPlanChecks: update,
			},
			{
				PreConfig: func() {
					for _, name := range env.machineTemplates(t, "drift") {
						template := &dockerv1.DockerMachineTemplate{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name}}
						if err := env.Cluster.Delete(context.WithoutCancel(t.Context()), template); err != nil {
							t.Fatal(err)
						}
					}
				},
				Config:           config,
				ConfigPlanChecks: update,
				Check: func(*terraform.State) error {
					if names := env.machineTemplates(t, "drift"); len(names) != 2 {
						return fmt.Errorf("machine templates: %v, want two", names)
					}
					return nil
				},
			},
			{
				PreConfig: func() {
					if err := env.Cluster.Delete(t.Context(), &clusterv1.ClusterClass{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "drift"}}); err != nil {
						t.Fatal(err)
					}
				},
				Config: config,
				ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
					plancheck.ExpectResourceAction(address, plancheck.ResourceActionCreate),
				}},
			},
		},
	})
}

// Every mistake is found at plan, and is bound to the attribute that has it.
func TestIntegrationClusterClassMistakes(t *testing.T) {
	env := setUp(t)
	config := func(old, replacement string) string {
		whole := classHCL{Name: "mistake", WorkerImage: "kindest/node:v1.34.3"}.String()
		if !strings.Contains(whole, old) {
			t.Fatalf("the configuration has no %q", old)
		}
		return strings.Replace(whole, old, replacement, 1)
	}
	for name, tc := range map[string]struct {
		config string
		want   string
	}{
		"name": {config(`"mistake"`, `"Not_A_Name"`), `(?s)not valid.*lower case`},
		"unknown variable in a patch": {config(`{ variable = "imageRepository" }`, `{ variable = "imageRegistry" }`),
			`(?s)Invalid cluster class.*imageRegistry`},
		"schema of a variable": {config(`type = "string", default = ""`, `type = "strange", default = ""`),
			`(?s)Invalid cluster class.*strange`},
		"field that the template does not have": {config("customImage", "customImagg"), `(?s)Invalid template.*customImagg`},
		"field of a schema":                     {config(`type = "string", default = ""`, `type = "string", defautl = ""`), `(?s)Invalid cluster class.*defautl`},
		"not a template":                        {config(`"DockerClusterTemplate"`, `"DockerCluster"`), `(?s)Invalid cluster class.*<name>Template`},
		"both values":                           {config("value = []", `value = [], value_from = { variable = "imageRepository" }`), `(?s)Conflicting attributes.*value_from`},
	} {
		t.Run(name, func(t *testing.T) {
			resource.UnitTest(t, resource.TestCase{
				ProtoV6ProviderFactories: env.provider.Factories(),
				Steps:                    []resource.TestStep{{Config: tc.config, PlanOnly: true, ExpectError: regexp.MustCompile(tc.want)}},
			})
		})
	}
}
