// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package clusterclass_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/terraform"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/terraform-capi/terraform-provider-capi/internal/clusterclass"
)

// remediations counts the machine templates of a class that are for its remediation,
// by their image.
func (e environment) remediations(t *testing.T, class string) (images []string) {
	t.Helper()
	list := &unstructured.UnstructuredList{}
	list.SetAPIVersion("infrastructure.cluster.x-k8s.io/v1beta2")
	list.SetKind("DevMachineTemplateList")
	err := e.Cluster.List(t.Context(), list, client.InNamespace("default"), client.MatchingLabels{"terraform-capi.io/cluster-class": class})
	if err != nil {
		t.Fatal(err)
	}
	for _, template := range list.Items {
		if strings.Contains(template.GetName(), "-remediation-") {
			image, _, _ := unstructured.NestedString(template.Object, "spec", "template", "spec", "backend", "docker", "customImage")
			images = append(images, image)
		}
	}
	return images
}

// A remediation template comes with the class, rotates with its content, comes back
// when it drifts, and goes with the class. Any kind of template does for an API
// server.
func TestIntegrationClusterClassRemediation(t *testing.T) {
	env := setUp(t)
	const remediation = `    healthCheck:
      remediation:
        templateRef: {apiVersion: infrastructure.cluster.x-k8s.io/v1beta2, kind: DevMachineTemplate, name: repair}
`
	text := strings.Replace(clusterclass.QuickStart(t), "    healthCheck:\n", remediation, 1) +
		"---\n{apiVersion: infrastructure.cluster.x-k8s.io/v1beta2, kind: DevMachineTemplate, metadata: {name: repair}, spec: {template: {spec: {backend: {docker: {customImage: first}}}}}}\n"
	config := func(image string) string {
		return manifestHCL(t, strings.Replace(text, "customImage: first", "customImage: "+image, 1), `name = "repaired"`)
	}
	only := func(image string) resource.TestCheckFunc {
		return func(*terraform.State) error {
			if images := env.remediations(t, "repaired"); len(images) != 1 || images[0] != image {
				return fmt.Errorf("remediation templates have the images %q, want %s", images, image)
			}
			return nil
		}
	}
	name := tfjsonpath.New("templates").AtMapKey("control-plane-remediation")
	differs := statecheck.CompareValue(differing{})
	resource.UnitTest(t, resource.TestCase{
		ProtoV6ProviderFactories: env.provider.Factories(),
		Steps: []resource.TestStep{
			{Config: config("first"), Check: only("first"), ConfigStateChecks: []statecheck.StateCheck{differs.AddStateValue(address, name)}},
			{Config: config("first"), PlanOnly: true},
			{
				Config:            config("second"),
				ConfigPlanChecks:  planned(plancheck.ResourceActionUpdate),
				ConfigStateChecks: []statecheck.StateCheck{differs.AddStateValue(address, name)},
				Check:             only("second"),
			},
			{
				PreConfig: func() {
					class := &clusterv1.ClusterClass{}
					if err := env.Cluster.Get(t.Context(), client.ObjectKey{Namespace: "default", Name: "repaired"}, class); err != nil {
						t.Fatal(err)
					}
					class.Spec.ControlPlane.HealthCheck.Remediation.TemplateRef.Name = "another"
					if err := env.Cluster.Update(t.Context(), class); err != nil {
						t.Fatal(err)
					}
				},
				Config:           config("second"),
				ConfigPlanChecks: planned(plancheck.ResourceActionUpdate),
				ConfigStateChecks: []statecheck.StateCheck{
					statecheck.ExpectKnownValue(address, name, knownvalue.NotNull()),
				},
				Check: only("second"),
			},
			{Config: config("second"), PlanOnly: true},
		},
		CheckDestroy: func(*terraform.State) error {
			if images := env.remediations(t, "repaired"); len(images) > 0 {
				return fmt.Errorf("remediation templates are left behind: %q", images)
			}
			return nil
		},
	})
}
