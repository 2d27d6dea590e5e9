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
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	addonsv1 "sigs.k8s.io/cluster-api/api/addons/v1beta2"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// A Secret that has the name and the label of one of the network plugin's, but belongs
// to an earlier cluster of the same name, is neither deleted nor changed.
func TestIntegrationClusterCNIOfOthers(t *testing.T) {
	env := setUp(t)
	theirs := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: "default", Name: "others-cni-1", Labels: map[string]string{"terraform-capi.io/cni": "others"},
			OwnerReferences: []metav1.OwnerReference{{
				APIVersion: clusterv1.GroupVersion.String(), Kind: clusterv1.ClusterKind, Name: "others", UID: "of-an-earlier-cluster",
			}},
		},
		Data: map[string][]byte{"manifest.yaml": []byte("kind: Theirs")},
	}
	if err := env.Cluster.Create(t.Context(), theirs); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := env.Cluster.Delete(context.WithoutCancel(t.Context()), theirs); err != nil {
			t.Error(err)
		}
	})
	manifest := func(name string) string {
		return fmt.Sprintf("%q", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: "+name+"}")
	}
	declares := func(manifests string) string {
		return clusterHCL{Name: "others", Version: "v1.34.3", Extra: "cni = { manifests = [" + manifests + "] }"}.String()
	}
	resource.UnitTest(t, resource.TestCase{
		ProtoV6ProviderFactories: env.provider.Factories(),
		Steps: []resource.TestStep{
			// It looks like what is left over from a longer list,
			{Config: declares(manifest("a"))},
			// and then like what is to be written.
			{Config: declares(manifest("a") + ", " + manifest("b")), ExpectNonEmptyPlan: true},
		},
	})
	found := &corev1.Secret{}
	if err := env.Cluster.Get(t.Context(), client.ObjectKeyFromObject(theirs), found); err != nil {
		t.Fatal(err)
	}
	if found.UID != theirs.UID || found.ResourceVersion != theirs.ResourceVersion {
		t.Errorf("the Secret was changed: %v", found)
	}
}

// Write-only manifests are applied when their version changes, or when others have
// changed them, and are in no state.
func TestIntegrationClusterCNIWriteOnly(t *testing.T) {
	env := setUp(t)
	config := func(text string, version int) string {
		manifest := fmt.Sprintf("%q", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {text: "+text+"}\n")
		return clusterHCL{Name: "write-only", Version: "v1.34.3", Extra: fmt.Sprintf("cni = { manifests_wo = [%s], manifests_wo_version = %d }", manifest, version)}.String()
	}
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "write-only-cni-0"}}
	set := &addonsv1.ClusterResourceSet{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "write-only-cni"}}
	applied := func(want string) resource.TestCheckFunc {
		return func(s *terraform.State) error {
			if err := env.Cluster.Get(t.Context(), client.ObjectKeyFromObject(secret), secret); err != nil {
				return err
			}
			if got := string(secret.Data["manifest.yaml"]); !strings.Contains(got, want) {
				return fmt.Errorf("the manifest is %q, want %s", got, want)
			}
			if state := fmt.Sprint(s); strings.Contains(state, "kind: ConfigMap") {
				return fmt.Errorf("the state has the manifest: %s", state)
			}
			return nil
		}
	}
	// Others do to an object what Terraform has to notice without the value.
	others := func(change func() error) func() {
		return func() {
			if err := change(); err != nil {
				t.Fatal(err)
			}
		}
	}
	drifts := func(change func() error) resource.TestStep {
		return resource.TestStep{PreConfig: others(change), Config: config("second", 2), ConfigPlanChecks: action(plancheck.ResourceActionUpdate), Check: applied("second")}
	}
	asOthers := func(obj client.Object, change func()) func() error {
		return func() error {
			if err := env.Cluster.Get(t.Context(), client.ObjectKeyFromObject(obj), obj); err != nil {
				return err
			}
			change()
			return env.Cluster.Update(t.Context(), obj)
		}
	}
	resource.UnitTest(t, resource.TestCase{
		ProtoV6ProviderFactories: env.provider.Factories(),
		Steps: []resource.TestStep{
			{Config: config("first", 1), Check: applied("first")},
			// Terraform cannot see that.
			{Config: config("unseen", 1), ConfigPlanChecks: action(plancheck.ResourceActionNoop), Check: applied("first")},
			{Config: config("second", 2), ConfigPlanChecks: action(plancheck.ResourceActionUpdate), Check: applied("second")},
			{ResourceName: address, ImportState: true, ImportStateId: "kind://envtest/default/write-only", ImportStateVerify: true, ImportStateVerifyIgnore: []string{"timeouts"}},
			drifts(asOthers(secret, func() { secret.Data["manifest.yaml"] = []byte("kind: Changed") })),
			drifts(func() error { return env.Cluster.Delete(t.Context(), secret) }),
			drifts(asOthers(set, func() { delete(set.Annotations, "terraform-capi.io/manifests-wo-version") })),
			drifts(func() error { return env.Cluster.Delete(t.Context(), set) }),
			// The controller that applies it to the cluster writes to the Secret, too.
			{
				PreConfig: others(asOthers(secret, func() { secret.Labels["example.com/seen"] = "true" })),
				Config:    config("second", 2), ConfigPlanChecks: action(plancheck.ResourceActionNoop),
			},
			{Config: config("a: b: c", 3), ExpectError: regexp.MustCompile(`cni\.manifests_wo\[0\]: It is not\s+YAML`)},
			{
				Config: clusterHCL{Name: "write-only", Version: "v1.34.3", Extra: `cni = { manifests_wo = ["x"] }`}.String(), ExpectError: regexp.MustCompile("manifests_wo_version"),
			},
			{
				Config:      clusterHCL{Name: "write-only", Version: "v1.34.3", Extra: `cni = { manifests_wo = ["x"], manifests_wo_version = 1, manifests = ["y"] }`}.String(),
				ExpectError: regexp.MustCompile("Invalid Attribute Combination"),
			},
			{Config: config("second", 2), ConfigPlanChecks: action(plancheck.ResourceActionNoop)}, // With it, it can be destroyed.
		},
	})
}
