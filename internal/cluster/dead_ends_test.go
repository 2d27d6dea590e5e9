// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package cluster_test

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/terraform"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/util/retry"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/terraform-capi/terraform-provider-capi/internal/acctest"
)

// words is what Terraform printed without the frame and the line breaks of its
// diagnostics.
func words(out string) string {
	return strings.Join(strings.Fields(regexp.MustCompile(`[│╷╵]`).ReplaceAllString(out, " ")), " ")
}

func refuses(t *testing.T, w *acctest.Workspace, want string, args ...string) {
	t.Helper()
	out, code := w.Try(args...)
	if code == 0 || !strings.Contains(words(out), want) {
		t.Errorf("terraform %v exited with %d and does not say %q:\n%s", args, code, want, out)
	}
}

// Where an error of the plan is in the way of a destroy and of a replacement, the
// commands that it names are not.
func TestIntegrationWaysOut(t *testing.T) {
	env := setUp(t)
	config := clusterHCL{Name: "ways-out", Version: "v1.34.3", Workers: 1}
	downgrade := config
	downgrade.Version = "v1.33.0"
	for name, tc := range map[string]struct{ config, want string }{
		"network":   {strings.Replace(config.String(), "10.10.0.0/16", "10.11.0.0/16", 1), "Network of a cluster cannot change"},
		"downgrade": {downgrade.String(), "cannot be downgraded"},
	} {
		t.Run(name, func(t *testing.T) {
			w := env.provider.NewWorkspace(t)
			t.Cleanup(func() {
				w.Write("main.tf", tc.config)
				w.Terraform("destroy", "-auto-approve")
			})
			w.Write("main.tf", config.String())
			w.Terraform("apply", "-auto-approve")
			w.Write("main.tf", tc.config)
			for _, args := range [][]string{{"plan"}, {"destroy", "-auto-approve"}, {"plan", "-replace=" + address}} {
				refuses(t, w, tc.want, args...)
				refuses(t, w, "To destroy Cluster default/ways-out all the same, run terraform destroy -refresh=false -target=ADDRESS", args...)
				refuses(t, w, "To replace it, run terraform taint ADDRESS", args...)
			}
			w.Terraform("destroy", "-auto-approve", "-refresh=false", "-target="+address)
			if env.exists(t, "ways-out") {
				t.Fatal("the cluster is not destroyed")
			}
			w.Write("main.tf", config.String())
			w.Terraform("apply", "-auto-approve")
			before := env.get(t, "ways-out").UID
			w.Write("main.tf", tc.config)
			w.Terraform("taint", address)
			w.Terraform("apply", "-auto-approve")
			if after := env.get(t, "ways-out").UID; after == before {
				t.Error("the cluster is not replaced")
			}
			w.NeedEmptyPlan()
		})
	}
}

// A version that no machine has ever run is corrected in place, and the check of
// upstream's webhook is off for no longer than that.
func TestIntegrationVersionCorrected(t *testing.T) {
	env := setUp(t)
	key := client.ObjectKey{Namespace: "default", Name: "typo"}
	env.controllers.Hold(key)
	config := func(version, extra string) string {
		return clusterHCL{Name: "typo", Version: version, Extra: "wait_for = \"none\"\n  " + extra}.String()
	}
	has := func(version string) resource.TestCheckFunc {
		return func(*terraform.State) error {
			c := env.get(t, "typo")
			_, annotated := c.Annotations[clusterv1.ClusterTopologyUnsafeUpdateVersionAnnotation]
			if c.Spec.Topology.Version != version || annotated {
				return fmt.Errorf("the Cluster is at %s with the annotations %v", c.Spec.Topology.Version, c.Annotations)
			}
			return nil
		}
	}
	update := action(plancheck.ResourceActionUpdate)
	resource.UnitTest(t, resource.TestCase{
		ProtoV6ProviderFactories: env.provider.Factories(),
		Steps: []resource.TestStep{
			{Config: config("v1.34.99", "")},
			{Config: config("v1.34.3", ""), ConfigPlanChecks: update, Check: has("v1.34.3")},
			{Config: config("v1.32.1", ""), ConfigPlanChecks: update, Check: has("v1.32.1")},
			{Config: config("v1.34.3", ""), ConfigPlanChecks: update, Check: has("v1.34.3")},
			{
				PreConfig: func() { env.controllers.Release(key) },
				Config:    clusterHCL{Name: "typo", Version: "v1.34.3"}.String(),
				Check:     has("v1.34.3"),
			},
			{Config: config("v1.34.1", ""), PlanOnly: true, ExpectError: says("cannot be downgraded, and the cluster is at v1.34.3.*terraform destroy -refresh=false")},
			{
				Config:           config("v1.34.1", `annotations = { "unsafe.topology.cluster.x-k8s.io/disable-update-version-check" = "" }`),
				ConfigPlanChecks: update,
			},
		},
	})
}

