// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

// Package machinetemplate reconciles DockerMachineTemplates: it reports what a machine made from one offers, for
// autoscalers that scale from zero.
package machinetemplate

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/resource"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"

	"sigs.k8s.io/cluster-api/util/predicates"

	infrav1 "github.com/terraform-capi/terraform-provider-capi/controllers/docker/api/v1beta2"
	"github.com/terraform-capi/terraform-provider-capi/internal/container"
)

// Reconciler reconciles DockerMachineTemplates.
type Reconciler struct {
	// Client reads from the manager's cache.
	Client client.Client
	// Runtime tells what the Docker host has.
	Runtime container.Runtime
	// WatchFilter restricts the reconciler to objects whose cluster.x-k8s.io/watch-filter label has this value.
	WatchFilter string
}

// +kubebuilder:rbac:groups=infrastructure.cluster.x-k8s.io,resources=dockermachinetemplates,verbs=get;list;watch
// +kubebuilder:rbac:groups=infrastructure.cluster.x-k8s.io,resources=dockermachinetemplates/status,verbs=get;list;watch;patch;update

// Reconcile sets status.capacity of one DockerMachineTemplate.
func (r *Reconciler) Reconcile(ctx context.Context, req ctrl.Request) (ctrl.Result, error) {
	template := &infrav1.DockerMachineTemplate{}
	if err := r.Client.Get(ctx, req.NamespacedName, template); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	if !template.DeletionTimestamp.IsZero() {
		return ctrl.Result{}, nil
	}
	info, err := r.Runtime.Info(ctx)
	if err != nil {
		return ctrl.Result{}, err
	}
	after := template.DeepCopy()
	after.Status.Capacity = capacity(template.Spec.Template.Spec.Resources, info)
	if equality.Semantic.DeepEqual(template.Status, after.Status) {
		return ctrl.Result{}, nil
	}
	if err := r.Client.Status().Patch(ctx, after, client.MergeFrom(template)); client.IgnoreNotFound(err) != nil {
		return ctrl.Result{}, fmt.Errorf("patching the status of the DockerMachineTemplate: %w", err)
	}
	return ctrl.Result{}, nil
}

// capacity is what a machine may use at most, or all that the host has.
func capacity(bounds infrav1.DockerMachineResources, info container.Info) corev1.ResourceList {
	list := corev1.ResourceList{
		corev1.ResourceCPU:    *resource.NewQuantity(int64(info.CPUs), resource.DecimalSI),
		corev1.ResourceMemory: *resource.NewQuantity(info.MemoryBytes, resource.BinarySI),
	}
	if bounds.CPUs != nil {
		list[corev1.ResourceCPU] = *bounds.CPUs
	}
	if bounds.Memory != nil {
		list[corev1.ResourceMemory] = *bounds.Memory
	}
	return list
}

// SetupWithManager registers the reconciler.
func (r *Reconciler) SetupWithManager(ctx context.Context, mgr ctrl.Manager, options controller.Options) error {
	log := ctrl.LoggerFrom(ctx).WithValues("controller", "dockermachinetemplate")
	err := ctrl.NewControllerManagedBy(mgr).
		Named("dockermachinetemplate").
		For(&infrav1.DockerMachineTemplate{}).
		WithOptions(options).
		WithEventFilter(predicates.ResourceHasFilterLabel(mgr.GetScheme(), log, r.WatchFilter)).
		Complete(r)
	if err != nil {
		return fmt.Errorf("setting up the DockerMachineTemplate controller: %w", err)
	}
	return nil
}
