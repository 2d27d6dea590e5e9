// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package webhooks

import (
	"context"
	"fmt"

	"k8s.io/apimachinery/pkg/util/validation/field"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"

	"sigs.k8s.io/cluster-api/util/topology"

	infrav1 "github.com/terraform-capi/terraform-provider-capi/controllers/docker/api/v1beta2"
)

// +kubebuilder:webhook:verbs=create;update,path=/validate-infrastructure-cluster-x-k8s-io-v1beta2-dockermachinetemplate,mutating=false,failurePolicy=fail,matchPolicy=Equivalent,groups=infrastructure.cluster.x-k8s.io,resources=dockermachinetemplates,versions=v1beta2,name=validation.dockermachinetemplate.infrastructure.cluster.x-k8s.io,sideEffects=None,admissionReviewVersions=v1

// DockerMachineTemplate validates DockerMachineTemplates.
type DockerMachineTemplate struct {
	anyDelete[*infrav1.DockerMachineTemplate]
}

var _ admission.Validator[*infrav1.DockerMachineTemplate] = &DockerMachineTemplate{}

// ValidateCreate checks the template.
func (*DockerMachineTemplate) ValidateCreate(_ context.Context, template *infrav1.DockerMachineTemplate) (admission.Warnings, error) {
	return nil, invalid("DockerMachineTemplate", template, validateMachineTemplate(template))
}

// ValidateUpdate checks that the template's spec stays as it is.
func (*DockerMachineTemplate) ValidateUpdate(ctx context.Context, before, after *infrav1.DockerMachineTemplate) (admission.Warnings, error) {
	errs := validateImmutableTemplate(ctx, after, before.Spec.Template.Spec, after.Spec.Template.Spec)
	return nil, invalid("DockerMachineTemplate", after, append(errs, validateMachineTemplate(after)...))
}

// validateImmutableTemplate lets the dry runs pass by which Cluster API's topology controller finds out whether it needs a new
// template of machines: its contract wants that.
func validateImmutableTemplate(ctx context.Context, template client.Object, before, after any) field.ErrorList {
	path := field.NewPath("spec", "template", "spec")
	request, err := admission.RequestFromContext(ctx)
	if err != nil {
		return field.ErrorList{field.InternalError(path, fmt.Errorf("there is no admission request: %w", err))}
	}
	if topology.IsDryRunRequest(request, template) {
		return nil
	}
	return validateImmutable(path, before, after)
}

func validateMachineTemplate(template *infrav1.DockerMachineTemplate) field.ErrorList {
	path := field.NewPath("spec", "template")
	errs := template.Spec.Template.ObjectMeta.Validate(path.Child("metadata"))
	return append(errs, validateMachineSpec(path.Child("spec"), template.Spec.Template.Spec)...)
}
