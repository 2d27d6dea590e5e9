// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package topologytest

import (
	"context"
	"maps"
	"reflect"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	bootstrapv1 "sigs.k8s.io/cluster-api/api/bootstrap/kubeadm/v1beta2"
	controlplanev1 "sigs.k8s.io/cluster-api/api/controlplane/kubeadm/v1beta2"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
	kcp "sigs.k8s.io/cluster-api/controlplane/kubeadm/pkg"
	"sigs.k8s.io/cluster-api/controlplane/kubeadm/pkg/desiredstate"
	"sigs.k8s.io/cluster-api/core/reconcilers/machinedeployment/mdutil"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/terraform-capi/terraform-provider-capi/internal/topology"
)

// reality is what decides about machines: what stands in the API, not what was
// rendered.
type reality struct {
	seen         time.Time
	cluster      *clusterv1.Cluster
	controlPlane *controlplanev1.KubeadmControlPlane
	// machineSets are the names of those that the machine deployments have their
	// machines in, by the name in the topology.
	machineSets map[string]string
	// pools are the specs of the machine pools and what they are made of.
	pools map[string][]any
}

func observe(ctx context.Context, t *testing.T, c client.Client, key client.ObjectKey) *reality {
	t.Helper()
	r := &reality{seen: time.Now(), cluster: &clusterv1.Cluster{}, controlPlane: &controlplanev1.KubeadmControlPlane{}, machineSets: map[string]string{}, pools: map[string][]any{}}
	must(t, c.Get(ctx, key, r.cluster))
	must(t, c.Get(ctx, client.ObjectKey{Namespace: key.Namespace, Name: r.cluster.Spec.ControlPlaneRef.Name}, r.controlPlane))
	deployments, sets, pools := &clusterv1.MachineDeploymentList{}, &clusterv1.MachineSetList{}, &clusterv1.MachinePoolList{}
	for _, list := range []client.ObjectList{deployments, sets, pools} {
		must(t, c.List(ctx, list, client.InNamespace(key.Namespace)))
	}
	for i := range deployments.Items {
		md := &deployments.Items[i]
		var owned []*clusterv1.MachineSet
		for j := range sets.Items {
			if metav1.IsControlledBy(&sets.Items[j], md) {
				owned = append(owned, &sets.Items[j])
			}
		}
		if current, _, _, reason := mdutil.FindNewAndOldMachineSets(md, owned, metav1.Now()); current != nil {
			r.machineSets[md.Labels[clusterv1.ClusterTopologyMachineDeploymentNameLabel]] = current.Name
		} else if md.DeletionTimestamp.IsZero() {
			t.Fatalf("machine deployment %s has no MachineSet: %s", md.Name, reason)
		}
	}
	for i := range pools.Items {
		pool := &pools.Items[i]
		spec := pool.Spec.Template.Spec
		parts := []any{spec.Version, pool.Spec.FailureDomains}
		for _, ref := range []clusterv1.ContractVersionedObjectReference{spec.Bootstrap.ConfigRef, spec.InfrastructureRef} {
			object := &unstructured.Unstructured{}
			object.SetAPIVersion(ref.APIGroup + "/v1beta2")
			object.SetKind(ref.Kind)
			must(t, c.Get(ctx, client.ObjectKey{Namespace: key.Namespace, Name: ref.Name}, object))
			parts = append(parts, object.Object["spec"])
		}
		r.pools[pool.Labels[clusterv1.ClusterTopologyMachinePoolNameLabel]] = parts
	}
	return r
}

// rolledSince returns the sets of machines that are other machines than before.
func (r *reality) rolledSince(ctx context.Context, t *testing.T, c client.Client, before *reality) map[string]bool {
	t.Helper()
	rolled := map[string]bool{}
	for _, joined := range []bool{false, true} {
		if !upToDate(ctx, t, c, r.cluster, before, r.controlPlane, joined) {
			rolled[string(topology.ControlPlane)] = true
		}
	}
	for name, set := range r.machineSets {
		if old, found := before.machineSets[name]; found && old != set {
			rolled[topology.Set{Kind: topology.MachineDeployment, Name: name}.Label()] = true
		}
	}
	for name, spec := range r.pools {
		if old, found := before.pools[name]; found && !reflect.DeepEqual(old, spec) {
			rolled[topology.Set{Kind: topology.MachinePool, Name: name}.Label()] = true
		}
	}
	return rolled
}

// upToDate asks the kubeadm control plane's own code whether a machine that was
// made when the control plane was as before may stay.
func upToDate(ctx context.Context, t *testing.T, c client.Client, cluster *clusterv1.Cluster, was *reality, after *controlplanev1.KubeadmControlPlane, joined bool) bool {
	t.Helper()
	before := was.controlPlane
	machine := &clusterv1.Machine{ObjectMeta: metav1.ObjectMeta{Namespace: before.Namespace, Name: "machine", CreationTimestamp: metav1.NewTime(was.seen)}}
	machine.Spec.Version = before.Spec.Version
	machine.Spec.Bootstrap.ConfigRef = clusterv1.ContractVersionedObjectReference{APIGroup: bootstrapv1.GroupVersion.Group, Kind: "KubeadmConfig", Name: "machine"}
	config, err := desiredstate.ComputeDesiredKubeadmConfig(before, cluster, joined, machine.Name, nil)
	if err != nil {
		t.Fatal(err)
	}
	ref := before.Spec.MachineTemplate.Spec.InfrastructureRef
	infrastructure := &unstructured.Unstructured{}
	infrastructure.SetKind("DevMachine")
	infrastructure.SetAnnotations(map[string]string{
		clusterv1.TemplateClonedFromNameAnnotation:      ref.Name,
		clusterv1.TemplateClonedFromGroupKindAnnotation: ref.GroupKind().String(),
	})
	now := metav1.Now()
	fine, _, err := kcp.UpToDate(ctx, c, cluster, machine, after, &now,
		map[string]*unstructured.Unstructured{machine.Name: infrastructure}, map[string]*bootstrapv1.KubeadmConfig{machine.Name: config})
	if err != nil {
		t.Fatal(err)
	}
	return fine
}

func predicted(rolls []topology.Roll) map[string]bool {
	labels := map[string]bool{}
	for _, roll := range rolls {
		labels[roll.Label()] = true
	}
	return labels
}

func same(a, b map[string]bool) bool { return maps.Equal(a, b) }
