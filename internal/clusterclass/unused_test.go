// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package clusterclass

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	infrav1 "github.com/terraform-capi/terraform-provider-capi/controllers/docker/api/v1beta2"
	"github.com/terraform-capi/terraform-provider-capi/internal/management"
)

// Cluster API gives every cluster copies of its class's templates, labels included. A cluster whose copies are deleted
// can neither be scaled nor upgraded.
func TestRemoveUnusedKeepsTheCopiesOfClusters(t *testing.T) {
	template := func(name string, labels map[string]string, owner types.UID) *infrav1.DockerMachineTemplate {
		return &infrav1.DockerMachineTemplate{ObjectMeta: metav1.ObjectMeta{
			Namespace: "default", Name: name, Labels: labels, OwnerReferences: []metav1.OwnerReference{{UID: owner}},
		}}
	}
	made := map[string]string{classLabel: "quick-start"}
	class := &clusterv1.ClusterClass{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "quick-start", UID: "ours"}}
	gvk := infrav1.GroupVersion.WithKind("DockerMachineTemplate")
	class.Spec.ControlPlane.MachineInfrastructure.TemplateRef = clusterv1.ClusterClassTemplateReference{
		APIVersion: gvk.GroupVersion().String(), Kind: gvk.Kind, Name: "used",
	}
	// Cluster API does not copy remediation templates: MachineHealthChecks refer to those of the class.
	check := &clusterv1.MachineHealthCheck{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "check"}}
	check.Spec.Remediation.TemplateRef = clusterv1.MachineHealthCheckRemediationTemplateReference{
		APIVersion: gvk.GroupVersion().String(), Kind: gvk.Kind, Name: "checked",
	}
	mgmt := &management.Cluster{Client: fake.NewClientBuilder().WithScheme(management.Scheme).WithObjects(
		class,
		template("used", made, "ours"),
		template("unused", made, "ours"),
		template("copy", map[string]string{classLabel: "quick-start", clusterv1.ClusterTopologyOwnedLabel: ""}, "ours"),
		template("of-another-class", map[string]string{classLabel: "other"}, "theirs"),
		template("of-an-earlier-class", made, "theirs"),
		template("checked", made, "ours"),
		check,
	).Build()}

	content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(class)
	if err != nil {
		t.Fatal(err)
	}
	if err := removeUnused(t.Context(), mgmt, &unstructured.Unstructured{Object: content}, []schema.GroupVersionKind{gvk}); err != nil {
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
	for name, want := range map[string]bool{"used": true, "unused": false, "copy": true, "of-another-class": true, "of-an-earlier-class": true, "checked": true} {
		if names[name] != want {
			t.Errorf("template %s is left: %t, want %t", name, names[name], want)
		}
	}
}
