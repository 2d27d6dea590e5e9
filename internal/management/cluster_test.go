// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package management_test

import (
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/terraform-capi/terraform-provider-capi/internal/acctest"
	"github.com/terraform-capi/terraform-provider-capi/internal/management"
)

func TestMain(m *testing.M) { os.Exit(acctest.Run(m)) }

func TestIntegrationApply(t *testing.T) {
	cluster := acctest.NeedAPIServer(t).Cluster
	key := client.ObjectKey{Namespace: "default", Name: "apply"}
	object := func(data map[string]string) *corev1.ConfigMap {
		return &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: key.Namespace, Name: key.Name}, Data: data}
	}

	created := object(map[string]string{"ours": "1", "dropped": "1"})
	if err := cluster.Apply(t.Context(), created); err != nil {
		t.Fatal(err)
	}
	if created.UID == "" {
		t.Error("the object was not filled in with what the server has")
	}
	theirs := created.DeepCopy()
	theirs.Data["theirs"] = "2"
	theirs.Data["ours"] = "2"
	if err := cluster.Update(t.Context(), theirs, client.FieldOwner("somebody")); err != nil {
		t.Fatal(err)
	}
	if err := cluster.Apply(t.Context(), object(map[string]string{"ours": "3"})); err != nil {
		t.Fatal(err)
	}
	read := &corev1.ConfigMap{}
	if err := cluster.Get(t.Context(), key, read); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"ours": "3", "theirs": "2"}
	if diff := cmp.Diff(want, read.Data); diff != "" {
		t.Errorf("fields of others are kept, ours taken back and dropped:\n%s", diff)
	}
}

// A dry run says what would be, and leaves things as they are.
func TestIntegrationApplyDryRun(t *testing.T) {
	cluster := acctest.NeedAPIServer(t).Cluster
	object := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "dry-run"}}
	if err := cluster.Apply(t.Context(), object, client.DryRunAll); err != nil {
		t.Fatal(err)
	}
	err := cluster.Get(t.Context(), client.ObjectKeyFromObject(object), object)
	if client.IgnoreNotFound(err) != nil || err == nil {
		t.Errorf("the object exists after a dry run: %v", err)
	}
}

// Typed objects must not claim fields that they do not set: Cluster API's
// controllers own those.
func TestIntegrationApplyOwnsOnlyWhatIsSet(t *testing.T) {
	cluster := acctest.NeedAPIServer(t).Cluster
	object := &clusterv1.Cluster{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "owned"}}
	object.Spec.Topology.ClassRef.Name = "quick-start"
	object.Spec.Topology.Version = "v1.35.0"
	if err := cluster.Apply(t.Context(), object); err != nil {
		t.Fatal(err)
	}
	read := &unstructured.Unstructured{}
	read.SetGroupVersionKind(clusterv1.GroupVersion.WithKind("Cluster"))
	if err := cluster.Get(t.Context(), client.ObjectKeyFromObject(object), read); err != nil {
		t.Fatal(err)
	}
	var owned string
	for _, entry := range read.GetManagedFields() {
		if entry.Manager == management.FieldManager && entry.Operation == metav1.ManagedFieldsOperationApply {
			owned = entry.FieldsV1.GetRawString()
		}
	}
	want := `{"f:spec":{"f:topology":{"f:classRef":{"f:name":{}},"f:version":{}}}}`
	if owned != want {
		t.Errorf("owned fields are %s, want %s", owned, want)
	}
}

func TestIntegrationApplyUnstructured(t *testing.T) {
	cluster := acctest.NeedAPIServer(t).Cluster
	object := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1", "kind": "ConfigMap",
		"metadata": map[string]any{"namespace": "default", "name": "unstructured"},
		"data":     map[string]any{"a": "b"},
	}}
	if err := cluster.Apply(t.Context(), object); err != nil {
		t.Fatal(err)
	}
	if object.GetUID() == "" {
		t.Error("the object was not filled in with what the server has")
	}
}
