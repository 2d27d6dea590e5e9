// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package docker

import (
	"fmt"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"
	devv1 "sigs.k8s.io/cluster-api/test/infrastructure/docker/api/v1beta2"
	"sigs.k8s.io/controller-runtime/pkg/client"

	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"

	infrav1 "github.com/terraform-capi/terraform-provider-capi/controllers/docker/api/v1beta2"
	"github.com/terraform-capi/terraform-provider-capi/controllers/docker/variants"
)

func (w *world) meta(namespace, name string, owner client.Object) metav1.ObjectMeta {
	meta := metav1.ObjectMeta{
		Namespace: namespace, Name: name, UID: types.UID(fmt.Sprintf("%016x", w.rand.Uint64())),
		Labels: map[string]string{clusterv1.ClusterNameLabel: worldName},
	}
	if owner != nil {
		kind := "Cluster"
		if _, ok := owner.(*clusterv1.Machine); ok {
			kind = "Machine"
		}
		meta.OwnerReferences = []metav1.OwnerReference{{
			APIVersion: clusterv1.GroupVersion.String(), Kind: kind, Name: owner.GetName(), UID: owner.GetUID(),
		}}
		w.uids[string(meta.UID)] = true
	}
	return meta
}

func (w *world) create(object client.Object) {
	w.t.Helper()
	w.Expect(w.plain.Create(w.t.Context(), object)).To(Succeed())
}

func (w *world) createCluster(namespace string, variant variants.Variant[*infrav1.DockerCluster]) {
	owner := &clusterv1.Cluster{
		ObjectMeta: w.meta(namespace, worldName, nil),
		Spec: clusterv1.ClusterSpec{InfrastructureRef: clusterv1.ContractVersionedObjectReference{
			APIGroup: infrav1.GroupVersion.Group, Kind: variant.Kind, Name: worldName,
		}},
	}
	w.create(owner)
	w.create(&corev1.Secret{ObjectMeta: w.meta(namespace, "data", nil), Data: map[string][]byte{"value": []byte(cloudConfig)}})
	meta := w.meta(namespace, worldName, owner)
	if variant.Kind == variants.DevCluster.Kind {
		w.create(&devv1.DevCluster{ObjectMeta: meta, Spec: variants.ClusterSpecToDev(infrav1.DockerClusterSpec{})})
		return
	}
	w.create(&infrav1.DockerCluster{ObjectMeta: meta})
}

func (w *world) createMachine(namespace, name string, controlPlane bool) {
	variant := variants.Machines[w.rand.IntN(len(variants.Machines))]
	owner := &clusterv1.Machine{
		ObjectMeta: w.meta(namespace, name, nil),
		Spec: clusterv1.MachineSpec{
			ClusterName: worldName, Version: "v1.35.0", Bootstrap: clusterv1.Bootstrap{DataSecretName: ptr.To("data")},
			InfrastructureRef: clusterv1.ContractVersionedObjectReference{
				APIGroup: infrav1.GroupVersion.Group, Kind: variant.Kind, Name: name,
			},
		},
	}
	if controlPlane {
		owner.Labels[clusterv1.MachineControlPlaneLabel] = ""
	}
	w.create(owner)
	meta := w.meta(namespace, name, owner)
	if variant.Kind == variants.DevMachine.Kind {
		w.create(&devv1.DevMachine{ObjectMeta: meta, Spec: variants.MachineSpecToDev(infrav1.DockerMachineSpec{})})
		return
	}
	w.create(&infrav1.DockerMachine{ObjectMeta: meta})
}

func (w *world) machines(namespace string) []*clusterv1.Machine {
	list := &clusterv1.MachineList{}
	w.Expect(w.plain.List(w.t.Context(), list, client.InNamespace(namespace))).To(Succeed())
	all := make([]*clusterv1.Machine, len(list.Items))
	for i := range list.Items {
		all[i] = &list.Items[i]
	}
	return all
}

func (w *world) storedMachine(m *clusterv1.Machine) client.Object {
	for _, variant := range variants.Machines {
		if variant.Kind == m.Spec.InfrastructureRef.Kind {
			return variant.Named(m.Namespace, m.Name)
		}
	}
	return nil
}

func (w *world) infraMachine(m *clusterv1.Machine) *infrav1.DockerMachine {
	object, err := variants.Machines.Get(w.t.Context(), w.plain, m.Namespace, m.Spec.InfrastructureRef)
	if apierrors.IsNotFound(err) {
		return &infrav1.DockerMachine{}
	}
	w.Expect(err).NotTo(HaveOccurred())
	return object.Hub()
}

func (w *world) infraCluster(namespace string) *infrav1.DockerCluster {
	for _, variant := range variants.Clusters {
		if object, err := variant.Get(w.t.Context(), w.plain, client.ObjectKey{Namespace: namespace, Name: worldName}); err == nil {
			return object.Hub()
		}
	}
	return &infrav1.DockerCluster{}
}

// infrastructure are the objects that are reconciled.
func (w *world) infrastructure() []client.Object {
	var all []client.Object
	for _, variant := range variants.Clusters {
		list, err := variant.List(w.t.Context(), w.plain)
		w.Expect(err).NotTo(HaveOccurred())
		all = append(all, list...)
	}
	for _, variant := range variants.Machines {
		list, err := variant.List(w.t.Context(), w.plain)
		w.Expect(err).NotTo(HaveOccurred())
		all = append(all, list...)
	}
	return all
}

// objects are all that a user deletes, or Cluster API for them.
func (w *world) objects() []client.Object {
	all := w.infrastructure()
	for _, namespace := range w.namespaces {
		all = append(all, &clusterv1.Cluster{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: worldName}})
		for _, m := range w.machines(namespace) {
			all = append(all, m)
		}
	}
	return all
}
