// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package bundle

import (
	"context"
	"fmt"
	"slices"

	"golang.org/x/sync/errgroup"
	admissionv1 "k8s.io/api/admissionregistration/v1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	clusterctlv1 "sigs.k8s.io/cluster-api/cmd/clusterctl/api/v1alpha3"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/terraform-capi/terraform-provider-capi/controllers/config"
	"github.com/terraform-capi/terraform-provider-capi/internal/management"
)

// parallelApplies bounds the requests under way at once; the CustomResourceDefinitions are large, and an API server on
// two cores takes its time to publish each.
const parallelApplies = 6

// Begin makes the provider's entry in clusterctl's inventory, marked as being
// created: it says that the provider is installed, and whose it is. Install does the
// rest. The errors are those of management.Cluster.Begin; ErrExists also stands for
// controllers that are there without an entry. version is the one of this Terraform
// provider.
func Begin(ctx context.Context, cluster *management.Cluster, name, version string) (*management.Creation, error) {
	provider, err := config.Find(name)
	if err != nil {
		return nil, err
	}
	i := installation{Provider: provider}
	entry := i.inventoryEntry(version)
	installed := &metav1.PartialObjectMetadata{}
	installed.SetGroupVersionKind(appsv1.SchemeGroupVersion.WithKind("Deployment"))
	err = cluster.Get(ctx, client.ObjectKey{Namespace: i.Namespace, Name: i.deployment()}, installed)
	if client.IgnoreNotFound(err) != nil {
		return nil, fmt.Errorf("reading Deployment %s/%s: %w", i.Namespace, i.deployment(), err)
	}
	if err == nil {
		absent := cluster.Get(ctx, client.ObjectKeyFromObject(entry), &clusterctlv1.Provider{})
		if management.IsAbsent(absent) {
			return nil, fmt.Errorf("the Deployment %s/%s is there without an entry in clusterctl's inventory: %w", i.Namespace, i.deployment(), management.ErrExists)
		}
	}
	if err := i.prepare(ctx, cluster); err != nil {
		return nil, err
	}
	var creation *management.Creation
	err = retry(ctx, func() (err error) {
		creation, err = cluster.Begin(ctx, entry)
		return err
	}, management.IsAbsent)
	return creation, err
}

// prepare makes what the entry in the inventory needs: the inventory, and the namespace.
func (i installation) prepare(ctx context.Context, cluster *management.Cluster) error {
	inventory, err := inventoryCRDs()
	if err != nil {
		return err
	}
	for _, object := range inventory {
		if err := apply(ctx, cluster, object); err != nil {
			return fmt.Errorf("installing clusterctl's inventory: %w", err)
		}
	}
	return i.applyNamespace(ctx, cluster)
}

// createdAnnotation is on a namespace that did not exist before the provider was installed. Other
// namespaces stay when it goes.
const createdAnnotation = "terraform-capi.io/created"

// applyNamespace makes the namespace what it is to be, and remembers whether it was there before.
func (i installation) applyNamespace(ctx context.Context, cluster *management.Cluster) error {
	namespace := i.namespace()
	i.label(namespace)
	annotated, _ := namespace.DeepCopyObject().(client.Object)
	annotated.SetAnnotations(map[string]string{createdAnnotation: "true"})
	err := cluster.ApplyNew(ctx, annotated)
	if !apierrors.IsConflict(err) {
		return err
	}
	existing := &corev1.Namespace{}
	if err := cluster.Get(ctx, client.ObjectKeyFromObject(namespace), existing); err != nil {
		return fmt.Errorf("reading Namespace %s: %w", namespace.GetName(), err)
	}
	if existing.DeletionTimestamp != nil {
		return fmt.Errorf("namespace %s: %w", namespace.GetName(), management.ErrBeingDeleted)
	}
	if existing.Annotations[createdAnnotation] != "" {
		namespace = annotated
	}
	return cluster.ApplyTo(ctx, namespace, existing.UID)
}

// Install installs the bundled provider called name, or brings an installed one to what this binary holds, whose version
// is given. It returns when the objects are applied; Pending tells when they work. The entry in the inventory comes first:
// whatever is cut off afterwards, an older binary finds what it must not bring back.
func Install(ctx context.Context, cluster *management.Cluster, name, version string, image Image, settings Settings) error {
	provider, err := config.Find(name)
	if err != nil {
		return err
	}
	i := installation{provider, image, settings}
	stages, err := i.stages()
	if err != nil {
		return err
	}
	if err := i.prepare(ctx, cluster); err != nil {
		return fmt.Errorf("installing provider %s: %w", name, err)
	}
	if err := apply(ctx, cluster, i.inventoryEntry(version)); err != nil {
		return fmt.Errorf("installing provider %s: %w", name, err)
	}
	for _, stage := range stages {
		if stage, err = withoutUnserved(cluster, stage); err != nil {
			return fmt.Errorf("installing provider %s: %w", name, err)
		}
		group, stageCtx := errgroup.WithContext(ctx)
		group.SetLimit(parallelApplies)
		for _, object := range stage {
			group.Go(func() error { return apply(stageCtx, cluster, object) })
		}
		if err := group.Wait(); err != nil {
			return fmt.Errorf("installing provider %s: %w", name, err)
		}
	}
	return nil
}

