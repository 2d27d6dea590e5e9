// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

// Package machinetemplate reconciles DockerMachineTemplates and DevMachineTemplates: it reports what a machine made
// from one offers, for autoscalers that scale from zero.
package machinetemplate

import (
	"context"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"

	"sigs.k8s.io/cluster-api/util/patch"
	"sigs.k8s.io/cluster-api/util/predicates"

	infrav1 "github.com/terraform-capi/terraform-provider-capi/controllers/docker/api/v1beta2"
	"github.com/terraform-capi/terraform-provider-capi/controllers/docker/variants"
	"github.com/terraform-capi/terraform-provider-capi/internal/container"
)

// Host tells what the Docker host has.
type Host interface {
	Info(ctx context.Context) (container.Info, error)
}

// Reconciler reconciles DockerMachineTemplates, or the objects of another variant.
type Reconciler struct {
	// Variant of the objects.
	Variant variants.Variant[*infrav1.DockerMachineTemplate]
	// Client reads from the manager's cache.
	Client client.Client
	// Host is the Docker host.
	Host Host
	// WatchFilter restricts the reconciler to objects whose cluster.x-k8s.io/watch-filter label has this value.
	WatchFilter string
}

// +kubebuilder:rbac:groups=infrastructure.cluster.x-k8s.io,resources=dockermachinetemplates;devmachinetemplates,verbs=get;list;watch
// +kubebuilder:rbac:groups=infrastructure.cluster.x-k8s.io,resources=dockermachinetemplates/status;devmachinetemplates/status,verbs=get;list;watch;patch;update

// Reconcile sets status.capacity of one template.
func (r *Reconciler) Reconcile(ctx context.Context, req ctrl.Request) (ctrl.Result, error) {
	object, err := r.Variant.Get(ctx, r.Client, req.NamespacedName)
	if err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	template := object.Hub()
	if !template.DeletionTimestamp.IsZero() {
		return ctrl.Result{}, nil
	}
	info, err := r.Host.Info(ctx)
	if err != nil {
		return ctrl.Result{}, err
	}
	helper, err := patch.NewHelper(object.TranslateBack(), r.Client)
	if err != nil {
		return ctrl.Result{}, fmt.Errorf("preparing the patch of the %s: %w", r.Variant.Kind, err)
	}
	template.Status.Capacity = capacity(template.Spec.Template.Spec.Resources, info)
	if err := helper.Patch(ctx, object.TranslateBack()); err != nil {
		return ctrl.Result{}, fmt.Errorf("patching the %s: %w", r.Variant.Kind, err)
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
	name := strings.ToLower(r.Variant.Kind)
	log := ctrl.LoggerFrom(ctx).WithValues("controller", name)
	err := ctrl.NewControllerManagedBy(mgr).
		Named(name).
		For(r.Variant.NewObject()).
		WithOptions(options).
		WithEventFilter(predicates.ResourceHasFilterLabel(mgr.GetScheme(), log, r.WatchFilter)).
		Complete(r)
	if err != nil {
		return fmt.Errorf("setting up the %s controller: %w", r.Variant.Kind, err)
	}
	return nil
}
