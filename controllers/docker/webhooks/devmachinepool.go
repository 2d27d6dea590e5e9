// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package webhooks

import (
	"context"

	"k8s.io/apimachinery/pkg/util/validation/field"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"

	devv1 "sigs.k8s.io/cluster-api/test/infrastructure/docker/api/v1beta2"
)

// +kubebuilder:webhook:verbs=create,path=/validate-infrastructure-cluster-x-k8s-io-v1beta2-devmachinepool,mutating=false,failurePolicy=fail,matchPolicy=Equivalent,groups=infrastructure.cluster.x-k8s.io,resources=devmachinepools,versions=v1beta2,name=validation.devmachinepool.infrastructure.cluster.x-k8s.io,sideEffects=None,admissionReviewVersions=v1
// +kubebuilder:webhook:verbs=create,path=/validate-infrastructure-cluster-x-k8s-io-v1beta2-devmachinepooltemplate,mutating=false,failurePolicy=fail,matchPolicy=Equivalent,groups=infrastructure.cluster.x-k8s.io,resources=devmachinepooltemplates,versions=v1beta2,name=validation.devmachinepooltemplate.infrastructure.cluster.x-k8s.io,sideEffects=None,admissionReviewVersions=v1

const noMachinePools = "machine pools are not supported by the Docker provider of terraform-provider-capi"

// DevMachinePool refuses DevMachinePools, which no controller here would look after. The kind exists because without
// it Cluster API could not tell the user more than that there is no such kind.
type DevMachinePool struct {
	anyDelete[*devv1.DevMachinePool]
}

var _ admission.Validator[*devv1.DevMachinePool] = &DevMachinePool{}

// ValidateCreate refuses the pool.
func (*DevMachinePool) ValidateCreate(_ context.Context, pool *devv1.DevMachinePool) (admission.Warnings, error) {
	return nil, invalid("DevMachinePool", pool, field.ErrorList{
		field.Forbidden(field.NewPath("spec"), noMachinePools+": use machineDeployments instead of machinePools"),
	})
}

// ValidateUpdate allows it: a pool from before this provider's time must be able to lose its finalizer.
func (*DevMachinePool) ValidateUpdate(context.Context, *devv1.DevMachinePool, *devv1.DevMachinePool) (admission.Warnings, error) {
	return nil, nil
}

// DevMachinePoolTemplate lets DevMachinePoolTemplates in with a warning: upstream's cluster classes refer to some, and
// are of use without them.
type DevMachinePoolTemplate struct {
	anyDelete[*devv1.DevMachinePoolTemplate]
}

var _ admission.Validator[*devv1.DevMachinePoolTemplate] = &DevMachinePoolTemplate{}

// ValidateCreate warns.
func (*DevMachinePoolTemplate) ValidateCreate(context.Context, *devv1.DevMachinePoolTemplate) (admission.Warnings, error) {
	return admission.Warnings{noMachinePools + ": DevMachinePools of clusters that use this template are going to be refused"}, nil
}

// ValidateUpdate allows it: nobody reads the template.
func (*DevMachinePoolTemplate) ValidateUpdate(context.Context, *devv1.DevMachinePoolTemplate, *devv1.DevMachinePoolTemplate) (admission.Warnings, error) {
	return nil, nil
}