// A paused cluster is not destroyed: nothing would come of it.
func TestIntegrationDestroyOfPausedCluster(t *testing.T) {
	env := setUp(t)
	w := env.provider.NewWorkspace(t)
	config := clusterHCL{Name: "resting", Version: "v1.34.3"}
	for name, pause := range map[string]string{
		"paused":     "paused = true",
		"annotation": `annotations = { "cluster.x-k8s.io/paused" = "" }`,
	} {
		t.Run(name, func(t *testing.T) {
			config.Extra = ""
			w.Write("main.tf", config.String())
			w.Terraform("apply", "-auto-approve")
			config.Extra = pause
			w.Write("main.tf", config.String())
			w.Terraform("apply", "-auto-approve")
			if out := words(w.Terraform("plan", "-destroy")); !strings.Contains(out, "Warning: Cluster is paused") {
				t.Errorf("the plan does not warn:\n%s", out)
			}
			refuses(t, w, "Error: Cluster is paused", "destroy", "-auto-approve")
			if c := env.get(t, "resting"); !c.DeletionTimestamp.IsZero() {
				t.Error("the deletion was begun")
			}
			config.Extra = ""
			w.Write("main.tf", config.String())
			w.Terraform("apply", "-auto-approve")
			// Paused behind Terraform's back.
			env.edit(t, "resting", func(c *clusterv1.Cluster) { c.Annotations = map[string]string{clusterv1.PausedAnnotation: ""} })
			refuses(t, w, "Error: Cluster is paused", "destroy", "-auto-approve")
			env.edit(t, "resting", func(c *clusterv1.Cluster) { c.Annotations = nil })
			w.Terraform("destroy", "-auto-approve")
			if env.exists(t, "resting") {
				t.Error("the cluster is not destroyed")
			}
		})
	}
}

// A cluster that is paused while it is being deleted says so, and blames nobody.
func TestIntegrationPausedWhileBeingDeleted(t *testing.T) {
	env := setUp(t)
	key := client.ObjectKey{Namespace: "default", Name: "stopped"}
	w := env.provider.NewWorkspace(t)
	w.Write("main.tf", clusterHCL{Name: "stopped", Version: "v1.34.3", Extra: `timeouts = { delete = "2s" }`}.String())
	w.Terraform("apply", "-auto-approve")
	env.controllers.Hold(key)
	refuses(t, w, "Timed out", "destroy", "-auto-approve")
	out, _ := w.Try("plan")
	if out = words(out); !strings.Contains(out, "is being deleted, by an earlier destroy or outside of Terraform") || strings.Contains(out, "Somebody") {
		t.Errorf("the plan says:\n%s", out)
	}
	env.edit(t, "stopped", func(c *clusterv1.Cluster) { c.Annotations = map[string]string{clusterv1.PausedAnnotation: ""} })
	refuses(t, w, "Error: Cluster is paused", "destroy", "-auto-approve")
	env.edit(t, "stopped", func(c *clusterv1.Cluster) { c.Annotations = nil })
	env.controllers.Release(key)
	w.Terraform("destroy", "-auto-approve")
}

