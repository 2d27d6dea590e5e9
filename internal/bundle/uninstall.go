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
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	clusterctlv1 "sigs.k8s.io/cluster-api/cmd/clusterctl/api/v1alpha3"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/terraform-capi/terraform-provider-capi/controllers/config"
	"github.com/terraform-capi/terraform-provider-capi/internal/management"
)

// Serves lists the objects that a provider reconciles, as Kind namespace/name. While there are any it must not be
// uninstalled: nobody would be left to delete what they stand for.
func Serves(ctx context.Context, cluster *management.Cluster, name string) ([]string, error) {
	crds, err := crdsOf(name)
	if err != nil {
		return nil, err
	}
	var served []string
	for _, crd := range crds {
		list := &metav1.PartialObjectMetadataList{}
		list.SetGroupVersionKind(schema.GroupVersionKind{Group: crd.Spec.Group, Version: storageVersion(crd), Kind: crd.Spec.Names.ListKind})
		if err := cluster.List(ctx, list); err != nil {
			if management.IsAbsent(err) {
				err = cluster.ProveUnserved(ctx, schema.GroupKind{Group: crd.Spec.Group, Kind: crd.Spec.Names.Kind}, err)
			}
			if err == nil {
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

// Uninstall deletes what Install applied, except for the entry in the inventory and the namespace, which show that
// there is something left to uninstall. Call it when Serves is empty, and Unregister when Gone says that the rest is
// gone.
func Uninstall(ctx context.Context, cluster *management.Cluster, name string) error {
	provider, err := config.Find(name)
	if err != nil {
		return err
	}
	i := installation{Provider: provider}
	stages, err := i.stages()
	if err != nil {
		return err
	}
	// The other way round: controllers before their roles, and everything before the kinds.
	slices.Reverse(stages)
	for _, stage := range stages {
		for _, object := range stage {
			if err := deleteOwn(ctx, cluster, object); err != nil {
				return fmt.Errorf("uninstalling provider %s: deleting %T %s: %w", name, object, client.ObjectKeyFromObject(object), err)
			}
		}
	}
	return nil
}

// deleteOwn deletes an object that this provider applied, and leaves others of its name alone.
func deleteOwn(ctx context.Context, cluster *management.Cluster, object client.Object) error {
	if err := cluster.Get(ctx, client.ObjectKeyFromObject(object), object); err != nil {
		return ignoreAbsent(err, "reading it")
	}
	if !management.IsApplied(object) {
		return nil
	}
	uid := object.GetUID()
	err := cluster.Delete(ctx, object, client.PropagationPolicy(metav1.DeletePropagationBackground), client.Preconditions{UID: &uid})
	return ignoreAbsent(err, "deleting it")
}

// Unregister deletes the entry in the inventory with this UID, with the last entry the inventory, and then the
// namespace, unless that was there before the provider. Each shows that there is something left until it goes itself.
func Unregister(ctx context.Context, cluster *management.Cluster, name string, uid types.UID) error {
	provider, err := config.Find(name)
	if err != nil {
		return err
	}
	if err := deleteInventoryOf(ctx, cluster, uid); err != nil {
		return fmt.Errorf("uninstalling provider %s: %w", name, err)
	}
	if uid != "" {
		entry := &clusterctlv1.Provider{ObjectMeta: metav1.ObjectMeta{Namespace: provider.Namespace, Name: name}}
		err := cluster.Delete(ctx, entry, client.Preconditions{UID: &uid})
		if err := ignoreAbsent(err, "uninstalling provider %s: deleting its entry in the inventory", name); err != nil {
			return err
		}
	}
	namespace, err := (installation{Provider: provider}).createdNamespace(ctx, cluster)
	if err == nil && namespace != nil {
		err = client.IgnoreNotFound(cluster.Delete(ctx, namespace, client.Preconditions{UID: &namespace.UID}))
	}
	if err != nil {
		return fmt.Errorf("uninstalling provider %s: deleting Namespace %s: %w", name, provider.Namespace, err)
	}
	return nil
}

// deleteInventoryOf deletes the inventory, unless it has entries other than the one with this UID, which goes with it.
func deleteInventoryOf(ctx context.Context, cluster *management.Cluster, uid types.UID) error {
	entries := &clusterctlv1.ProviderList{}
	if err := cluster.List(ctx, entries); err != nil {
		return ignoreAbsent(err, "listing the inventory of providers")
	}
	if slices.ContainsFunc(entries.Items, func(entry clusterctlv1.Provider) bool { return entry.UID != uid }) {
		return nil
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

// Gone says what is left of the kinds of a provider that was uninstalled; empty if nothing is.
func Gone(ctx context.Context, cluster *management.Cluster, name string) (string, error) {
	crds, err := crdsOf(name)
	if err != nil {
		return "", err
	}
	var left []string
	for _, crd := range crds {
		err := cluster.Get(ctx, client.ObjectKeyFromObject(crd), crd)
		if apierrors.IsNotFound(err) {
			continue
		}
		if err != nil {
			return "", fmt.Errorf("uninstalling provider %s: reading CustomResourceDefinition %s: %w", name, crd.Name, err)
		}
		if crd.DeletionTimestamp != nil {
			left = append(left, "CustomResourceDefinition "+crd.Name)
		}
	}
	return strings.Join(left, ", "), nil
}

// Unregistered says what is still being deleted of the namespace of a provider and of the inventory after Unregister;
// empty if nothing is.
func Unregistered(ctx context.Context, cluster *management.Cluster, name string) (string, error) {
	provider, err := config.Find(name)
	if err != nil {
		return "", err
	}
	namespace := &corev1.Namespace{}
	err = cluster.Get(ctx, client.ObjectKey{Name: provider.Namespace}, namespace)
	if client.IgnoreNotFound(err) != nil {
		return "", fmt.Errorf("uninstalling provider %s: reading Namespace %s: %w", name, provider.Namespace, err)
	}
	var left []string
	if err == nil && namespace.DeletionTimestamp != nil {
		left = append(left, "Namespace "+namespace.Name)
	}
	crds, err := inventoryCRDs()
	if err != nil {
		return "", err
	}
	for _, crd := range crds {
		err := cluster.Get(ctx, client.ObjectKeyFromObject(crd), crd)
		if client.IgnoreNotFound(err) != nil {
			return "", fmt.Errorf("uninstalling provider %s: reading the inventory: %w", name, err)
		}
		if err == nil && crd.GetDeletionTimestamp() != nil {
			left = append(left, "CustomResourceDefinition "+crd.GetName())
		}
	}
	return strings.Join(left, ", "), nil
}

func storageVersion(crd *apiextensionsv1.CustomResourceDefinition) string {
	for _, version := range crd.Spec.Versions {
		if version.Storage {
			return version.Name
		}
	}
	return ""
}
