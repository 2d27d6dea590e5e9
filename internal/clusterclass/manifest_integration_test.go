// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package clusterclass_test

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/terraform"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"
	"k8s.io/utils/ptr"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/terraform-capi/terraform-provider-capi/internal/clusterclass"
)

// manifestHCL is a class that is read from a file.
func manifestHCL(t *testing.T, manifest, extra string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "class.yaml")
	if err := os.WriteFile(file, []byte(manifest), 0o600); err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf(`
resource "capi_cluster_class" "test" {
  management_cluster = "kind://envtest"
  manifest           = file(%q)
  %s
}
`, file, extra)
}

func planned(action plancheck.ResourceActionType) resource.ConfigPlanChecks {
	return resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{plancheck.ExpectResourceAction(address, action)}}
}

// Upstream's quick-start class is used as it is, edited, changed behind
// Terraform's back, renamed, and imported.
func TestIntegrationClusterClassManifest(t *testing.T) {
	env := setUp(t)
	text := clusterclass.QuickStart(t)
	edited := strings.Replace(text, "containerPath: \"/var/run/docker.sock\"", "containerPath: \"/docker.sock\"", 1)
	if edited == text {
		t.Fatal("upstream's manifest has changed")
	}
	worker := tfjsonpath.New("templates").AtMapKey("default-worker/pool-machines")
	resource.UnitTest(t, resource.TestCase{
		ProtoV6ProviderFactories: env.provider.Factories(),
		Steps: []resource.TestStep{
			{
				Config: manifestHCL(t, text, ""),
				ConfigStateChecks: []statecheck.StateCheck{
					statecheck.ExpectKnownValue(address, tfjsonpath.New("id"), knownvalue.StringExact("kind://envtest/default/quick-start")),
					statecheck.ExpectKnownValue(address, tfjsonpath.New("ready"), knownvalue.Bool(true)),
					statecheck.ExpectKnownValue(address, worker, knownvalue.StringRegexp(regexp.MustCompile("^quick-start-default-worker-pool-machines-[0-9a-f]{10}$"))),
				},
			},
			{Config: manifestHCL(t, "# A comment.\n"+text, ""), PlanOnly: true},
			{
				ResourceName:  address,
				ImportState:   true,
				ImportStateId: "kind://envtest/default/quick-start",
				ImportStateCheck: func(states []*terraform.InstanceState) error {
					if len(states) != 1 || states[0].Attributes["manifest"] != "" || states[0].Attributes["control_plane.template.kind"] != "KubeadmControlPlaneTemplate" {
						return errors.New("not imported as attributes")
					}
					return nil
				},
			},
			{Config: manifestHCL(t, edited, ""), ConfigPlanChecks: planned(plancheck.ResourceActionUpdate)},
			{
				PreConfig: func() {
					class := &clusterv1.ClusterClass{}
					if err := env.Cluster.Get(t.Context(), client.ObjectKey{Namespace: "default", Name: "quick-start"}, class); err != nil {
						t.Fatal(err)
					}
					class.Spec.ControlPlane.HealthCheck.Checks.UnhealthyNodeConditions[0].TimeoutSeconds = ptr.To[int32](1)
					class.Spec.ControlPlane.Metadata.Labels = map[string]string{"not": "declared"}
					if err := env.Cluster.Update(t.Context(), class); err != nil {
						t.Fatal(err)
					}
				},
				Config:           manifestHCL(t, edited, ""),
				ConfigPlanChecks: planned(plancheck.ResourceActionUpdate),
				ConfigStateChecks: []statecheck.StateCheck{
					statecheck.ExpectKnownValue(address, tfjsonpath.New("manifest"), knownvalue.StringExact(edited)),
				},
			},
			{Config: manifestHCL(t, edited, ""), PlanOnly: true},
			{
				Config:           manifestHCL(t, edited, `name = "renamed"`),
				ConfigPlanChecks: planned(plancheck.ResourceActionReplace),
				ConfigStateChecks: []statecheck.StateCheck{
					statecheck.ExpectKnownValue(address, tfjsonpath.New("id"), knownvalue.StringExact("kind://envtest/default/renamed")),
				},
			},
		},
	})
}

