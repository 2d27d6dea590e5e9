// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package clusterclass_test

import (
	"context"
	"slices"
	"testing"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	controlplanev1 "sigs.k8s.io/cluster-api/api/controlplane/kubeadm/v1beta2"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
	"sigs.k8s.io/controller-runtime/pkg/client"

	dockerv1 "github.com/terraform-capi/terraform-provider-capi/controllers/docker/api/v1beta2"
	"github.com/terraform-capi/terraform-provider-capi/internal/acctest"
	"github.com/terraform-capi/terraform-provider-capi/internal/clusterclass"
	"github.com/terraform-capi/terraform-provider-capi/internal/management"
)

// templates are those with the label of a class.
func (e environment) templates(t *testing.T, class string) []unstructured.Unstructured {
	t.Helper()
	var found []unstructured.Unstructured
	for _, gvk := range []schema.GroupVersionKind{
		dockerv1.GroupVersion.WithKind("DockerClusterTemplate"), dockerv1.GroupVersion.WithKind("DockerMachineTemplate"),
		controlplanev1.GroupVersion.WithKind("KubeadmControlPlaneTemplate"),
	} {
		list := &unstructured.UnstructuredList{}
		list.SetGroupVersionKind(gvk)
		err := e.Cluster.List(t.Context(), list, client.InNamespace("default"), client.MatchingLabels{"terraform-capi.io/cluster-class": class})
		if err != nil {
			t.Fatal(err)
		}
		found = append(found, list.Items...)
	}
	return found
}

func (e environment) create(t *testing.T, name string) (acctest.Object, []string) {
	t.Helper()
	subject := identitySubject(e, name)
	protocol := subject.Provider.Protocol(t)
	config := acctest.Value(t, protocol.Type(clusterclass.ResourceType), subject.Config)
	planned := protocol.Plan(t, clusterclass.ResourceType, config, acctest.Object{})
	if acctest.Errors(planned.Diagnostics) > 0 {
		t.Fatalf("plan: %q", acctest.Summaries(planned.Diagnostics))
	}
	created, diagnostics := protocol.Apply(t, clusterclass.ResourceType, planned)
	return created, acctest.Summaries(diagnostics)
}

// A class whose templates are refused leaves nothing, in the management cluster and in
// the state.
func TestIntegrationClusterClassRefused(t *testing.T) {
	env := setUp(t)
	rules := []rbacv1.PolicyRule{
		{APIGroups: []string{"cluster.x-k8s.io", "controlplane.cluster.x-k8s.io", "apiextensions.k8s.io"}, Resources: []string{"*"}, Verbs: []string{"*"}},
		{APIGroups: []string{""}, Resources: []string{"namespaces", "secrets"}, Verbs: []string{"get", "list"}},
		{APIGroups: []string{"infrastructure.cluster.x-k8s.io"}, Resources: []string{"dockerclustertemplates"}, Verbs: []string{"*"}},
		{APIGroups: []string{"infrastructure.cluster.x-k8s.io"}, Resources: []string{"dockermachinetemplates"}, Verbs: []string{"get", "list"}},
	}
	env.provider.Resolver = management.NewResolver(nil, acctest.Engine{
		ID: acctest.EngineID, Kubeconfigs: map[string]string{acctest.KindName: env.User(t, "machineless", rules)},
	})
	created, diagnostics := env.create(t, "refused")
	if want := []string{"ERROR: Not allowed in the management cluster"}; created.Exists() || !slices.Equal(diagnostics, want) {
		t.Errorf("in the state: %t, diagnostics are %q, want %q", created.Exists(), diagnostics, want)
	}
	class := &clusterv1.ClusterClass{}
	if err := env.Cluster.Get(t.Context(), client.ObjectKey{Namespace: "default", Name: "refused"}, class); !management.IsAbsent(err) {
		t.Errorf("the class is left behind: %v", err)
	}
	if left := env.templates(t, "refused"); len(left) > 0 {
		t.Errorf("%d templates are left behind", len(left))
	}
}

// The templates belong to the class. One that only has its label is left alone.
func TestIntegrationClusterClassOwnsTemplates(t *testing.T) {
	env := setUp(t)
	created, diagnostics := env.create(t, "owner")
	if len(diagnostics) > 0 {
		t.Fatal(diagnostics)
	}
	class := &clusterv1.ClusterClass{}
	if err := env.Cluster.Get(t.Context(), client.ObjectKey{Namespace: "default", Name: "owner"}, class); err != nil {
		t.Fatal(err)
	}
	templates := env.templates(t, "owner")
	if len(templates) != 3 {
		t.Errorf("%d templates, want 3", len(templates))
	}
	for _, template := range templates {
		if !slices.ContainsFunc(template.GetOwnerReferences(), func(ref metav1.OwnerReference) bool {
			return ref.UID == class.UID && ref.Kind == clusterv1.ClusterClassKind && ref.Name == class.Name
		}) {
			t.Errorf("%s %s is not owned by the class: %v", template.GetKind(), template.GetName(), template.GetOwnerReferences())
		}
	}
	foreign := &dockerv1.DockerMachineTemplate{ObjectMeta: metav1.ObjectMeta{
		Namespace: "default", Name: "foreign", Labels: map[string]string{"terraform-capi.io/cluster-class": "owner"},
	}}
	if err := env.Cluster.Create(t.Context(), foreign); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := env.Cluster.Delete(context.WithoutCancel(t.Context()), foreign); err != nil {
			t.Errorf("somebody's template: %v", err)
		}
	})
	protocol := env.provider.Protocol(t)
	gone, destruction := protocol.Apply(t, clusterclass.ResourceType, protocol.PlanDestroy(t, clusterclass.ResourceType, created))
	if gone.Exists() || len(destruction) > 0 {
		t.Errorf("destroy: %q", acctest.Summaries(destruction))
	}
	if left := env.templates(t, "owner"); len(left) != 1 || left[0].GetName() != "foreign" {
		t.Errorf("%d templates are left behind, want the foreign one", len(left))
	}
}
