// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

// Package webhooks defaults and validates the kinds of the Docker infrastructure provider. What is let through can
// be done; what cannot is refused when it is written, with the name of the field.
package webhooks

import (
	"context"
	"errors"
	"fmt"

	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"

	devv1 "sigs.k8s.io/cluster-api/test/infrastructure/docker/api/v1beta2"

	infrav1 "github.com/terraform-capi/terraform-provider-capi/controllers/docker/api/v1beta2"
)

// SetupWithManager registers all webhooks of the provider.
func SetupWithManager(mgr ctrl.Manager) error {
	return errors.Join(
		register(mgr, &infrav1.DockerCluster{}, &DockerCluster{}, &DockerCluster{}),
		register(mgr, &infrav1.DockerClusterTemplate{}, &DockerClusterTemplate{}, &DockerClusterTemplate{}),
		register(mgr, &infrav1.DockerMachine{}, &DockerMachine{}, nil),
		register(mgr, &infrav1.DockerMachineTemplate{}, &DockerMachineTemplate{}, nil),
		register(mgr, &devv1.DevCluster{}, &DevCluster{}, &DevCluster{}),
		register(mgr, &devv1.DevClusterTemplate{}, &DevClusterTemplate{}, &DevClusterTemplate{}),
		register(mgr, &devv1.DevMachine{}, &DevMachine{}, nil),
		register(mgr, &devv1.DevMachineTemplate{}, &DevMachineTemplate{}, nil),
		register(mgr, &devv1.DevMachinePool{}, &DevMachinePool{}, nil),
		register(mgr, &devv1.DevMachinePoolTemplate{}, &DevMachinePoolTemplate{}, nil),
	)
}

// register adds the webhooks of a kind. Without a defaulter nothing is defaulted.
func register[T runtime.Object](mgr ctrl.Manager, obj T, validator admission.Validator[T], defaulter admission.Defaulter[T]) error {
	webhook := ctrl.NewWebhookManagedBy(mgr, obj).WithValidator(validator)
	if defaulter != nil {
		webhook = webhook.WithDefaulter(defaulter)
	}
	if err := webhook.Complete(); err != nil {
		return fmt.Errorf("setting up the webhooks of %T: %w", obj, err)
	}
	return nil
}

// invalid makes the API's own error of what was found, or nil. An object that is being deleted is never invalid: it
// may be older than a check, and its finalizer goes with an update.
func invalid(kind string, obj client.Object, errs field.ErrorList) error {
	if len(errs) == 0 || !obj.GetDeletionTimestamp().IsZero() {
		return nil
	}
	return apierrors.NewInvalid(infrav1.GroupVersion.WithKind(kind).GroupKind(), obj.GetName(), errs)
}

// anyDelete is embedded by validators: nothing has to be checked when objects are deleted.
type anyDelete[T runtime.Object] struct{}

// ValidateDelete allows it.
func (anyDelete[T]) ValidateDelete(context.Context, T) (admission.Warnings, error) { return nil, nil }

// validateImmutable compares templates' specs: what they mean, not how quantities and empty lists are written.
func validateImmutable(path *field.Path, before, after any) field.ErrorList {
	if equality.Semantic.DeepEqual(before, after) {
		return nil
	}
	return field.ErrorList{field.Forbidden(path, "is immutable: create a new template and refer to that instead")}
}
