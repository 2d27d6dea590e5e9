// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package clusterclass

import (
	"context"
	"fmt"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/terraform-capi/terraform-provider-capi/internal/management"
)

// deleteClass deletes a class, and the templates that were made for it: the
// management cluster would do that, too, but later.
func deleteClass(ctx context.Context, mgmt *management.Cluster, class *unstructured.Unstructured) error {
	uid := class.GetUID()
	if err := mgmt.Delete(ctx, class, client.Preconditions{UID: &uid}); client.IgnoreNotFound(err) != nil {
		return err
	}
	return removeUnused(ctx, mgmt, class, kinds(class))
}

// removeUnused deletes the templates of these kinds that were made for a class
// and that no class and no MachineHealthCheck in the namespace refers to. Clusters
// do not count: Cluster API gives each of them copies, which have the labels of
// what they were copied from and must stay.
func removeUnused(ctx context.Context, mgmt *management.Cluster, class *unstructured.Unstructured, of []schema.GroupVersionKind) error {
	inNamespace := client.InNamespace(class.GetNamespace())
	classes := &clusterv1.ClusterClassList{}
	if err := mgmt.List(ctx, classes, inNamespace); err != nil {
		return err
	}
	used := map[string]bool{}
	for i := range classes.Items {
		content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(&classes.Items[i])
		if err != nil {
			return err
		}
		for _, ref := range references(content) {
			used[fmt.Sprint(ref["name"])] = true
		}
	}
	checks := &clusterv1.MachineHealthCheckList{}
	if err := mgmt.List(ctx, checks, inNamespace); err != nil {
		return err
	}
	for i := range checks.Items {
		used[checks.Items[i].Spec.Remediation.TemplateRef.Name] = true
	}
	for _, gvk := range of {
		templates := &unstructured.UnstructuredList{}
		templates.SetGroupVersionKind(gvk)
		if err := mgmt.List(ctx, templates, inNamespace, client.MatchingLabels{classLabel: class.GetName()}); err != nil {
			return err
		}
		for i := range templates.Items {
			template := &templates.Items[i]
			_, isCopy := template.GetLabels()[clusterv1.ClusterTopologyOwnedLabel]
			if isCopy || used[template.GetName()] || !isOwnedBy(template, class) {
				continue
			}
			uid := template.GetUID()
			if err := mgmt.Delete(ctx, template, client.Preconditions{UID: &uid}); client.IgnoreNotFound(err) != nil {
				return err
			}
		}
	}
	return nil
}

// isOwnedBy says whether a template was made for this very class: its label has
// only the name.
func isOwnedBy(template, class *unstructured.Unstructured) bool {
	return slices.ContainsFunc(template.GetOwnerReferences(), func(ref metav1.OwnerReference) bool { return ref.UID == class.GetUID() })
}