// With every field set, a manifest and attributes make the same objects, and plan
// clean afterwards.
func TestIntegrationClusterClassEveryField(t *testing.T) {
	env := setUp(t)
	text, attributes := clusterclass.EveryField(t)
	typed := `
resource "capi_cluster_class" "test" {
  management_cluster = "kind://envtest"
  name               = "whole"
`
	for _, name := range slices.Sorted(maps.Keys(attributes)) {
		typed += fmt.Sprintf("  %s = jsondecode(%q)\n", name, attributes[name])
	}
	typed += "}\n"
	typed = strings.ReplaceAll(typed, "%{", "%%{")
	var before map[string]string
	templates := func(check func(map[string]string) error) resource.TestCheckFunc {
		return func(s *terraform.State) error {
			found := map[string]string{}
			for key, value := range s.RootModule().Resources[address].Primary.Attributes {
				if role, ok := strings.CutPrefix(key, "templates."); ok {
					found[role] = value
				}
			}
			return check(found)
		}
	}
	resource.UnitTest(t, resource.TestCase{
		ProtoV6ProviderFactories: env.provider.Factories(),
		Steps: []resource.TestStep{
			{
				Config: manifestHCL(t, text, ""),
				Check: templates(func(found map[string]string) error {
					before = found
					return nil
				}),
			},
			{
				Config:           typed,
				ConfigPlanChecks: planned(plancheck.ResourceActionUpdate),
				Check: templates(func(found map[string]string) error {
					if len(found) < 7 || !maps.Equal(before, found) {
						return fmt.Errorf("templates became %v, from %v", found, before)
					}
					return nil
				}),
			},
			{
				ResourceName:            address,
				ImportState:             true,
				ImportStateId:           "kind://envtest/default/whole",
				ImportStateVerify:       true,
				ImportStateVerifyIgnore: []string{"timeouts"},
			},
		},
	})
}

// What is wrong about a manifest is found at plan, and says where.
func TestIntegrationClusterClassManifestMistakes(t *testing.T) {
	env := setUp(t)
	text := clusterclass.QuickStart(t)
	for name, tc := range map[string]struct{ config, want string }{
		"name":             {manifestHCL(t, strings.Replace(text, "name: quick-start\n", "name: ${NAME}\n", 1), ""), `Invalid manifest(?s:.*)\$\{NAME\}(?s:.*)manifest_variables`},
		"values":           {manifestHCL(t, strings.Replace(text, "name: quick-start\n", "name: ${NAME}\n", 1), "manifest_variables = {}"), `Invalid manifest(?s:.*)variable\s+NAME\s+has\s+no\s+value`},
		"several":          {manifestHCL(t, text+"---\n"+strings.ReplaceAll(text, "name: quick-start", "name: other"), ""), `Invalid manifest(?s:.*)manifest_class`},
		"documents":        {manifestHCL(t, text+"---\n{apiVersion: v1, kind: Namespace, metadata: {name: a}}\n", ""), `Invalid manifest(?s:.*)manifest_class_only`},
		"without manifest": {"resource \"capi_cluster_class\" \"test\" {\n  name = \"a\"\n  manifest_variables = {}\n}\n", `Missing attribute(?s:.*)manifest_variables`},
		"unserved version": {manifestHCL(t, strings.ReplaceAll(text, "infrastructure.cluster.x-k8s.io/v1beta2", "infrastructure.cluster.x-k8s.io/v1beta1"), ""),
			`Invalid template(?s:.*)serves\s+no(?s:.*)infrastructure.cluster.x-k8s.io/v1beta2`},
		"class": {manifestHCL(t, strings.Replace(text, "variable: imageRepository", "variable: imageRegistry", 1), ""),
			`Invalid cluster class(?s:.*)with capi_cluster_class.test(?s:.*)manifest(?s:.*)imageRegistry`},
		"template": {manifestHCL(t, strings.Replace(text, `hostPath: "/var/run`, `hostPaht: "/var/run`, 1), ""), `Invalid template(?s:.*)in\s+the\s+manifest(?s:.*)hostPaht`},
		"both":     {manifestHCL(t, text, `kubernetes_versions = ["v1.35.0"]`), `Conflicting attributes(?s:.*)kubernetes_versions`},
		"neither":  {"resource \"capi_cluster_class\" \"test\" {\n  name = \"a\"\n}\n", `Missing attribute(?s:.*)infrastructure`},
		"no name":  {strings.Replace(classHCL{Name: "a", WorkerImage: "x"}.String(), "name               = ", "# ", 1), `Missing attribute(?s:.*)"name"`},
	} {
		t.Run(name, func(t *testing.T) {
			resource.UnitTest(t, resource.TestCase{
				ProtoV6ProviderFactories: env.provider.Factories(),
				Steps:                    []resource.TestStep{{Config: tc.config, PlanOnly: true, ExpectError: regexp.MustCompile(tc.want)}},
			})
		})
	}
}

