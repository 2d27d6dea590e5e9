// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package cluster_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
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
