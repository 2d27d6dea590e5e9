// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package webhooks

import (
	"context"

	"k8s.io/apimachinery/pkg/util/validation/field"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"

	devv1 "sigs.k8s.io/cluster-api/test/infrastructure/docker/api/v1beta2"

	"github.com/terraform-capi/terraform-provider-capi/controllers/docker/variants"
)

// +kubebuilder:webhook:verbs=create;update,path=/validate-infrastructure-cluster-x-k8s-io-v1beta2-devmachine,mutating=false,failurePolicy=fail,matchPolicy=Equivalent,groups=infrastructure.cluster.x-k8s.io,resources=devmachines,versions=v1beta2,name=validation.devmachine.infrastructure.cluster.x-k8s.io,sideEffects=None,admissionReviewVersions=v1

// DevMachine validates DevMachines as DockerMachines are.
type DevMachine struct {
	anyDelete[*devv1.DevMachine]
}

var _ admission.Validator[*devv1.DevMachine] = &DevMachine{}

// ValidateCreate checks the spec.
func (*DevMachine) ValidateCreate(_ context.Context, machine *devv1.DevMachine) (admission.Warnings, error) {
	return nil, invalid("DevMachine", machine, validateDevMachineSpec(field.NewPath("spec"), machine.Spec))
}

// ValidateUpdate checks the spec, and that what a container is made from stays as it is.
func (*DevMachine) ValidateUpdate(_ context.Context, before, after *devv1.DevMachine) (admission.Warnings, error) {
	path := field.NewPath("spec")
	errs := validateBackend(path, after.Spec.Backend.InMemory != nil)
	found := validateMachineUpdate(dockerBackend(path), variants.MachineSpecFromDev(before.Spec), variants.MachineSpecFromDev(after.Spec))
	return nil, invalid("DevMachine", after, append(errs, besideBackend(path, "providerID", found)...))
}

func validateDevMachineSpec(path *field.Path, spec devv1.DevMachineSpec) field.ErrorList {
	errs := validateBackend(path, spec.Backend.InMemory != nil)
	found := validateMachineSpec(dockerBackend(path), variants.MachineSpecFromDev(spec))
	return append(errs, besideBackend(path, "providerID", found)...)
}
