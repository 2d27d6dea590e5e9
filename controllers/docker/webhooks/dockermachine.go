// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package webhooks

import (
	"context"
	"path"
	"reflect"
	"strings"

	"github.com/distribution/reference"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"

	infrav1 "github.com/terraform-capi/terraform-provider-capi/controllers/docker/api/v1beta2"
)

// +kubebuilder:webhook:verbs=create;update,path=/validate-infrastructure-cluster-x-k8s-io-v1beta2-dockermachine,mutating=false,failurePolicy=fail,matchPolicy=Equivalent,groups=infrastructure.cluster.x-k8s.io,resources=dockermachines,versions=v1beta2,name=validation.dockermachine.infrastructure.cluster.x-k8s.io,sideEffects=None,admissionReviewVersions=v1

// minimumMemory is what Docker lets a container have at least.
var minimumMemory = resource.MustParse("6Mi")

// reservedPaths are where nodes have mounts of their own.
var reservedPaths = []string{"/", "/run", "/tmp", "/var", "/lib/modules"}

// DockerMachine validates DockerMachines.
type DockerMachine struct {
	anyDelete[*infrav1.DockerMachine]
}

var _ admission.Validator[*infrav1.DockerMachine] = &DockerMachine{}

// ValidateCreate checks the spec.
func (*DockerMachine) ValidateCreate(_ context.Context, machine *infrav1.DockerMachine) (admission.Warnings, error) {
	return nil, invalid("DockerMachine", machine, validateMachineSpec(field.NewPath("spec"), machine.Spec))
}

// ValidateUpdate checks the spec, and that what a container is made from stays as it is.
func (*DockerMachine) ValidateUpdate(_ context.Context, before, after *infrav1.DockerMachine) (admission.Warnings, error) {
	return nil, invalid("DockerMachine", after, validateMachineUpdate(field.NewPath("spec"), before.Spec, after.Spec))
}

func validateMachineUpdate(path *field.Path, before, after infrav1.DockerMachineSpec) field.ErrorList {
	errs := validateMachineSpec(path, after)
	const why = "cannot be changed: replace the machine"
	if before.CustomImage != after.CustomImage {
		errs = append(errs, field.Forbidden(path.Child("customImage"), why))
	}
	if before.ProviderID != "" && before.ProviderID != after.ProviderID {
		errs = append(errs, field.Forbidden(path.Child("providerID"), "cannot be changed once it is set"))
	}
	if !reflect.DeepEqual(before.ExtraMounts, after.ExtraMounts) {
		errs = append(errs, field.Forbidden(path.Child("extraMounts"), why))
	}
	if !sameResources(before.Resources, after.Resources) {
		errs = append(errs, field.Forbidden(path.Child("resources"), why))
	}
	return errs
}

// sameResources compares amounts, not the ways to write them.
func sameResources(a, b infrav1.DockerMachineResources) bool {
	same := func(a, b *resource.Quantity) bool {
		return (a == nil) == (b == nil) && (a == nil || a.Cmp(*b) == 0)
	}
	return same(a.CPUs, b.CPUs) && same(a.Memory, b.Memory)
}

func validateMachineSpec(path *field.Path, spec infrav1.DockerMachineSpec) field.ErrorList {
	var errs field.ErrorList
	if spec.ProviderID != "" && !strings.HasPrefix(spec.ProviderID, "docker:////") {
		errs = append(errs, field.Invalid(path.Child("providerID"), spec.ProviderID, "must be docker:////CONTAINER"))
	}
	if spec.CustomImage != "" {
		errs = append(errs, validateImage(path.Child("customImage"), spec.CustomImage, spec.CustomImage)...)
	}
	for i, image := range spec.PreLoadImages {
		errs = append(errs, validateImage(path.Child("preLoadImages").Index(i), image, image)...)
	}
	errs = append(errs, validateMounts(path.Child("extraMounts"), spec.ExtraMounts)...)
	if timeout := spec.BootstrapTimeout; timeout != nil && timeout.Duration <= 0 {
		errs = append(errs, field.Invalid(path.Child("bootstrapTimeout"), timeout.Duration.String(), "must be longer than zero"))
	}
	return append(errs, validateResources(path.Child("resources"), spec.Resources)...)
}

// validateImage checks that a reference is one that Docker understands. The value is what the user has written.
func validateImage(path *field.Path, value, ref string) field.ErrorList {
	if _, err := reference.ParseNormalizedNamed(ref); err != nil {
		return field.ErrorList{field.Invalid(path, value, "is not a valid image reference: "+err.Error())}
	}
	return nil
}

func validateMounts(list *field.Path, mounts []infrav1.Mount) field.ErrorList {
	var errs field.ErrorList
	seen := map[string]bool{}
	for i, mount := range mounts {
		at := list.Index(i)
		errs = append(errs, validatePath(at.Child("hostPath"), mount.HostPath)...)
		errs = append(errs, validatePath(at.Child("containerPath"), mount.ContainerPath)...)
		target := path.Clean(mount.ContainerPath)
		for _, reserved := range reservedPaths {
			if target == reserved {
				errs = append(errs, field.Invalid(at.Child("containerPath"), mount.ContainerPath, "is a mount of the node itself"))
			}
		}
		if seen[target] {
			errs = append(errs, field.Duplicate(at.Child("containerPath"), mount.ContainerPath))
		}
		seen[target] = true
	}
	return errs
}

// validatePath checks for colons, too: Docker separates the parts of a bind mount with them.
func validatePath(at *field.Path, value string) field.ErrorList {
	switch {
	case value == "":
		return field.ErrorList{field.Required(at, "must be an absolute path")}
	case !path.IsAbs(value):
		return field.ErrorList{field.Invalid(at, value, "must be an absolute path")}
	case strings.Contains(value, ":"):
		return field.ErrorList{field.Invalid(at, value, "must not contain a colon")}
	}
	return nil
}

func validateResources(path *field.Path, resources infrav1.DockerMachineResources) field.ErrorList {
	var errs field.ErrorList
	if cpus := resources.CPUs; cpus != nil && cpus.Sign() <= 0 {
		errs = append(errs, field.Invalid(path.Child("cpus"), cpus.String(), "must be more than zero"))
	}
	if memory := resources.Memory; memory != nil && memory.Cmp(minimumMemory) < 0 {
		errs = append(errs, field.Invalid(path.Child("memory"), memory.String(), "must be at least "+minimumMemory.String()))
	}
	return errs
}
