// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package machine

import (
	"context"
	"fmt"
	"strings"

	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/source"

	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
	"sigs.k8s.io/cluster-api/util"
	"sigs.k8s.io/cluster-api/util/predicates"

	"github.com/terraform-capi/terraform-provider-capi/controllers/docker/background"
	"github.com/terraform-capi/terraform-provider-capi/controllers/docker/identity"
	"github.com/terraform-capi/terraform-provider-capi/controllers/docker/variants"
	"github.com/terraform-capi/terraform-provider-capi/internal/container"
)

// SetupWithManager registers the reconciler and what leads to its reconciles: the object, its Machine, its Cluster with
// the infrastructure of whatever variant, the end of jobs, and the engine's events.
//
// It uses controller-runtime's own builder. Cluster API's allows one reconcile per second and object, which is a
// second lost at each of the few steps that a machine takes.
func (r *Reconciler) SetupWithManager(ctx context.Context, mgr ctrl.Manager, options controller.Options) error {
	name := strings.ToLower(r.Variant.Kind)
	log := ctrl.LoggerFrom(ctx).WithValues("controller", name)
	clusterToMachines, err := util.ClusterToTypedObjectsMapper(mgr.GetClient(), r.Variant.NewList(), mgr.GetScheme())
	if err != nil {
		return fmt.Errorf("setting up the %s controller: %w", r.Variant.Kind, err)
	}
	setup := ctrl.NewControllerManagedBy(mgr).
		Named(name).
		For(r.Variant.NewObject()).
		WithOptions(options).
		WithEventFilter(predicates.ResourceHasFilterLabel(mgr.GetScheme(), log, r.WatchFilter)).
		Watches(&clusterv1.Machine{}, handler.EnqueueRequestsFromMapFunc(
			util.MachineToInfrastructureMapFunc(r.Variant.GroupVersionKind))).
		Watches(&clusterv1.Cluster{}, handler.EnqueueRequestsFromMapFunc(clusterToMachines),
			builder.WithPredicates(predicates.ClusterPausedTransitionsOrInfrastructureProvisioned(mgr.GetScheme(), log))).
		WatchesRawSource(source.Channel(r.Jobs.Events(), &handler.EnqueueRequestForObject{}))
	for _, cluster := range variants.Clusters {
		setup.Watches(cluster.NewObject(), handler.EnqueueRequestsFromMapFunc(r.infrastructureToMachines))
	}
	if err := setup.Complete(r); err != nil {
		return fmt.Errorf("setting up the %s controller: %w", r.Variant.Kind, err)
	}
	watch := &background.Watch{Engine: r.Engine, Jobs: r.Jobs, Find: r.eventToMachines, All: r.Variant.Lister(r.Client, r.WatchFilter)}
	if err := mgr.Add(watch); err != nil {
		return fmt.Errorf("setting up the watch on machine containers for the %s controller: %w", r.Variant.Kind, err)
	}
	return nil
}

func (r *Reconciler) infrastructureToMachines(ctx context.Context, obj client.Object) []ctrl.Request {
	var requests []ctrl.Request
	for _, machine := range r.machinesOf(ctx, obj.GetNamespace(), ownerCluster(obj)) {
		requests = append(requests, ctrl.Request{NamespacedName: client.ObjectKeyFromObject(machine)})
	}
	return requests
}

// eventToMachines returns the machine whose container an event is about, and when a container starts all machines
// of the cluster: its node image may be one that the others do not have.
func (r *Reconciler) eventToMachines(ctx context.Context, event container.Event) []client.Object {
	namespace, name := event.Labels[identity.NamespaceLabel], event.Labels[identity.MachineLabel]
	if namespace == "" || name == "" {
		return nil
	}
	if event.Action == "start" {
		return r.machinesOf(ctx, namespace, event.Labels[identity.ClusterLabel])
	}
	return []client.Object{r.Variant.Named(namespace, name)}
}

func (r *Reconciler) machinesOf(ctx context.Context, namespace, cluster string) []client.Object {
	if cluster == "" {
		return nil
	}
	machines, err := r.Variant.List(ctx, r.Client, client.InNamespace(namespace), client.MatchingLabels{clusterv1.ClusterNameLabel: cluster})
	if err != nil {
		ctrl.LoggerFrom(ctx).Error(err, "Failed to list the machines of a cluster", "kind", r.Variant.Kind, "cluster", cluster)
	}
	return machines
}

func ownerCluster(obj client.Object) string {
	for _, owner := range obj.GetOwnerReferences() {
		if owner.Kind == "Cluster" {
			return owner.Name
		}
	}
	return ""
}
