// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package live

import (
	"slices"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"

	"github.com/terraform-capi/terraform-provider-capi/internal/live/livetest"
)

// Each case says which is the first level that is not reached.
func TestLevels(t *testing.T) {
	const all = LevelRollout + 1
	topology := func(reason string) func(*Facts) {
		return func(f *Facts) {
			livetest.SetCondition(&f.Cluster.Status.Conditions, clusterv1.ClusterTopologyReconciledCondition, metav1.ConditionFalse, reason, "", 3)
		}
	}
	falseCondition := func(conditionType string) func(*Facts) {
		return func(f *Facts) {
			livetest.SetCondition(&f.Cluster.Status.Conditions, conditionType, metav1.ConditionFalse, "No", "", 3)
		}
	}
	for name, test := range map[string]struct {
		change func(*Facts)
		missed Level
	}{
		"finished":                    {func(*Facts) {}, all},
		"change not observed":         {func(f *Facts) { f.Cluster.Generation++ }, LevelInfrastructure},
		"topology not computed":       {topology(clusterv1.ClusterTopologyReconciledFailedReason), LevelInfrastructure},
		"class not reconciled":        {topology(clusterv1.ClusterTopologyReconciledClusterClassNotReconciledReason), LevelInfrastructure},
		"workers wait for their turn": {topology(clusterv1.ClusterTopologyReconciledClusterUpgradingReason), LevelRollout},
		"topology of before the last change": {func(f *Facts) {
			livetest.SetCondition(&f.Cluster.Status.Conditions, clusterv1.ClusterTopologyReconciledCondition, metav1.ConditionFalse,
				clusterv1.ClusterTopologyReconciledClusterUpgradingReason, "", 2)
		}, LevelInfrastructure},
		"load balancer":           {falseCondition(clusterv1.ClusterInfrastructureReadyCondition), LevelInfrastructure},
		"no control plane yet":    {func(f *Facts) { f.ControlPlane = nil }, LevelControlPlane},
		"control plane":           {falseCondition(clusterv1.ClusterControlPlaneAvailableCondition), LevelControlPlane},
		"control plane version":   {func(f *Facts) { nested(f.ControlPlane, "v1.34.3", "spec", "version") }, LevelControlPlane},
		"old control plane nodes": {func(f *Facts) { nested(f.ControlPlane, "v1.34.3", "status", "version") }, LevelControlPlane},
		"control plane rolls": {func(f *Facts) {
			nested(f.ControlPlane, int64(2), "status", "replicas")
		}, LevelControlPlane},
		"control plane change not observed": {func(f *Facts) { f.ControlPlane.SetGeneration(5) }, LevelControlPlane},
		"control plane of fewer machines": {func(f *Facts) {
			f.Cluster.Spec.Topology.ControlPlane.Replicas = ptr.To[int32](3)
			nested(f.ControlPlane, int64(3), "spec", "replicas")
		}, LevelNodes},
		"no network plugin": {func(f *Facts) {
			nested(f.ControlPlane, int64(0), "status", "readyReplicas")
			f.MachineDeployments[0].Status.ReadyReplicas = ptr.To[int32](0)
			f.MachineDeployments[0].Status.AvailableReplicas = ptr.To[int32](0)
			livetest.SetCondition(&f.Cluster.Status.Conditions, clusterv1.ClusterWorkersAvailableCondition, metav1.ConditionFalse, "No", "", 3)
		}, LevelAvailable},
		"workers":            {falseCondition(clusterv1.ClusterWorkersAvailableCondition), LevelAvailable},
		"no workers yet":     {func(f *Facts) { f.MachineDeployments = nil }, LevelAvailable},
		"workers unobserved": {func(f *Facts) { f.MachineDeployments[0].Generation++ }, LevelAvailable},
		"a set whose condition is of before the last change": {func(f *Facts) {
			livetest.SetCondition(&f.MachineDeployments[0].Status.Conditions, clusterv1.AvailableCondition, metav1.ConditionTrue, "Yes", "", 1)
		}, LevelAvailable},
		"replicas not taken over":   {func(f *Facts) { f.Cluster.Spec.Topology.Workers.MachineDeployments[0].Replicas = ptr.To[int32](3) }, LevelAvailable},
		"a worker is missing":       {func(f *Facts) { f.MachineDeployments[0].Status.Replicas = ptr.To[int32](1) }, LevelNodes},
		"a node is not ready":       {func(f *Facts) { f.MachineDeployments[0].Status.ReadyReplicas = ptr.To[int32](1) }, LevelNodes},
		"workers roll":              {func(f *Facts) { f.MachineDeployments[0].Status.UpToDateReplicas = ptr.To[int32](1) }, LevelRollout},
		"one worker too many":       {func(f *Facts) { f.MachineDeployments[0].Status.Replicas = ptr.To[int32](3) }, LevelRollout},
		"an old machine is left":    {func(f *Facts) { f.Machines[1].Spec.Version = "v1.34.3" }, LevelRollout},
		"a set that is superfluous": {func(f *Facts) { f.Cluster.Spec.Topology.Workers = clusterv1.WorkersTopology{} }, LevelRollout},
		"a pool is missing": {func(f *Facts) {
			f.Cluster.Spec.Topology.Workers.MachinePools = []clusterv1.MachinePoolTopology{{Name: "mp-0"}}
		}, LevelAvailable},
		"a pool without nodes": {withPool(func(pool *clusterv1.MachinePool) { pool.Status.NodeRefs = nil }), LevelNodes},
		"a pool of old version": {withPool(func(pool *clusterv1.MachinePool) {
			pool.Spec.Template.Spec.Version = "v1.34.3"
		}), LevelRollout},
		"a pool that is ready": {withPool(func(*clusterv1.MachinePool) {}), all},
		"a pool that is superfluous": {func(f *Facts) {
			withPool(func(*clusterv1.MachinePool) {})(f)
			f.Cluster.Spec.Topology.Workers.MachinePools = nil
		}, LevelRollout},
	} {
		f := finished()
		if test.change(f); f.pendingAt(LevelNone, nil) != "" {
			t.Errorf("%s: something is pending although nothing is waited for", name)
		}
		for l := LevelInfrastructure; l <= LevelRollout; l++ {
			if pending, want := f.pendingAt(l, nil), l >= test.missed; want != (pending != "") {
				t.Errorf("%s: pending for %s is %t, want %t: %s", name, l, pending != "", want, pending)
			}
		}
	}
}