// flavour is a file as providers publish it: with variables, and with more than the
// class.
func flavour(t *testing.T) string {
	t.Helper()
	text := clusterclass.QuickStart(t)
	replaced := strings.NewReplacer("name: quick-start\n", "name: ${CLASS}\n", "containerPath: \"/var/run/docker.sock\"", "containerPath: \"${SOCKET:=/var/run/docker.sock}\"").Replace(text)
	if strings.Count(replaced, "${") < 3 {
		t.Fatal("upstream's manifest has changed")
	}
	return replaced + "---\n{apiVersion: v1, kind: ConfigMap, metadata: {name: cni, namespace: kube-system}, data: {a: '$${HOME}'}}\n"
}

const readFlavour = `
  manifest_class_only = true
  manifest_variables  = { CLASS = "flavour", SOCKET = "/run/docker.sock" }
`

// A whole flavour is used as it is. The plan says what is left out, values may come
// from other resources, and what drifts comes back.
func TestIntegrationClusterClassFlavour(t *testing.T) {
	env := setUp(t)
	text := flavour(t)
	unknown := `
resource "terraform_data" "class" {
  input = "flavour"
}
`
	leftOut := knownvalue.ListExact([]knownvalue.Check{knownvalue.StringExact("ConfigMap kube-system/cni")})
	resource.UnitTest(t, resource.TestCase{
		ProtoV6ProviderFactories: env.provider.Factories(),
		Steps: []resource.TestStep{
			{
				Config: unknown + manifestHCL(t, text, strings.Replace(readFlavour, `"flavour"`, "terraform_data.class.output", 1)),
				ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
					plancheck.ExpectUnknownValue(address, tfjsonpath.New("name")),
					plancheck.ExpectUnknownValue(address, tfjsonpath.New("left_out")),
				}},
				ConfigStateChecks: []statecheck.StateCheck{
					statecheck.ExpectKnownValue(address, tfjsonpath.New("id"), knownvalue.StringExact("kind://envtest/default/flavour")),
					statecheck.ExpectKnownValue(address, tfjsonpath.New("manifest"), knownvalue.StringExact(text)),
					statecheck.ExpectKnownValue(address, tfjsonpath.New("left_out"), leftOut),
				},
			},
			{Config: unknown + manifestHCL(t, text, readFlavour), PlanOnly: true},
			{
				PreConfig: func() {
					class := &clusterv1.ClusterClass{}
					if err := env.Cluster.Get(t.Context(), client.ObjectKey{Namespace: "default", Name: "flavour"}, class); err != nil {
						t.Fatal(err)
					}
					class.Spec.ControlPlane.HealthCheck.Checks.UnhealthyNodeConditions[0].TimeoutSeconds = ptr.To[int32](1)
					if err := env.Cluster.Update(t.Context(), class); err != nil {
						t.Fatal(err)
					}
				},
				Config: manifestHCL(t, text, readFlavour),
				ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
					plancheck.ExpectResourceAction(address, plancheck.ResourceActionUpdate),
					plancheck.ExpectKnownValue(address, tfjsonpath.New("left_out"), leftOut),
				}},
				ConfigStateChecks: []statecheck.StateCheck{
					statecheck.ExpectKnownValue(address, tfjsonpath.New("manifest"), knownvalue.StringExact(text)),
				},
			},
			{Config: manifestHCL(t, text, readFlavour), PlanOnly: true},
			{
				Config:           manifestHCL(t, text, strings.Replace(readFlavour, "/run/", "/srv/", 1)),
				ConfigPlanChecks: planned(plancheck.ResourceActionUpdate),
			},
			{
				Config:           manifestHCL(t, text, strings.Replace(readFlavour, `"flavour"`, `"other"`, 1)),
				ConfigPlanChecks: planned(plancheck.ResourceActionReplace),
			},
		},
	})
}