// A namespace that does not exist is what is said to be missing.
func TestIntegrationNamespaceMissing(t *testing.T) {
	env := setUp(t)
	config := func(namespace, class string) string {
		return fmt.Sprintf(`
resource "capi_cluster" "test" {
  management_cluster = "kind://envtest"
  name               = "nowhere"
  namespace          = %q
  topology           = { class = "nowhere", class_namespace = %q, version = "v1.34.3" }
}`, namespace, class)
	}
	resource.UnitTest(t, resource.TestCase{
		ProtoV6ProviderFactories: env.provider.Factories(),
		Steps: []resource.TestStep{
			{Config: config("no-such", "no-such"), ExpectError: says(`Namespace not found.*has no namespace "no-such"`)},
			{Config: config("default", "no-such"), ExpectError: says(`Namespace not found.*topology.class_namespace`)},
			// At plan it is no more than a warning: it may be created before.
			{Config: config("no-such", "no-such"), PlanOnly: true, ExpectNonEmptyPlan: true},
		},
	})
}

// A control plane node that is lost changes nothing about the configuration. The
// plan says it all the same, until the node is well again.
func TestIntegrationLostNode(t *testing.T) {
	env := setUp(t)
	w := env.provider.NewWorkspace(t)
	w.Write("main.tf", clusterHCL{Name: "lossy", Version: "v1.34.3"}.String())
	t.Cleanup(func() { w.Terraform("destroy", "-auto-approve") })
	w.Terraform("apply", "-auto-approve")
	node := func(status metav1.ConditionStatus) {
		t.Helper()
		err := retry.RetryOnConflict(retry.DefaultBackoff, func() error {
			machines := &clusterv1.MachineList{}
			if err := env.Cluster.List(t.Context(), machines, client.MatchingLabels{clusterv1.ClusterNameLabel: "lossy"}); err != nil {
				return err
			}
			machine := &machines.Items[0]
			meta.SetStatusCondition(&machine.Status.Conditions, metav1.Condition{
				Type: clusterv1.MachineNodeReadyCondition, Status: status, Reason: "Tested", Message: "as it is",
			})
			return env.Cluster.Status().Update(context.WithoutCancel(t.Context()), machine)
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	const warning = "Cluster is not as declared"
	needs := func(lost bool) {
		t.Helper()
		out, code := w.Try("plan", "-detailed-exitcode")
		if code != 0 || strings.Contains(words(out), warning) != lost || lost && !strings.Contains(words(out), "NodeReady is False (Tested): as it is") {
			t.Errorf("exit code %d, the node is lost: %t\n%s", code, lost, out)
		}
		w.Terraform("apply", "-refresh-only", "-auto-approve")
		if state := words(w.Terraform("state", "show", address)); strings.Contains(state, " ready = false") != lost {
			t.Errorf("the node is lost: %t\n%s", lost, state)
		}
	}
	needs(false)
	node(metav1.ConditionFalse)
	needs(true)
	needs(true)
	node(metav1.ConditionTrue)
	needs(false)
}

// The Docker network is known by the clusters that are on it.
func TestIntegrationPlanOfDockerNetwork(t *testing.T) {
	env := setUp(t)
	neighbour := &clusterv1.Cluster{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "neighbour"}}
	neighbour.Spec.InfrastructureRef = clusterv1.ContractVersionedObjectReference{
		APIGroup: "infrastructure.cluster.x-k8s.io", Kind: "DockerCluster", Name: "neighbour",
	}
	neighbour.Spec.ControlPlaneEndpoint = clusterv1.APIEndpoint{Host: "172.19.128.3", Port: 6443}
	env.controllers.Hold(client.ObjectKeyFromObject(neighbour))
	if err := env.Cluster.Create(t.Context(), neighbour); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = env.Cluster.Delete(context.WithoutCancel(t.Context()), neighbour) })
	config := clusterHCL{Name: "crowded", Version: "v1.34.3"}.String()
	resource.UnitTest(t, resource.TestCase{
		ProtoV6ProviderFactories: env.provider.Factories(),
		Steps: []resource.TestStep{
			{Config: config, PlanOnly: true, ExpectNonEmptyPlan: true},
			{
				Config:   strings.Replace(config, "10.10.0.0/16", "172.19.0.0/16", 1),
				PlanOnly: true, ExpectError: says(`cluster_network.pods.0.: .*overlaps the network that the nodes are on, which has the address 172.19.128.3`),
			},
		},
	})
}
