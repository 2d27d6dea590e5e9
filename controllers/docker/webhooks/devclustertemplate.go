// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package webhooks

import (
	"context"

	"k8s.io/apimachinery/pkg/util/validation/field"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"

	devv1 "sigs.k8s.io/cluster-api/test/infrastructure/docker/api/v1beta2"
)

// +kubebuilder:webhook:verbs=create;update,path=/mutate-infrastructure-cluster-x-k8s-io-v1beta2-devclustertemplate,mutating=true,failurePolicy=fail,matchPolicy=Equivalent,groups=infrastructure.cluster.x-k8s.io,resources=devclustertemplates,versions=v1beta2,name=default.devclustertemplate.infrastructure.cluster.x-k8s.io,sideEffects=None,admissionReviewVersions=v1
// +kubebuilder:webhook:verbs=create;update,path=/validate-infrastructure-cluster-x-k8s-io-v1beta2-devclustertemplate,mutating=false,failurePolicy=fail,matchPolicy=Equivalent,groups=infrastructure.cluster.x-k8s.io,resources=devclustertemplates,versions=v1beta2,name=validation.devclustertemplate.infrastructure.cluster.x-k8s.io,sideEffects=None,admissionReviewVersions=v1

// DevClusterTemplate defaults and validates DevClusterTemplates.
type DevClusterTemplate struct {
	anyDelete[*devv1.DevClusterTemplate]
}

var (
	_ admission.Defaulter[*devv1.DevClusterTemplate] = &DevClusterTemplate{}
	_ admission.Validator[*devv1.DevClusterTemplate] = &DevClusterTemplate{}
)

// Default does to the template what is done to DevClusters, so that those made from it look the same.
func (*DevClusterTemplate) Default(_ context.Context, template *devv1.DevClusterTemplate) error {
	defaultDevClusterSpec(&template.Spec.Template.Spec)
	return nil
}

// ValidateCreate checks the template.
func (*DevClusterTemplate) ValidateCreate(_ context.Context, template *devv1.DevClusterTemplate) (admission.Warnings, error) {
	return nil, invalid("DevClusterTemplate", template, validateDevClusterTemplate(template))
}

// ValidateUpdate checks that the template's spec stays as it is.
func (*DevClusterTemplate) ValidateUpdate(_ context.Context, before, after *devv1.DevClusterTemplate) (admission.Warnings, error) {
	old := before.DeepCopy()
	// It may have been written when there were other defaults.
	defaultDevClusterSpec(&old.Spec.Template.Spec)
	errs := validateImmutable(field.NewPath("spec", "template", "spec"), old.Spec.Template.Spec, after.Spec.Template.Spec)
	return nil, invalid("DevClusterTemplate", after, append(errs, validateDevClusterTemplate(after)...))
}

func validateDevClusterTemplate(template *devv1.DevClusterTemplate) field.ErrorList {
	path := field.NewPath("spec", "template")
	errs := template.Spec.Template.ObjectMeta.Validate(path.Child("metadata"))
	return append(errs, validateDevClusterSpec(path.Child("spec"), template.Spec.Template.Spec)...)
}
