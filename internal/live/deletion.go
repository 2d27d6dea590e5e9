// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package live

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/terraform-capi/terraform-provider-capi/internal/management"
)

// ObserveDeletion reads in addition to the facts what else may hold up a deletion.
func ObserveDeletion(ctx context.Context, mgmt *management.Cluster, key client.ObjectKey) (*Facts, error) {
	f, err := Observe(ctx, mgmt, key)
	if err != nil {
		return nil, err
	}
	return f, f.ObserveRest(ctx, mgmt)
}

// ObserveRest reads what else may hold up the deletion of a cluster that was observed.
func (f *Facts) ObserveRest(ctx context.Context, mgmt *management.Cluster) error {
	ofCluster := []client.ListOption{client.InNamespace(f.Cluster.Namespace), client.MatchingLabels{clusterv1.ClusterNameLabel: f.Cluster.Name}}
	sets := &clusterv1.MachineSetList{}
	if err := mgmt.List(ctx, sets, ofCluster...); err != nil {
		return err
	}
	f.machineSets = sets.Items
	for _, kind := range f.backingKinds() {
		gvk, err := mgmt.Served(kind.Group, kind.Kind)
		if management.IsAbsent(err) {
			continue
		}
		if err != nil {
			return err
		}
		list := &unstructured.UnstructuredList{}
		list.SetGroupVersionKind(gvk.GroupVersion().WithKind(kind.Kind + "List"))
		if err := mgmt.List(ctx, list, ofCluster...); err != nil {
			return err
		}
		for i := range list.Items {
			f.backing = append(f.backing, &list.Items[i])
		}
	}
	return nil
}

// backingRefs are what stands behind machines: infrastructure and bootstrap
// configuration.
func backingRefs(spec clusterv1.MachineSpec) []clusterv1.ContractVersionedObjectReference {
	refs := []clusterv1.ContractVersionedObjectReference{spec.InfrastructureRef, spec.Bootstrap.ConfigRef}
	return slices.DeleteFunc(refs, func(ref clusterv1.ContractVersionedObjectReference) bool { return !ref.IsDefined() })
}

func (f *Facts) backingKinds() []schema.GroupKind {
	var kinds []schema.GroupKind
	add := func(spec clusterv1.MachineSpec) {
		for _, ref := range backingRefs(spec) {
			if kind := (schema.GroupKind{Group: ref.APIGroup, Kind: ref.Kind}); !slices.Contains(kinds, kind) {
				kinds = append(kinds, kind)
			}
		}
	}
	for i := range f.Machines {
		add(f.Machines[i].Spec)
	}
	for i := range f.MachinePools {
		add(f.MachinePools[i].Spec.Template.Spec)
	}
	return kinds
}

// belongings are the objects of the cluster, from the top down to what stands
// behind its machines.
func (f *Facts) belongings() []*unstructured.Unstructured {
	objects := []*unstructured.Unstructured{f.Object, f.infrastructure, f.ControlPlane}
	for i := range f.MachineDeployments {
		objects = append(objects, asUnstructured(KindMachineDeployment, &f.MachineDeployments[i]))
	}
	for i := range f.MachinePools {
		objects = append(objects, asUnstructured(KindMachinePool, &f.MachinePools[i]))
	}
	for i := range f.machineSets {
		objects = append(objects, asUnstructured("MachineSet", &f.machineSets[i]))
	}
	for i := range f.Machines {
		objects = append(objects, asUnstructured("Machine", &f.Machines[i]))
	}
	backing := slices.SortedFunc(slices.Values(f.backing), func(a, b *unstructured.Unstructured) int {
		return cmp.Or(cmp.Compare(a.GetName(), b.GetName()), cmp.Compare(a.GetKind(), b.GetKind()))
	})
	return slices.DeleteFunc(append(objects, backing...), func(obj *unstructured.Unstructured) bool { return obj == nil })
}

// Remaining lists what of a cluster still exists while it is being deleted, and
// what holds it: for the person who has to find out why.
func (f *Facts) Remaining() string {
	var lines []string
	for _, obj := range f.belongings() {
		lines = append(lines, blocked(obj))
	}
	return strings.Join(lines, "\n")
}

func asUnstructured(kind string, obj client.Object) *unstructured.Unstructured {
	content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(obj)
	if err != nil {
		content = map[string]any{"metadata": map[string]any{"name": obj.GetName()}}
	}
	u := &unstructured.Unstructured{Object: content}
	u.SetKind(kind)
	return u
}

// blocked says of an object whether it is being deleted, and which finalizers
// hold it, and what its controller says about that.
func blocked(obj *unstructured.Unstructured) string {
	line := fmt.Sprintf("%s %s", obj.GetKind(), obj.GetName())
	switch {
	case obj.GetDeletionTimestamp() == nil:
		return line + ": waits for its turn"
	case len(obj.GetFinalizers()) > 0:
		line += ": held by finalizer " + strings.Join(obj.GetFinalizers(), ", ")
	}
	if c := conditionOf(obj, clusterv1.DeletingCondition); c.Message != "" {
		line += ": " + oneLine(c.Message)
	}
	return line
}
