// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package cluster_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/terraform-capi/terraform-provider-capi/internal/cluster"
)

// classOfEveryField has what the cluster with every field needs.
const classOfEveryField = `
resource "capi_cluster_class" "test" {
  management_cluster = "kind://envtest"
  manifest           = <<-EOT
    apiVersion: cluster.x-k8s.io/v1beta2
    kind: ClusterClass
    metadata: {name: quick-start, namespace: classes}
    spec:
      infrastructure:
        templateRef: {apiVersion: infrastructure.cluster.x-k8s.io/v1beta2, kind: DockerClusterTemplate, name: infra}
      controlPlane:
        templateRef: {apiVersion: controlplane.cluster.x-k8s.io/v1beta2, kind: KubeadmControlPlaneTemplate, name: cp}
        machineInfrastructure:
          templateRef: {apiVersion: infrastructure.cluster.x-k8s.io/v1beta2, kind: DockerMachineTemplate, name: machine}
      workers:
        machineDeployments:
        - class: default-worker
          bootstrap: {templateRef: {apiVersion: bootstrap.cluster.x-k8s.io/v1beta2, kind: KubeadmConfigTemplate, name: bootstrap}}
          infrastructure: {templateRef: {apiVersion: infrastructure.cluster.x-k8s.io/v1beta2, kind: DockerMachineTemplate, name: machine}}
        machinePools:
        - class: default-pool
          bootstrap: {templateRef: {apiVersion: bootstrap.cluster.x-k8s.io/v1beta2, kind: KubeadmConfigTemplate, name: bootstrap}}
          infrastructure: {templateRef: {apiVersion: infrastructure.cluster.x-k8s.io/v1beta2, kind: DevMachinePoolTemplate, name: pool}}
      variables:
      - {name: size, schema: {openAPIV3Schema: {type: integer}}}
      - {name: imageRepository, schema: {openAPIV3Schema: {type: string}}}
      - {name: nested, schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}}
    ---
    {apiVersion: infrastructure.cluster.x-k8s.io/v1beta2, kind: DockerClusterTemplate, metadata: {name: infra}, spec: {template: {spec: {}}}}
    ---
    {apiVersion: infrastructure.cluster.x-k8s.io/v1beta2, kind: DockerMachineTemplate, metadata: {name: machine}, spec: {template: {spec: {}}}}
    ---
    {apiVersion: infrastructure.cluster.x-k8s.io/v1beta2, kind: DevMachinePoolTemplate, metadata: {name: pool}, spec: {template: {spec: {backend: {docker: {}}}}}}
    ---
    apiVersion: controlplane.cluster.x-k8s.io/v1beta2
    kind: KubeadmControlPlaneTemplate
    metadata: {name: cp}
    spec: {template: {spec: {kubeadmConfigSpec: {format: cloud-config}}}}
    ---
    apiVersion: bootstrap.cluster.x-k8s.io/v1beta2
    kind: KubeadmConfigTemplate
    metadata: {name: bootstrap}
    spec: {template: {spec: {format: cloud-config}}}
  EOT
}
`

// everyField is the configuration of the cluster with every field.
func everyField(t *testing.T) string {
	t.Helper()
	config := classOfEveryField + `
resource "capi_cluster" "test" {
  depends_on         = [capi_cluster_class.test]
  management_cluster = "kind://envtest"
  namespace          = "team-a"
  name               = "web"
`
	attributes := cluster.EveryField(t)
	for _, name := range slices.Sorted(maps.Keys(attributes)) {
		config += fmt.Sprintf("  %s = jsondecode(%q)\n", name, attributes[name])
	}
	return config + "}\n"
}

// With every field set, a cluster is created, plans clean, and is imported as it
// was configured.
func TestIntegrationClusterEveryField(t *testing.T) {
	env := setUp(t)
	for _, name := range []string{"team-a", "classes"} {
		namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}
		if err := env.Cluster.Create(t.Context(), namespace); client.IgnoreAlreadyExists(err) != nil {
			t.Fatal(err)
		}
	}
	resource.UnitTest(t, resource.TestCase{
		ProtoV6ProviderFactories: env.provider.Factories(),
		Steps: []resource.TestStep{
			{Config: everyField(t)},
			{
				ResourceName:      address,
				ImportState:       true,
				ImportStateId:     "kind://envtest/team-a/web",
				ImportStateVerify: true,
				// Nobody waits for a paused cluster, which goes on becoming one here.
				ImportStateVerifyIgnore: []string{"timeouts", "conditions", "machines", "phase", "ready", "replicas", "kubernetes_versions"},
			},
			// A paused cluster cannot be destroyed.
			{Config: strings.Replace(everyField(t), `paused = jsondecode("true")`, "paused   = false\n  wait_for = \"none\"", 1)},
		},
	})
}

// What no cluster can have is refused without asking anybody.
func TestIntegrationClusterFieldMistakes(t *testing.T) {
	env := setUp(t)
	whole := everyField(t)
	for name, tc := range map[string]struct{ old, replacement, want string }{
		"replicas and autoscaler": {`\"class\":\"default-pool\"`, `\"class\":\"default-pool\",\"autoscaler\":{\"min_size\":1,\"max_size\":2}`, `Conflicting attributes.*replicas`},
		"autoscaler upside down":  {`\"min_size\":1`, `\"min_size\":8`, `min_size is 8, and max_size is 5`},
		"effect":                  {`\"effect\":\"NoSchedule\"`, `\"effect\":\"Never\"`, `control_plane.*taints.*effect`},
		"propagation":             {`\"propagation\":\"Always\"`, `\"propagation\":\"Sometimes\"`, `taints.*propagation`},
		"key of a taint":          {`\"key\":\"example.com/a\"`, `\"key\":\"not a key\"`, `not a key`},
		"time":                    {`2026-01-31T10:00:00Z`, `tomorrow`, `"tomorrow" is not valid`},
		"amount":                  {`\"max_surge\":\"1\"`, `\"max_surge\":\"some\"`, `"some" is not valid`},
		"range":                   {`[1-2]`, `1-2`, `unhealthy_in_range`},
		"networks overlap":        {`10.20.0.0/16`, `10.10.128.0/17`, `addresses in common`},
		"network":                 {`10.20.0.0/16`, `10.20.0.0`, `"10.20.0.0" is not valid`},
		"endpoint":                {`\"port\":6443`, `\"port\":66443`, `control_plane_endpoint.port`},
		"name of a set":           {`\"mp-0\"`, `\"Not_A_Name\"`, `Not_A_Name`},
		"label":                   {`\"labels\":{\"e\":\"f\"}`, `\"labels\":{\"e\":\"not a value\"}`, `not a value`},
		"condition type":          {`\"condition_type\":\"Good\"`, `\"condition_type\":\"not a type\"`, `not a type`},
	} {
		t.Run(name, func(t *testing.T) {
			if !strings.Contains(whole, tc.old) {
				t.Fatalf("the configuration has no %s", tc.old)
			}
			resource.UnitTest(t, resource.TestCase{
				ProtoV6ProviderFactories: env.provider.Factories(),
				Steps: []resource.TestStep{{
					Config: strings.Replace(whole, tc.old, tc.replacement, 1), PlanOnly: true, ExpectError: says(tc.want),
				}},
			})
		})
	}
}
