// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package cluster_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"
	"github.com/hashicorp/terraform-plugin-testing/tfversion"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/apimachinery/pkg/util/yaml"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/terraform-capi/terraform-provider-capi/internal/connection"
	"github.com/terraform-capi/terraform-provider-capi/internal/management"
)

// kubectl creates what a file in testdata describes, as somebody else would.
func (e environment) kubectl(t *testing.T, file string) {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("testdata", file))
	if err != nil {
		t.Fatal(err)
	}
	decoder := yaml.NewYAMLOrJSONDecoder(bytes.NewReader(content), len(content))
	for count := 0; ; count++ {
		obj := &unstructured.Unstructured{}
		err := decoder.Decode(obj)
		if errors.Is(err, io.EOF) && count > 0 {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		obj.SetNamespace("default")
		if err := e.Cluster.Create(t.Context(), obj, client.FieldOwner("kubectl-create")); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = e.Cluster.Delete(t.Context(), obj) })
	}
}

func (e environment) awaitReady(t *testing.T, name string) {
	t.Helper()
	err := wait.PollUntilContextTimeout(t.Context(), 100*time.Millisecond, time.Minute, true, func(context.Context) (bool, error) {
		return e.get(t, name).Status.GetTypedPhase() == clusterv1.ClusterPhaseProvisioned, nil
	})
	if err != nil {
		t.Fatalf("Cluster %s is not ready: %v", name, err)
	}
}

// A cluster and a class that somebody made with kubectl or clusterctl are imported
// with the configuration that Terraform generates, which plans clean: the class keeps
// its templates, whatever their names.
func TestIntegrationImportGeneratesConfiguration(t *testing.T) {
	env := setUp(t)
	env.kubectl(t, "foreign.yaml")
	env.awaitReady(t, "foreign")
	w := env.provider.NewWorkspace(t)
	w.Write("import.tf", `
import {
  to = capi_cluster_class.foreign
  id = "kind://envtest/default/foreign-class"
}
import {
  to = capi_cluster.foreign
  id = "kind://envtest/default/foreign"
}
`)
	out := w.Terraform("plan", "-generate-config-out=generated.tf")
	if !strings.Contains(out, "Plan: 2 to import, 0 to add, 0 to change, 0 to destroy") {
		t.Errorf("the plan does not just import:\n%s", out)
	}
	out = w.Terraform("apply", "-auto-approve")
	if !strings.Contains(out, "2 imported, 0 added, 0 changed") {
		t.Errorf("the apply does not just import:\n%s", out)
	}
	w.NeedEmptyPlan()
	if c := env.get(t, "foreign"); len(c.Spec.Topology.Variables) != 2 || c.Labels["tier"] != "test" {
		t.Errorf("the import changed the cluster: %v, %v", c.Labels, c.Spec.Topology)
	}
	w.Terraform("destroy", "-auto-approve")
	if env.exists(t, "foreign") {
		t.Error("the imported cluster was not destroyed")
	}
}

// The connection of the provider block serves ids without a management cluster, and
// wrong ids say what they should look like.
func TestIntegrationImportIDs(t *testing.T) {
	env := setUp(t)
	kubeconfig := filepath.Join(t.TempDir(), "kubeconfig")
	if err := os.WriteFile(kubeconfig, []byte(env.Kubeconfig), 0o600); err != nil {
		t.Fatal(err)
	}
	block, problems := connection.New(map[connection.Attribute]connection.Value{connection.KubeconfigPath: {Text: kubeconfig}}, func(string) string { return "" })
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	env.provider.Resolver = management.NewResolver(block, nil)
	config := strings.ReplaceAll(clusterHCL{Name: "bare", Version: "v1.34.3"}.String(), "management_cluster = \"kind://envtest\"\n", "")
	imported := func(id string) resource.TestStep {
		return resource.TestStep{ResourceName: address, ImportState: true, ImportStateId: id}
	}
	steps := []resource.TestStep{{Config: config, ConfigStateChecks: []statecheck.StateCheck{
		statecheck.ExpectKnownValue(address, tfjsonpath.New("id"), knownvalue.StringExact("default/bare")),
	}}}
	good := imported("default/bare")
	good.ImportStateVerify, good.ImportStateVerifyIgnore = true, []string{"timeouts"}
	steps = append(steps, good)
	for _, id := range []string{"bare", "default/", "/bare", "a/b/c", "kind://envtest/bare"} {
		bad := imported(id)
		bad.ExpectError = says(`Wrong import id.*NAMESPACE/NAME`)
		steps = append(steps, bad)
	}
	resource.UnitTest(t, resource.TestCase{ProtoV6ProviderFactories: env.provider.Factories(), Steps: steps})
}

// Terraform 1.12 and later import by identity.
func TestIntegrationImportByIdentity(t *testing.T) {
	env := setUp(t)
	resource.UnitTest(t, resource.TestCase{
		TerraformVersionChecks:   []tfversion.TerraformVersionCheck{tfversion.SkipBelow(tfversion.Version1_12_0)},
		ProtoV6ProviderFactories: env.provider.Factories(),
		Steps: []resource.TestStep{
			{
				Config: clusterHCL{Name: "identified", Version: "v1.34.3", Variables: `size = 3`}.String(),
				ConfigStateChecks: []statecheck.StateCheck{statecheck.ExpectIdentity(address, map[string]knownvalue.Check{
					"management_cluster": knownvalue.StringExact("kind://envtest"),
					"namespace":          knownvalue.StringExact("default"), "name": knownvalue.StringExact("identified"),
				})},
			},
			{ResourceName: address, ImportState: true, ImportStateKind: resource.ImportBlockWithResourceIdentity},
		},
	})
}
