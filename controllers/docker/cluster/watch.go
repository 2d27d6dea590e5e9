// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/source"

	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
	"sigs.k8s.io/cluster-api/util"
	"sigs.k8s.io/cluster-api/util/predicates"

	infrav1 "github.com/terraform-capi/terraform-provider-capi/controllers/docker/api/v1beta2"
	"github.com/terraform-capi/terraform-provider-capi/controllers/docker/background"
	"github.com/terraform-capi/terraform-provider-capi/controllers/docker/identity"
	"github.com/terraform-capi/terraform-provider-capi/internal/container"
)

// SetupWithManager registers the reconciler and what leads to its reconciles: the DockerCluster, its Cluster, the
// machines of its control plane, the end of jobs, and the engine's events.
//
// It uses controller-runtime's own builder. Cluster API's allows one reconcile per second and object.
func (r *Reconciler) SetupWithManager(ctx context.Context, mgr ctrl.Manager, options controller.Options) error {
	log := ctrl.LoggerFrom(ctx).WithValues("controller", "dockercluster")
	kind := infrav1.GroupVersion.WithKind("DockerCluster")
	err := ctrl.NewControllerManagedBy(mgr).
		Named("dockercluster").
		For(&infrav1.DockerCluster{}).
		WithOptions(options).
		WithEventFilter(predicates.ResourceHasFilterLabel(mgr.GetScheme(), log, r.WatchFilter)).
		Watches(&clusterv1.Cluster{},
			handler.EnqueueRequestsFromMapFunc(util.ClusterToInfrastructureMapFunc(ctx, kind, mgr.GetClient(), &infrav1.DockerCluster{})),
			builder.WithPredicates(predicates.ClusterPausedTransitions(mgr.GetScheme(), log))).
		Watches(&clusterv1.Machine{}, handler.EnqueueRequestsFromMapFunc(r.machineToCluster),
			builder.WithPredicates(predicate.NewPredicateFuncs(isControlPlane))).
		Watches(&infrav1.DockerMachine{}, handler.EnqueueRequestsFromMapFunc(r.machineToCluster),
			builder.WithPredicates(predicate.NewPredicateFuncs(isControlPlane))).
		WatchesRawSource(source.Channel(r.Jobs.Events(), &handler.EnqueueRequestForObject{})).
		Complete(r)
	if err != nil {
		return fmt.Errorf("setting up the DockerCluster controller: %w", err)
	}
	watch := &background.Watch{Runtime: r.Runtime, Jobs: r.Jobs, Find: r.eventToCluster}
	if err := mgr.Add(watch); err != nil {
		return fmt.Errorf("setting up the watch on load balancer containers: %w", err)
	}
	return nil
}

// isControlPlane tells whether a Machine or DockerMachine belongs to a control plane. Cluster API labels both.
func isControlPlane(obj client.Object) bool {
	_, ok := obj.GetLabels()[clusterv1.MachineControlPlaneLabel]
	return ok
}

func (r *Reconciler) machineToCluster(ctx context.Context, obj client.Object) []ctrl.Request {
	return r.infrastructureOf(ctx, obj.GetNamespace(), obj.GetLabels()[clusterv1.ClusterNameLabel])
}

// eventToCluster returns the DockerCluster whose load balancer an event is about.
func (r *Reconciler) eventToCluster(ctx context.Context, event container.Event) []client.Object {
	if event.Labels[identity.KindRoleLabel] != identity.RoleLoadBalancer {
		return nil
	}
	var objects []client.Object
	for _, request := range r.infrastructureOf(ctx, event.Labels[identity.NamespaceLabel], event.Labels[identity.ClusterLabel]) {
		objects = append(objects, &infrav1.DockerCluster{
			ObjectMeta: metav1.ObjectMeta{Namespace: request.Namespace, Name: request.Name},
		})
	}
	return objects
}

func (r *Reconciler) infrastructureOf(ctx context.Context, namespace, name string) []ctrl.Request {
	if namespace == "" || name == "" {
		return nil
	}
	cluster := &clusterv1.Cluster{}
	if err := r.Client.Get(ctx, client.ObjectKey{Namespace: namespace, Name: name}, cluster); err != nil {
		if client.IgnoreNotFound(err) != nil {
			ctrl.LoggerFrom(ctx).Error(err, "Failed to read a Cluster", "cluster", name)
		}
		return nil
	}
	if cluster.Spec.InfrastructureRef.Kind != "DockerCluster" {
		return nil
	}
	return []ctrl.Request{{NamespacedName: client.ObjectKey{Namespace: namespace, Name: cluster.Spec.InfrastructureRef.Name}}}
}
