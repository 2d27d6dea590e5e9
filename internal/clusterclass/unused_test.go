// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package clusterclass

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	infrav1 "github.com/terraform-capi/terraform-provider-capi/controllers/docker/api/v1beta2"
	"github.com/terraform-capi/terraform-provider-capi/internal/management"
)

// Cluster API gives every cluster copies of its class's templates, labels included. A cluster whose copies are deleted
// can neither be scaled nor upgraded.
func TestRemoveUnusedKeepsTheCopiesOfClusters(t *testing.T) {
	template := func(name string, labels map[string]string) *infrav1.DockerMachineTemplate {
		return &infrav1.DockerMachineTemplate{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name, Labels: labels}}
	}
	made := map[string]string{classLabel: "quick-start"}
	class := &clusterv1.ClusterClass{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "quick-start"}}
	gvk := infrav1.GroupVersion.WithKind("DockerMachineTemplate")
	class.Spec.ControlPlane.MachineInfrastructure.TemplateRef = clusterv1.ClusterClassTemplateReference{
		APIVersion: gvk.GroupVersion().String(), Kind: gvk.Kind, Name: "used",
	}
	mgmt := &management.Cluster{Client: fake.NewClientBuilder().WithScheme(management.Scheme).WithObjects(
		class,
		template("used", made),
		template("unused", made),
		template("copy", map[string]string{classLabel: "quick-start", clusterv1.ClusterTopologyOwnedLabel: ""}),
		template("of-another-class", map[string]string{classLabel: "other"}),
	).Build()}

	if err := removeUnused(t.Context(), mgmt, client.ObjectKeyFromObject(class), []schema.GroupVersionKind{gvk}); err != nil {
		t.Fatal(err)
	}

	left := &infrav1.DockerMachineTemplateList{}
	if err := mgmt.List(t.Context(), left); err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for _, item := range left.Items {
		names[item.Name] = true
	}
	for name, want := range map[string]bool{"used": true, "unused": false, "copy": true, "of-another-class": true} {
		if names[name] != want {
			t.Errorf("template %s is left: %t, want %t", name, names[name], want)
		}
	}
}
