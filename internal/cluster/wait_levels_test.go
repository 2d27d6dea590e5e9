// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
)

// Each case says which is the first level that is not reached.
func TestLevels(t *testing.T) {
	const all = levelRollout + 1
	topology := func(reason string) func(*facts) {
		return func(f *facts) {
			setCondition(&f.cluster.Status.Conditions, clusterv1.ClusterTopologyReconciledCondition, metav1.ConditionFalse, reason, "", 3)
		}
	}
	falseCondition := func(conditionType string) func(*facts) {
		return func(f *facts) {
			setCondition(&f.cluster.Status.Conditions, conditionType, metav1.ConditionFalse, "No", "", 3)
		}
	}
	for name, test := range map[string]struct {
		change func(*facts)
		missed level
	}{
		"finished":                    {func(*facts) {}, all},
		"change not observed":         {func(f *facts) { f.cluster.Generation++ }, levelInfrastructure},
		"topology not computed":       {topology(clusterv1.ClusterTopologyReconciledFailedReason), levelInfrastructure},
		"class not reconciled":        {topology(clusterv1.ClusterTopologyReconciledClusterClassNotReconciledReason), levelInfrastructure},
		"workers wait for their turn": {topology(clusterv1.ClusterTopologyReconciledClusterUpgradingReason), levelRollout},
		"topology of before the last change": {func(f *facts) {
			setCondition(&f.cluster.Status.Conditions, clusterv1.ClusterTopologyReconciledCondition, metav1.ConditionFalse,
				clusterv1.ClusterTopologyReconciledClusterUpgradingReason, "", 2)
		}, levelInfrastructure},
		"load balancer":           {falseCondition(clusterv1.ClusterInfrastructureReadyCondition), levelInfrastructure},
		"no control plane yet":    {func(f *facts) { f.controlPlane = nil }, levelControlPlane},
		"control plane":           {falseCondition(clusterv1.ClusterControlPlaneAvailableCondition), levelControlPlane},
		"control plane version":   {func(f *facts) { nested(f.controlPlane, "v1.34.3", "spec", "version") }, levelControlPlane},
		"old control plane nodes": {func(f *facts) { nested(f.controlPlane, "v1.34.3", "status", "version") }, levelControlPlane},
		"control plane rolls": {func(f *facts) {
			nested(f.controlPlane, int64(2), "status", "replicas")
		}, levelControlPlane},
		"control plane change not observed": {func(f *facts) { f.controlPlane.SetGeneration(5) }, levelControlPlane},
		"control plane of fewer machines": {func(f *facts) {
			f.cluster.Spec.Topology.ControlPlane.Replicas = ptr.To[int32](3)
			nested(f.controlPlane, int64(3), "spec", "replicas")
		}, levelNodes},
		"no network plugin": {func(f *facts) {
			nested(f.controlPlane, int64(0), "status", "readyReplicas")
			f.machineDeployments[0].Status.ReadyReplicas = ptr.To[int32](0)
			f.machineDeployments[0].Status.AvailableReplicas = ptr.To[int32](0)
			setCondition(&f.cluster.Status.Conditions, clusterv1.ClusterWorkersAvailableCondition, metav1.ConditionFalse, "No", "", 3)
		}, levelAvailable},
		"workers":            {falseCondition(clusterv1.ClusterWorkersAvailableCondition), levelAvailable},
		"no workers yet":     {func(f *facts) { f.machineDeployments = nil }, levelAvailable},
		"workers unobserved": {func(f *facts) { f.machineDeployments[0].Generation++ }, levelAvailable},
		"a set whose condition is of before the last change": {func(f *facts) {
			setCondition(&f.machineDeployments[0].Status.Conditions, clusterv1.AvailableCondition, metav1.ConditionTrue, "Yes", "", 1)
		}, levelAvailable},
		"replicas not taken over":   {func(f *facts) { f.cluster.Spec.Topology.Workers.MachineDeployments[0].Replicas = ptr.To[int32](3) }, levelAvailable},
		"a worker is missing":       {func(f *facts) { f.machineDeployments[0].Status.Replicas = ptr.To[int32](1) }, levelNodes},
		"a node is not ready":       {func(f *facts) { f.machineDeployments[0].Status.ReadyReplicas = ptr.To[int32](1) }, levelNodes},
		"workers roll":              {func(f *facts) { f.machineDeployments[0].Status.UpToDateReplicas = ptr.To[int32](1) }, levelRollout},
		"one worker too many":       {func(f *facts) { f.machineDeployments[0].Status.Replicas = ptr.To[int32](3) }, levelRollout},
		"an old machine is left":    {func(f *facts) { f.machines[1].Spec.Version = "v1.34.3" }, levelRollout},
		"a set that is superfluous": {func(f *facts) { f.cluster.Spec.Topology.Workers = clusterv1.WorkersTopology{} }, levelRollout},
		"a pool is missing": {func(f *facts) {
			f.cluster.Spec.Topology.Workers.MachinePools = []clusterv1.MachinePoolTopology{{Name: "mp-0"}}
		}, levelAvailable},
		"a pool without nodes": {withPool(func(pool *clusterv1.MachinePool) { pool.Status.NodeRefs = nil }), levelNodes},
		"a pool of old version": {withPool(func(pool *clusterv1.MachinePool) {
			pool.Spec.Template.Spec.Version = "v1.34.3"
		}), levelRollout},
		"a pool that is ready": {withPool(func(*clusterv1.MachinePool) {}), all},
		"a pool that is superfluous": {func(f *facts) {
			withPool(func(*clusterv1.MachinePool) {})(f)
			f.cluster.Spec.Topology.Workers.MachinePools = nil
		}, levelRollout},
	} {
		f := finished()
		if test.change(f); f.pendingAt(levelNone, nil) != "" {
			t.Errorf("%s: something is pending although nothing is waited for", name)
		}
		for l := levelInfrastructure; l <= levelRollout; l++ {
			if pending, want := f.pendingAt(l, nil), l >= test.missed; want != (pending != "") {
				t.Errorf("%s: pending for %s is %t, want %t: %s", name, l, pending != "", want, pending)
			}
		}
	}
}

