// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package webhooks

import (
	"context"

	"k8s.io/apimachinery/pkg/util/validation/field"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"

	infrav1 "github.com/terraform-capi/terraform-provider-capi/controllers/docker/api/v1beta2"
)

// +kubebuilder:webhook:verbs=create;update,path=/mutate-infrastructure-cluster-x-k8s-io-v1beta2-dockerclustertemplate,mutating=true,failurePolicy=fail,matchPolicy=Equivalent,groups=infrastructure.cluster.x-k8s.io,resources=dockerclustertemplates,versions=v1beta2,name=default.dockerclustertemplate.infrastructure.cluster.x-k8s.io,sideEffects=None,admissionReviewVersions=v1
// +kubebuilder:webhook:verbs=create;update,path=/validate-infrastructure-cluster-x-k8s-io-v1beta2-dockerclustertemplate,mutating=false,failurePolicy=fail,matchPolicy=Equivalent,groups=infrastructure.cluster.x-k8s.io,resources=dockerclustertemplates,versions=v1beta2,name=validation.dockerclustertemplate.infrastructure.cluster.x-k8s.io,sideEffects=None,admissionReviewVersions=v1

// DockerClusterTemplate defaults and validates DockerClusterTemplates.
type DockerClusterTemplate struct {
	anyDelete[*infrav1.DockerClusterTemplate]
}

var (
	_ admission.Defaulter[*infrav1.DockerClusterTemplate] = &DockerClusterTemplate{}
	_ admission.Validator[*infrav1.DockerClusterTemplate] = &DockerClusterTemplate{}
)

// Default does to the template what is done to DockerClusters, so that those made from it look the same.
func (*DockerClusterTemplate) Default(_ context.Context, template *infrav1.DockerClusterTemplate) error {
	defaultClusterSpec(&template.Spec.Template.Spec)
	return nil
}

// ValidateCreate checks the template.
func (*DockerClusterTemplate) ValidateCreate(_ context.Context, template *infrav1.DockerClusterTemplate) (admission.Warnings, error) {
	return nil, invalid("DockerClusterTemplate", template, validateClusterTemplate(template))
}

// ValidateUpdate checks that the template's spec stays as it is.
func (*DockerClusterTemplate) ValidateUpdate(_ context.Context, before, after *infrav1.DockerClusterTemplate) (admission.Warnings, error) {
	old := before.DeepCopy()
	// It may have been written when there were other defaults.
	defaultClusterSpec(&old.Spec.Template.Spec)
	errs := validateImmutable(field.NewPath("spec", "template", "spec"), old.Spec.Template.Spec, after.Spec.Template.Spec)
	return nil, invalid("DockerClusterTemplate", after, append(errs, validateClusterTemplate(after)...))
}

func validateClusterTemplate(template *infrav1.DockerClusterTemplate) field.ErrorList {
	path := field.NewPath("spec", "template")
	errs := template.Spec.Template.ObjectMeta.Validate(path.Child("metadata"))
	return append(errs, validateClusterSpec(path.Child("spec"), template.Spec.Template.Spec)...)
}
