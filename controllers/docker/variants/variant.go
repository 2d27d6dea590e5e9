// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package variants

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"

	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"

	infrav1 "github.com/terraform-capi/terraform-provider-capi/controllers/docker/api/v1beta2"
)

// Variant is one of the kinds that mean the same to a reconciler. H is the type of its hubs.
type Variant[H client.Object] struct {
	schema.GroupVersionKind
	// NewObject and NewList return an empty object and list of the variant.
	NewObject func() client.Object
	NewList   func() client.ObjectList

	get func(context.Context, client.Reader, client.ObjectKey) (Object[H], error)
}

// Object is an object of one of the variants.
type Object[H client.Object] interface {
	// Hub is the object as reconcilers read and change it. Its TypeMeta is the object's, whatever its Go type; unless
	// these agree it must not be given to a client.
	Hub() H
	// TranslateBack writes everything that was changed in the hub into the object itself, and returns that: what clients
	// and patch helpers are to be given.
	TranslateBack() client.Object
	// EnsureFinalizer stores the finalizer unless the object has it.
	EnsureFinalizer(ctx context.Context, c client.Client, finalizer string) error
}

// Get reads an object. One of a Dev* kind with another backend than docker is not found: only upstream's controllers
// can have let it in, and what it stands for is theirs.
func (v Variant[H]) Get(ctx context.Context, reader client.Reader, key client.ObjectKey) (Object[H], error) {
	return v.get(ctx, reader, key)
}

// List reads objects, served or not.
func (v Variant[H]) List(ctx context.Context, reader client.Reader, options ...client.ListOption) ([]client.Object, error) {
	list := v.NewList()
	if err := reader.List(ctx, list, options...); err != nil {
		return nil, err
	}
	var objects []client.Object
	err := meta.EachListItem(list, func(item runtime.Object) error {
		if object, ok := item.(client.Object); ok {
			objects = append(objects, object)
		}
		return nil
	})
	return objects, err
}

// Lister returns a function that lists the objects that controllers with a watch filter are responsible for; all if the filter
// is empty.
func (v Variant[H]) Lister(reader client.Reader, filter string) func(context.Context) ([]client.Object, error) {
	var options []client.ListOption
	if filter != "" {
		options = append(options, client.MatchingLabels{clusterv1.WatchLabel: filter})
	}
	return func(ctx context.Context) ([]client.Object, error) { return v.List(ctx, reader, options...) }
}

// Named returns an object that has nothing but a name, which is enough to ask for its reconcile.
func (v Variant[H]) Named(namespace, name string) client.Object {
	object := v.NewObject()
	object.SetNamespace(namespace)
	object.SetName(name)
	return object
}

// Variants are all that mean the same.
type Variants[H client.Object] []Variant[H]

// Get reads the object that is referred to. It is not found, either, if it is of none of the variants.
func (v Variants[H]) Get(ctx context.Context, reader client.Reader, namespace string, ref clusterv1.ContractVersionedObjectReference) (Object[H], error) {
	for _, variant := range v {
		if variant.GroupKind() == ref.GroupKind() {
			return variant.Get(ctx, reader, client.ObjectKey{Namespace: namespace, Name: ref.Name})
		}
	}
	return nil, notFound(ref.GroupKind(), ref.Name)
}

func notFound(kind schema.GroupKind, name string) error {
	return apierrors.NewNotFound(schema.GroupResource{Group: kind.Group, Resource: kind.Kind}, name)
}

// pointer is what API types have in common.
type pointer[T any] interface {
	*T
	client.Object
	DeepCopy() *T
}

// translation is between a variant's objects and their hubs. What toHub does not read fromHub leaves alone.
type translation[H, P any] struct {
	// served tells whether the object is one for this provider.
	served  func(stored P) bool
	toHub   func(stored P, hub H)
	fromHub func(hub H, stored P)
}

// same is a variant whose objects are as reconcilers see them.
func same[T any, P pointer[T]](name string, newList func() client.ObjectList) Variant[P] {
	return translated(name, newList, translation[P, P]{
		served:  func(P) bool { return true },
		toHub:   func(stored, hub P) { *hub = *stored },
		fromHub: func(hub, stored P) { *stored = *hub },
	})
}

// translated is a variant whose objects, of type T, reconcilers see as objects of type HT.
func translated[HT any, H pointer[HT], T any, P pointer[T]](name string, newList func() client.ObjectList, translate translation[H, P]) Variant[H] {
	gvk := infrav1.GroupVersion.WithKind(name)
	return Variant[H]{
		GroupVersionKind: gvk,
		NewObject:        func() client.Object { return P(new(T)) },
		NewList:          newList,
		get: func(ctx context.Context, reader client.Reader, key client.ObjectKey) (Object[H], error) {
			stored := P(new(T))
			if err := reader.Get(ctx, key, stored); err != nil {
				return nil, err
			}
			if !translate.served(stored) {
				return nil, notFound(gvk.GroupKind(), key.Name)
			}
			o := &object[H, T, P]{gvk: gvk, hub: H(new(HT)), stored: stored, translation: translate}
			o.refresh()
			return o, nil
		},
	}
}

type object[H client.Object, T any, P pointer[T]] struct {
	translation[H, P]
	gvk    schema.GroupVersionKind
	hub    H
	stored P
}

func (o *object[H, T, P]) Hub() H { return o.hub }

func (o *object[H, T, P]) TranslateBack() client.Object {
	o.fromHub(o.hub, o.stored)
	return o.stored
}

// refresh brings the hub up to date with the object.
func (o *object[H, T, P]) refresh() {
	o.toHub(o.stored, o.hub)
	o.hub.GetObjectKind().SetGroupVersionKind(o.gvk)
}

func (o *object[H, T, P]) EnsureFinalizer(ctx context.Context, c client.Client, finalizer string) error {
	if controllerutil.ContainsFinalizer(o.stored, finalizer) {
		return nil
	}
	before := P(o.stored.DeepCopy())
	controllerutil.AddFinalizer(o.stored, finalizer)
	// With the lock: the patch has the whole list, and would remove what somebody else adds at the same time.
	if err := c.Patch(ctx, o.stored, client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{})); err != nil {
		return fmt.Errorf("adding the finalizer to %s %s: %w", o.gvk.Kind, client.ObjectKeyFromObject(o.stored), err)
	}
	o.refresh()
	return nil
}
