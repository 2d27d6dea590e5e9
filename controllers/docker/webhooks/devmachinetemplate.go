// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package webhooks

import (
	"context"

	"k8s.io/apimachinery/pkg/util/validation/field"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"

	devv1 "sigs.k8s.io/cluster-api/test/infrastructure/docker/api/v1beta2"
)

// +kubebuilder:webhook:verbs=create;update,path=/validate-infrastructure-cluster-x-k8s-io-v1beta2-devmachinetemplate,mutating=false,failurePolicy=fail,matchPolicy=Equivalent,groups=infrastructure.cluster.x-k8s.io,resources=devmachinetemplates,versions=v1beta2,name=validation.devmachinetemplate.infrastructure.cluster.x-k8s.io,sideEffects=None,admissionReviewVersions=v1

// DevMachineTemplate validates DevMachineTemplates.
type DevMachineTemplate struct {
	anyDelete[*devv1.DevMachineTemplate]
}

var _ admission.Validator[*devv1.DevMachineTemplate] = &DevMachineTemplate{}

// ValidateCreate checks the template.
func (*DevMachineTemplate) ValidateCreate(_ context.Context, template *devv1.DevMachineTemplate) (admission.Warnings, error) {
	return nil, invalid("DevMachineTemplate", template, validateDevMachineTemplate(template))
}

// ValidateUpdate checks that the template's spec stays as it is.
func (*DevMachineTemplate) ValidateUpdate(ctx context.Context, before, after *devv1.DevMachineTemplate) (admission.Warnings, error) {
	errs := validateImmutableTemplate(ctx, after, before.Spec.Template.Spec, after.Spec.Template.Spec)
	return nil, invalid("DevMachineTemplate", after, append(errs, validateDevMachineTemplate(after)...))
}

func validateDevMachineTemplate(template *devv1.DevMachineTemplate) field.ErrorList {
	path := field.NewPath("spec", "template")
	errs := template.Spec.Template.ObjectMeta.Validate(path.Child("metadata"))
	return append(errs, validateDevMachineSpec(path.Child("spec"), template.Spec.Template.Spec)...)
}
