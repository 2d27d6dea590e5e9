// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

// Package webhooks defaults and validates the kinds of the Docker infrastructure provider. What is let through can
// be done; what cannot is refused when it is written, with the name of the field.
package webhooks

import (
	"context"
	"fmt"

	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"

	infrav1 "github.com/terraform-capi/terraform-provider-capi/controllers/docker/api/v1beta2"
)

// SetupWithManager registers all webhooks of the provider.
func SetupWithManager(mgr ctrl.Manager) error {
	for kind, register := range map[string]func() error{
		"DockerCluster": func() error {
			return ctrl.NewWebhookManagedBy(mgr, &infrav1.DockerCluster{}).
				WithDefaulter(&DockerCluster{}).WithValidator(&DockerCluster{}).Complete()
		},
		"DockerClusterTemplate": func() error {
			return ctrl.NewWebhookManagedBy(mgr, &infrav1.DockerClusterTemplate{}).
				WithDefaulter(&DockerClusterTemplate{}).WithValidator(&DockerClusterTemplate{}).Complete()
		},
		"DockerMachine": func() error {
			return ctrl.NewWebhookManagedBy(mgr, &infrav1.DockerMachine{}).
				WithValidator(&DockerMachine{}).Complete()
		},
		"DockerMachineTemplate": func() error {
			return ctrl.NewWebhookManagedBy(mgr, &infrav1.DockerMachineTemplate{}).
				WithValidator(&DockerMachineTemplate{}).Complete()
		},
	} {
		if err := register(); err != nil {
			return fmt.Errorf("setting up the webhooks of %s: %w", kind, err)
		}
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

// immutable compares templates' specs: what they mean, not how quantities and empty lists are written.
func immutable(path *field.Path, before, after any) field.ErrorList {
	if equality.Semantic.DeepEqual(before, after) {
		return nil
	}
	return field.ErrorList{field.Forbidden(path, "is immutable: create a new template and refer to that instead")}
}