// withPool gives the finished cluster a machine pool.
func withPool(change func(*clusterv1.MachinePool)) func(*Facts) {
	return func(f *Facts) {
		var pool clusterv1.MachinePool
		pool, f.Cluster.Spec.Topology.Workers.MachinePools = livetest.Pool()
		change(&pool)
		f.MachinePools = []clusterv1.MachinePool{pool}
	}
}

// A rollout that a changed class sets off is waited for, though nothing of the
// Cluster changes; one that Cluster API finds needless is not, for ever.
func TestWaitForAnnouncedRollout(t *testing.T) {
	now := time.Now()
	noted := Generations{controlPlaneLabel: 4, `machine deployment md-0`: 2, `machine pool mp-0`: 1}
	begun := func(f *Facts) {
		withPool(func(pool *clusterv1.MachinePool) { pool.Generation, pool.Status.ObservedGeneration = 2, 2 })(f)
		f.ControlPlane.SetGeneration(5)
		nested(f.ControlPlane, int64(5), "status", "observedGeneration")
		f.MachineDeployments[0].Generation, f.MachineDeployments[0].Status.ObservedGeneration = 3, 3
	}
	for name, test := range map[string]struct {
		until  Level
		began  time.Time
		change func(*Facts)
		want   []string
	}{
		"nothing has begun":       {LevelRollout, now, withPool(func(*clusterv1.MachinePool) {}), []string{"KubeadmControlPlane web-x7k2p", "MachineDeployment md-0", "MachinePool mp-0"}},
		"all has begun":           {LevelRollout, now, begun, nil},
		"only the control plane":  {LevelControlPlane, now, withPool(func(*clusterv1.MachinePool) {}), []string{"KubeadmControlPlane web-x7k2p"}},
		"not a matter of rolling": {LevelInfrastructure, now, func(*Facts) {}, nil},
		"a needless rollout":      {LevelRollout, now.Add(-rollGrace), func(*Facts) {}, nil},
		"a topology that is not reconciled": {LevelRollout, now.Add(-time.Hour), func(f *Facts) {
			livetest.SetCondition(&f.Cluster.Status.Conditions, clusterv1.ClusterTopologyReconciledCondition, metav1.ConditionFalse, "ClusterClassNotReconciled", "", 3)
		}, []string{"KubeadmControlPlane web-x7k2p", "MachineDeployment md-0"}},
	} {
		f := finished()
		test.change(f)
		w := Goal{Until: test.until, Noted: noted, Began: test.began}
		var got []string
		for _, line := range w.Unbegun(f) {
			object, _, _ := strings.Cut(line, ": ")
			got = append(got, object)
		}
		if !slices.Equal(got, test.want) {
			t.Errorf("%s: waits for the beginning at %v, want %v", name, got, test.want)
		}
		for _, object := range test.want {
			if !strings.Contains(w.Pending(f), object+": the announced rollout has not begun yet") {
				t.Errorf("%s: %s does not keep the wait waiting", name, object)
			}
		}
	}
}