// withPool gives the finished cluster a machine pool of one machine that has no
// Machine.
func withPool(change func(*clusterv1.MachinePool)) func(*facts) {
	return func(f *facts) {
		f.cluster.Spec.Topology.Workers.MachinePools = []clusterv1.MachinePoolTopology{{Name: "mp-0", Replicas: ptr.To[int32](1)}}
		pool := clusterv1.MachinePool{ObjectMeta: metav1.ObjectMeta{
			Name: "web-mp-0", Generation: 1, Labels: map[string]string{clusterv1.ClusterTopologyMachinePoolNameLabel: "mp-0"},
		}}
		pool.Spec.Replicas, pool.Spec.Template.Spec.Version = ptr.To[int32](1), version
		pool.Status.ObservedGeneration = 1
		pool.Status.Replicas, pool.Status.ReadyReplicas = ptr.To[int32](1), ptr.To[int32](1)
		pool.Status.AvailableReplicas, pool.Status.UpToDateReplicas = ptr.To[int32](1), ptr.To[int32](1)
		pool.Status.NodeRefs = append(pool.Status.NodeRefs, corev1.ObjectReference{Name: "node-0"})
		change(&pool)
		f.machinePools = []clusterv1.MachinePool{pool}
	}
}

// A rollout that a changed class sets off is waited for, though nothing of the
// Cluster changes; one that Cluster API finds needless is not, for ever.
func TestWaitForAnnouncedRollout(t *testing.T) {
	now := time.Now()
	noted := map[string]int64{controlPlaneLabel: 4, `machine deployment md-0`: 2, `machine pool mp-0`: 1}
	begun := func(f *facts) {
		withPool(func(pool *clusterv1.MachinePool) { pool.Generation, pool.Status.ObservedGeneration = 2, 2 })(f)
		f.controlPlane.SetGeneration(5)
		nested(f.controlPlane, int64(5), "status", "observedGeneration")
		f.machineDeployments[0].Generation, f.machineDeployments[0].Status.ObservedGeneration = 3, 3
	}
	for name, test := range map[string]struct {
		until  level
		began  time.Time
		change func(*facts)
		want   []string
	}{
		"nothing has begun":       {levelRollout, now, withPool(func(*clusterv1.MachinePool) {}), []string{"KubeadmControlPlane web-x7k2p", "MachineDeployment md-0", "MachinePool mp-0"}},
		"all has begun":           {levelRollout, now, begun, nil},
		"only the control plane":  {levelControlPlane, now, withPool(func(*clusterv1.MachinePool) {}), []string{"KubeadmControlPlane web-x7k2p"}},
		"not a matter of rolling": {levelInfrastructure, now, func(*facts) {}, nil},
		"a needless rollout":      {levelRollout, now.Add(-rollGrace), func(*facts) {}, nil},
		"a topology that is not reconciled": {levelRollout, now.Add(-time.Hour), func(f *facts) {
			setCondition(&f.cluster.Status.Conditions, clusterv1.ClusterTopologyReconciledCondition, metav1.ConditionFalse, "ClusterClassNotReconciled", "", 3)
		}, []string{"KubeadmControlPlane web-x7k2p", "MachineDeployment md-0"}},
	} {
		f := finished()
		test.change(f)
		w := wait{until: test.until, noted: noted, began: test.began}
		var got []string
		for _, line := range w.unbegun(f) {
			object, _, _ := strings.Cut(line, ": ")
			got = append(got, object)
		}
		if !slices.Equal(got, test.want) {
			t.Errorf("%s: waits for the beginning at %v, want %v", name, got, test.want)
		}
		for _, object := range test.want {
			if !strings.Contains(w.pending(f), object+": the announced rollout has not begun yet") {
				t.Errorf("%s: %s does not keep the wait waiting", name, object)
			}
		}
	}
}
