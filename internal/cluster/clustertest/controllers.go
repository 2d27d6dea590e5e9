// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

// Package clustertest stands in for Cluster API's controllers where there is an
// API server but nothing else: it makes the objects that follow from a Cluster,
// and says of them what the real controllers would say when all has gone well.
// No machine comes of it.
package clustertest

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	controlplanev1 "sigs.k8s.io/cluster-api/api/controlplane/kubeadm/v1beta2"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
	"sigs.k8s.io/controller-runtime/pkg/client"

	dockerv1 "github.com/terraform-capi/terraform-provider-capi/controllers/docker/api/v1beta2"
	"github.com/terraform-capi/terraform-provider-capi/internal/management"
	"github.com/terraform-capi/terraform-provider-capi/internal/topology"
)

// period is how often the stand-in looks for something to do.
const period = 50 * time.Millisecond

// Controllers is the stand-in for the controllers.
type Controllers struct {
	c client.Client

	// classes are the generations of the classes.
	classes map[client.ObjectKey]int64

	mu   sync.Mutex
	held map[client.ObjectKey]bool
}

// Start runs the stand-in until the end of the test.
func Start(t *testing.T, cluster *management.Cluster) *Controllers {
	t.Helper()
	controllers := &Controllers{c: cluster.Client, classes: map[client.ObjectKey]int64{}, held: map[client.ObjectKey]bool{}}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		ticker := time.NewTicker(period)
		defer ticker.Stop()
		for ctx.Err() == nil {
			if err := controllers.reconcile(ctx); err != nil && ctx.Err() == nil && !isRace(err) {
				t.Errorf("the stand-in for the controllers failed: %v", err)
				return
			}
			select {
			case <-ctx.Done():
			case <-ticker.C:
			}
		}
	}()
	t.Cleanup(func() {
		cancel()
		<-stopped
	})
	return controllers
}

// Hold makes the controllers leave a Cluster alone, as if they were slow.
func (s *Controllers) Hold(key client.ObjectKey) { s.hold(key, true) }

// Release ends a Hold.
func (s *Controllers) Release(key client.ObjectKey) { s.hold(key, false) }

func (s *Controllers) hold(key client.ObjectKey, held bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.held[key] = held
}

func (s *Controllers) isHeld(key client.ObjectKey) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.held[key]
}

// isRace says whether somebody changed or deleted the object meanwhile. The next
// round does better.
func isRace(err error) bool {
	return apierrors.IsConflict(err) || apierrors.IsNotFound(err) || apierrors.IsAlreadyExists(err) || errors.Is(err, context.Canceled)
}

func (s *Controllers) reconcile(ctx context.Context) error {
	classes := &clusterv1.ClusterClassList{}
	if err := s.c.List(ctx, classes); err != nil {
		return err
	}
	for i := range classes.Items {
		if err := s.reconcileClass(ctx, &classes.Items[i]); err != nil {
			return err
		}
		s.classes[client.ObjectKeyFromObject(&classes.Items[i])] = classes.Items[i].Generation
	}
	clusters := &clusterv1.ClusterList{}
	if err := s.c.List(ctx, clusters); err != nil {
		return err
	}
	for i := range clusters.Items {
		if s.isHeld(client.ObjectKeyFromObject(&clusters.Items[i])) {
			continue
		}
		if err := s.reconcileCluster(ctx, &clusters.Items[i]); err != nil {
			return err
		}
	}
	return nil
}

func (s *Controllers) reconcileClass(ctx context.Context, class *clusterv1.ClusterClass) error {
	if class.Status.ObservedGeneration == class.Generation {
		return nil
	}
	class.Status.Variables = topology.Reconciled(class).Status.Variables
	class.Status.ObservedGeneration = class.Generation
	class.Status.Conditions = conditions(class.Generation, nil,
		clusterv1.ClusterClassVariablesReadyCondition, clusterv1.ClusterClassRefVersionsUpToDateCondition)
	return s.c.Status().Update(ctx, class)
}

