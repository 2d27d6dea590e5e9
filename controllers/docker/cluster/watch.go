// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"fmt"
	"strings"

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

	"github.com/terraform-capi/terraform-provider-capi/controllers/docker/background"
	"github.com/terraform-capi/terraform-provider-capi/controllers/docker/identity"
	"github.com/terraform-capi/terraform-provider-capi/controllers/docker/variants"
	"github.com/terraform-capi/terraform-provider-capi/internal/container"
)

// SetupWithManager registers the reconciler and what leads to its reconciles: the object, its Cluster, the machines of
// its control plane of whatever variant, the end of jobs, and the engine's events.
//
// It uses controller-runtime's own builder. Cluster API's allows one reconcile per second and object.
func (r *Reconciler) SetupWithManager(ctx context.Context, mgr ctrl.Manager, options controller.Options) error {
	name := strings.ToLower(r.Variant.Kind)
	log := ctrl.LoggerFrom(ctx).WithValues("controller", name)
	setup := ctrl.NewControllerManagedBy(mgr).
		Named(name).
		For(r.Variant.NewObject()).
		WithOptions(options).
		WithEventFilter(predicates.ResourceHasFilterLabel(mgr.GetScheme(), log, r.WatchFilter)).
		Watches(&clusterv1.Cluster{},
			handler.EnqueueRequestsFromMapFunc(util.ClusterToInfrastructureMapFunc(ctx, r.Variant.GroupVersionKind, mgr.GetClient(), r.Variant.NewObject())),
			builder.WithPredicates(predicates.ClusterPausedTransitions(mgr.GetScheme(), log))).
		Watches(&clusterv1.Machine{}, handler.EnqueueRequestsFromMapFunc(r.machineToCluster),
			builder.WithPredicates(predicate.NewPredicateFuncs(isControlPlane))).
		WatchesRawSource(source.Channel(r.Jobs.Events(), &handler.EnqueueRequestForObject{}))
	for _, machine := range variants.Machines {
		setup.Watches(machine.NewObject(), handler.EnqueueRequestsFromMapFunc(r.machineToCluster),
			builder.WithPredicates(predicate.NewPredicateFuncs(isControlPlane)))
	}
	if err := setup.Complete(r); err != nil {
		return fmt.Errorf("setting up the %s controller: %w", r.Variant.Kind, err)
	}
	watch := &background.Watch{Engine: r.Engine, Jobs: r.Jobs, Find: r.eventToCluster, All: r.Variant.Lister(r.Client, r.WatchFilter)}
	if err := mgr.Add(watch); err != nil {
		return fmt.Errorf("setting up the watch on load balancer containers for the %s controller: %w", r.Variant.Kind, err)
	}
	return nil
}

// isControlPlane tells whether a Machine or its infrastructure belongs to a control plane. Cluster API labels both.
func isControlPlane(obj client.Object) bool {
	_, ok := obj.GetLabels()[clusterv1.MachineControlPlaneLabel]
	return ok
}

func (r *Reconciler) machineToCluster(ctx context.Context, obj client.Object) []ctrl.Request {
	return r.infrastructureOf(ctx, obj.GetNamespace(), obj.GetLabels()[clusterv1.ClusterNameLabel])
}

// eventToCluster returns the object whose load balancer an event is about.
func (r *Reconciler) eventToCluster(ctx context.Context, event container.Event) []client.Object {
	if event.Labels[identity.RoleLabel] != identity.RoleLoadBalancer {
		return nil
	}
	var objects []client.Object
	for _, request := range r.infrastructureOf(ctx, event.Labels[identity.NamespaceLabel], event.Labels[identity.ClusterLabel]) {
		objects = append(objects, r.Variant.Named(request.Namespace, request.Name))
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
	if cluster.Spec.InfrastructureRef.GroupKind() != r.Variant.GroupKind() {
		return nil
	}
	return []ctrl.Request{{NamespacedName: client.ObjectKey{Namespace: namespace, Name: cluster.Spec.InfrastructureRef.Name}}}
}
