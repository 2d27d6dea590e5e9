// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package bundle

import (
	"context"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
	clusterctlv1 "sigs.k8s.io/cluster-api/cmd/clusterctl/api/v1alpha3"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/terraform-capi/terraform-provider-capi/controllers/config"
	"github.com/terraform-capi/terraform-provider-capi/internal/management"
)

// Serves lists the objects that a provider reconciles, as Kind namespace/name. While there are any it must not be
// uninstalled: nobody would be left to delete what they stand for.
func Serves(ctx context.Context, cluster *management.Cluster, name string) ([]string, error) {
	provider, err := config.Find(name)
	if err != nil {
		return nil, err
	}
	crds, err := provider.CRDs()
	if err != nil {
		return nil, err
	}
	var served []string
	for _, crd := range crds {
		list := &metav1.PartialObjectMetadataList{}
		list.SetGroupVersionKind(schema.GroupVersionKind{Group: crd.Spec.Group, Version: storageVersion(crd), Kind: crd.Spec.Names.ListKind})
		if err := cluster.List(ctx, list); err != nil {
			if ignoreAbsent(err, "") == nil {
				continue
			}
			return nil, fmt.Errorf("listing the %s that provider %s serves: %w", crd.Spec.Names.Plural, name, err)
		}
		for _, object := range list.Items {
			served = append(served, fmt.Sprintf("%s %s", crd.Spec.Names.Kind, client.ObjectKeyFromObject(&object)))
		}
	}
	slices.Sort(served)
	return served, nil
}

// Uninstall deletes everything that Install applied; the inventory's CRDs, which providers share, with the last of them.
// Call it when Serves is empty. Gone tells when the deletion is complete.
func Uninstall(ctx context.Context, cluster *management.Cluster, name string) error {
	provider, err := config.Find(name)
	if err != nil {
		return err
	}
	stages, err := installation{Provider: provider}.stages()
	if err != nil {
		return err
	}
	// The other way round: controllers before their roles, and everything before the kinds.
	slices.Reverse(stages)
	for _, stage := range stages {
		for _, object := range stage {
			if shared(object) {
				continue
			}
			err := cluster.Delete(ctx, object, client.PropagationPolicy(metav1.DeletePropagationBackground))
			if ignoreAbsent(err, "") != nil {
				return fmt.Errorf("uninstalling provider %s: deleting %T %s: %w", name, object, client.ObjectKeyFromObject(object), err)
			}
		}
	}
	return deleteEmptyInventory(ctx, cluster)
}

func deleteEmptyInventory(ctx context.Context, cluster *management.Cluster) error {
	entries := &clusterctlv1.ProviderList{}
	if err := cluster.List(ctx, entries); err != nil || len(entries.Items) > 0 {
		return ignoreAbsent(err, "listing the inventory of providers")
	}
	crds, err := inventoryCRDs()
	if err != nil {
		return err
	}
	for _, crd := range crds {
		if err := ignoreAbsent(cluster.Delete(ctx, crd), "deleting the inventory of providers"); err != nil {
			return err
		}
	}
	return nil
}

// Gone says what is left of a provider that was uninstalled; empty if nothing is.
func Gone(ctx context.Context, cluster *management.Cluster, name string) (string, error) {
	provider, err := config.Find(name)
	if err != nil {
		return "", err
	}
	stages, err := installation{Provider: provider}.stages()
	if err != nil {
		return "", err
	}
	var left []string
	for _, object := range stages[0] {
		if shared(object) {
			continue
		}
		err := cluster.Get(ctx, client.ObjectKeyFromObject(object), object)
		if management.IsAbsent(err) {
			continue
		}
		if err != nil {
			return "", fmt.Errorf("uninstalling provider %s: reading %T %s: %w", name, object, object.GetName(), err)
		}
		kind := "CustomResourceDefinition"
		if _, isNamespace := object.(*corev1.Namespace); isNamespace {
			kind = "Namespace"
		}
		left = append(left, fmt.Sprintf("%s %s", kind, object.GetName()))
	}
	return strings.Join(left, ", "), nil
}

// shared tells whether other providers need an object too.
func shared(object client.Object) bool {
	return object.GetLabels()[clusterv1.ProviderNameLabel] == ""
}

func storageVersion(crd *apiextensionsv1.CustomResourceDefinition) string {
	for _, version := range crd.Spec.Versions {
		if version.Storage {
			return version.Name
		}
	}
	return ""
}