func (s *Controllers) reconcileCluster(ctx context.Context, cluster *clusterv1.Cluster) error {
	if !cluster.DeletionTimestamp.IsZero() {
		return s.delete(ctx, cluster)
	}
	if len(cluster.Finalizers) == 0 {
		cluster.Finalizers = []string{clusterv1.ClusterFinalizer}
		return s.c.Update(ctx, cluster)
	}
	if !cluster.Spec.ControlPlaneRef.IsDefined() {
		cluster.Spec.ControlPlaneRef = clusterv1.ContractVersionedObjectReference{
			APIGroup: controlplanev1.GroupVersion.Group, Kind: "KubeadmControlPlane", Name: cluster.Name,
		}
		cluster.Spec.InfrastructureRef = clusterv1.ContractVersionedObjectReference{
			APIGroup: dockerv1.GroupVersion.Group, Kind: "DockerCluster", Name: cluster.Name,
		}
		if !cluster.Spec.ControlPlaneEndpoint.IsValid() {
			cluster.Spec.ControlPlaneEndpoint = clusterv1.APIEndpoint{Host: cluster.Name + "-lb", Port: 6443}
		}
		return s.c.Update(ctx, cluster)
	}
	if err := s.controlPlane(ctx, cluster); err != nil {
		return err
	}
	for i := range cluster.Spec.Topology.Workers.MachineDeployments {
		if err := s.machineDeployment(ctx, cluster, &cluster.Spec.Topology.Workers.MachineDeployments[i]); err != nil {
			return err
		}
	}
	for i := range cluster.Spec.Topology.Workers.MachinePools {
		if err := s.machinePool(ctx, cluster, &cluster.Spec.Topology.Workers.MachinePools[i]); err != nil {
			return err
		}
	}
	if err := s.removeUndeclared(ctx, cluster); err != nil {
		return err
	}
	return s.finish(ctx, cluster)
}

// finish says of the Cluster that all is well, once all is.
func (s *Controllers) finish(ctx context.Context, cluster *clusterv1.Cluster) error {
	if cluster.Status.ObservedGeneration == cluster.Generation {
		return nil
	}
	cluster.Status.ObservedGeneration = cluster.Generation
	cluster.Status.SetTypedPhase(clusterv1.ClusterPhaseProvisioned)
	initialized := meta.FindStatusCondition(cluster.Status.DeepCopy().Conditions, clusterv1.ClusterControlPlaneInitializedCondition)
	cluster.Status.Conditions = conditions(cluster.Generation,
		[]string{clusterv1.ClusterRollingOutCondition, clusterv1.ClusterScalingUpCondition, clusterv1.ClusterScalingDownCondition},
		clusterv1.ClusterTopologyReconciledCondition, clusterv1.ClusterInfrastructureReadyCondition,
		clusterv1.ClusterControlPlaneInitializedCondition, clusterv1.ClusterControlPlaneAvailableCondition,
		clusterv1.ClusterWorkersAvailableCondition, clusterv1.ClusterAvailableCondition)
	if initialized != nil {
		// Cluster API sets it once, and does not look at it again.
		*meta.FindStatusCondition(cluster.Status.Conditions, initialized.Type) = *initialized
	}
	return s.c.Status().Update(ctx, cluster)
}

// delete takes away what belongs to the Cluster and then lets it go.
func (s *Controllers) delete(ctx context.Context, cluster *clusterv1.Cluster) error {
	ofCluster := []client.DeleteAllOfOption{client.InNamespace(cluster.Namespace), client.MatchingLabels{clusterv1.ClusterNameLabel: cluster.Name}}
	for _, kind := range []client.Object{
		&clusterv1.Machine{}, &clusterv1.MachineDeployment{}, &clusterv1.MachinePool{}, &controlplanev1.KubeadmControlPlane{},
	} {
		if err := s.c.DeleteAllOf(ctx, kind, ofCluster...); err != nil {
			return err
		}
	}
	cluster.Finalizers = nil
	return s.c.Update(ctx, cluster)
}

// apply creates the object, or updates it where mutate changes it.
func (s *Controllers) apply(ctx context.Context, obj client.Object, mutate func()) error {
	err := s.c.Get(ctx, client.ObjectKeyFromObject(obj), obj)
	if apierrors.IsNotFound(err) {
		mutate()
		return s.c.Create(ctx, obj)
	}
	if err != nil {
		return err
	}
	mutate()
	return s.c.Update(ctx, obj)
}

func metadata(cluster *clusterv1.Cluster, name string, labels map[string]string) metav1.ObjectMeta {
	all := map[string]string{clusterv1.ClusterNameLabel: cluster.Name, clusterv1.ClusterTopologyOwnedLabel: ""}
	for key, value := range labels {
		all[key] = value
	}
	return metav1.ObjectMeta{Namespace: cluster.Namespace, Name: name, Labels: all}
}

// conditions makes conditions that are true, but for those that are to be false.
func conditions(generation int64, isFalse []string, isTrue ...string) []metav1.Condition {
	var list []metav1.Condition
	for _, conditionType := range isTrue {
		meta.SetStatusCondition(&list, metav1.Condition{
			Type: conditionType, Status: metav1.ConditionTrue, Reason: "AsExpected", ObservedGeneration: generation,
		})
	}
	for _, conditionType := range isFalse {
		meta.SetStatusCondition(&list, metav1.Condition{
			Type: conditionType, Status: metav1.ConditionFalse, Reason: "AsExpected", ObservedGeneration: generation,
		})
	}
	return list
}