// withoutUnserved leaves out admission policies where the API server does not have them, as before Kubernetes 1.30.
func withoutUnserved(cluster *management.Cluster, objects []client.Object) ([]client.Object, error) {
	if !slices.ContainsFunc(objects, isPolicy) {
		return objects, nil
	}
	_, err := cluster.RESTMapper().RESTMapping(admissionv1.SchemeGroupVersion.WithKind("ValidatingAdmissionPolicy").GroupKind(), admissionv1.SchemeGroupVersion.Version)
	if err == nil {
		return objects, nil
	}
	if !meta.IsNoMatchError(err) {
		return nil, fmt.Errorf("asking whether the API server has admission policies: %w", err)
	}
	return slices.DeleteFunc(objects, isPolicy), nil
}

func isPolicy(object client.Object) bool {
	switch object.(type) {
	case *admissionv1.ValidatingAdmissionPolicy, *admissionv1.ValidatingAdmissionPolicyBinding:
		return true
	}
	return false
}

// apply repeats what is refused only for the moment: kinds whose CustomResourceDefinition is a moment old are not
// served yet, and several providers create the inventory's at once.
func apply(ctx context.Context, cluster *management.Cluster, object client.Object) error {
	return retry(ctx, func() error { return cluster.Apply(ctx, object) }, func(err error) bool {
		return management.IsAbsent(err) || apierrors.IsConflict(err) || apierrors.IsAlreadyExists(err)
	})
}

// Status is what is installed of a provider.
type Status struct {
	// UID of the entry in clusterctl's inventory; empty if there is none.
	UID types.UID
	// Release that the entry speaks of.
	Release Release
	// Origin is who installed it: ByTerraform, ByClusterctl or ByOperator.
	Origin string
	// Image of the controllers.
	Image string
}

// createdNamespace is the provider's namespace, if it was made for it and is not being deleted; else nil.
func (i installation) createdNamespace(ctx context.Context, cluster *management.Cluster) (*corev1.Namespace, error) {
	namespace := &corev1.Namespace{}
	err := cluster.Get(ctx, client.ObjectKey{Name: i.Namespace}, namespace)
	if err != nil || namespace.Annotations[createdAnnotation] == "" || namespace.DeletionTimestamp != nil {
		return nil, client.IgnoreNotFound(err)
	}
	return namespace, nil
}

// Installed returns what is installed of the provider called name: an entry in clusterctl's inventory, controllers, or
// the remains of an uninstallation that was cut off. The error is one for which management.IsAbsent says yes if there is
// none of these.
func Installed(ctx context.Context, cluster *management.Cluster, name string) (*Status, error) {
	provider, err := config.Find(name)
	if err != nil {
		return nil, err
	}
	i := installation{Provider: provider}
	entry := &clusterctlv1.Provider{}
	key := client.ObjectKey{Namespace: provider.Namespace, Name: provider.Name}
	entryErr := cluster.Get(ctx, key, entry)
	if ignoreAbsent(entryErr, "") != nil {
		return nil, fmt.Errorf("reading Provider %s of the inventory: %w", key, entryErr)
	}
	deployment := &appsv1.Deployment{}
	key.Name = i.deployment()
	err = cluster.Get(ctx, key, deployment)
	if ignoreAbsent(err, "") != nil {
		return nil, fmt.Errorf("reading Deployment %s: %w", key, err)
	}
	if err != nil && entryErr != nil {
		namespace, err := i.createdNamespace(ctx, cluster)
		if err != nil {
			return nil, fmt.Errorf("reading Namespace %s: %w", i.Namespace, err)
		}
		if namespace == nil {
			return nil, entryErr
		}
	}
	operated, err := operatedBy(ctx, cluster, provider)
	if err != nil {
		return nil, err
	}
	status := &Status{UID: entry.UID, Release: ReleaseOf(entry), Origin: originOf(entry, operated)}
	for _, container := range deployment.Spec.Template.Spec.Containers {
		if container.Name == "manager" {
			status.Image = container.Image
		}
	}
	return status, nil
}

// AsDeclared says whether the controllers of an installed provider run as the settings have it. The management cluster itself
// compares, by a dry-run of what Install would apply.
func AsDeclared(ctx context.Context, cluster *management.Cluster, name string, image Image, settings Settings) (bool, error) {
	provider, err := config.Find(name)
	if err != nil {
		return false, err
	}
	i := installation{provider, image, settings}
	live := &appsv1.Deployment{}
	key := client.ObjectKey{Namespace: provider.Namespace, Name: i.deployment()}
	if err := cluster.Get(ctx, key, live); err != nil {
		return false, fmt.Errorf("reading Deployment %s: %w", key, err)
	}
	wanted := i.managerDeployment()
	i.label(wanted)
	if err := cluster.ApplyTo(ctx, wanted, live.UID, client.DryRunAll); err != nil {
		return false, fmt.Errorf("trying out Deployment %s: %w", key, err)
	}
	return wanted.Generation == live.Generation, nil
}

// ignoreAbsent is nil if err says that an object, or its kind, is not there.
func ignoreAbsent(err error, format string, args ...any) error {
	if err == nil || management.IsAbsent(err) {
		return nil
	}
	return fmt.Errorf(format+": %w", append(args, err)...)
}
