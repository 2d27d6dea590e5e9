// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package webhooks

import (
	"context"
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"

	infrav1 "github.com/terraform-capi/terraform-provider-capi/controllers/docker/api/v1beta2"
)

// +kubebuilder:webhook:verbs=create;update,path=/validate-infrastructure-cluster-x-k8s-io-v1beta2-dockermachine,mutating=false,failurePolicy=fail,matchPolicy=Equivalent,groups=infrastructure.cluster.x-k8s.io,resources=dockermachines,versions=v1beta2,name=validation.dockermachine.infrastructure.cluster.x-k8s.io,sideEffects=None,admissionReviewVersions=v1

// Docker lets containers have no less. Linux knows no more processors.
var (
	minimumCPUs, maximumCPUs = resource.MustParse("10m"), resource.MustParse("8192")
	minimumMemory            = resource.MustParse("6Mi")
)

// nodePaths are where nodes have mounts of their own, and what they cannot start without.
var nodePaths = []string{
	"/", "/run", "/tmp", "/var", "/lib/modules",
	"/bin", "/dev", "/etc", "/kind", "/lib", "/proc", "/sbin", "/sys", "/usr", "/usr/local", "/usr/local/bin", "/usr/local/lib",
}

const (
	// ownFolder in a node is the controller's.
	ownFolder = "/usr/local/lib/terraform-capi"
	// maximumPath is how long Linux lets paths be.
	maximumPath = 4096
)

// providerID is of a container's name, as Docker lets it be (moby 28, daemon/names). It stands in the configuration of
// load balancers.
var providerID = regexp.MustCompile(`^docker:////[a-zA-Z0-9][a-zA-Z0-9_.-]*$`)

// reservedLabels are the prefixes of the labels by which containers are found and recognised.
var reservedLabels = []string{"terraform-capi.io/", "io.x-k8s.kind.", "io.x-k8s.cluster."}

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
	if before.ProviderID != "" && before.ProviderID != after.ProviderID {
		errs = append(errs, field.Forbidden(path.Child("providerID"), "cannot be changed once it is set"))
	}
	for _, fixed := range []struct {
		name          string
		before, after any
	}{
		{"customImage", before.CustomImage, after.CustomImage},
		{"extraMounts", before.ExtraMounts, after.ExtraMounts},
		{"extraPortMappings", before.ExtraPortMappings, after.ExtraPortMappings},
		{"labels", before.Labels, after.Labels},
		{"resources", before.Resources, after.Resources},
	} {
		if !equality.Semantic.DeepEqual(fixed.before, fixed.after) {
			errs = append(errs, field.Forbidden(path.Child(fixed.name), "cannot be changed: replace the machine"))
		}
	}
	return errs
}

func validateMachineSpec(path *field.Path, spec infrav1.DockerMachineSpec) field.ErrorList {
	var errs field.ErrorList
	if spec.ProviderID != "" && !providerID.MatchString(spec.ProviderID) {
		errs = append(errs, field.Invalid(path.Child("providerID"), spec.ProviderID, "must be docker:////CONTAINER"))
	}
	if spec.CustomImage != "" {
		errs = append(errs, validateImage(path.Child("customImage"), spec.CustomImage, spec.CustomImage)...)
	}
	for i, image := range spec.PreLoadImages {
		errs = append(errs, validateImage(path.Child("preLoadImages").Index(i), image, image)...)
	}
	errs = append(errs, validateMounts(path.Child("extraMounts"), spec.ExtraMounts)...)
	errs = append(errs, validatePortMappings(path.Child("extraPortMappings"), spec.ExtraPortMappings)...)
	errs = append(errs, validateContainerLabels(path.Child("labels"), spec.Labels)...)
	errs = append(errs, validateImagePull(path.Child("imagePull"), spec.ImagePull)...)
	if timeout := spec.BootstrapTimeout; timeout != nil && timeout.Duration <= 0 {
		errs = append(errs, field.Invalid(path.Child("bootstrapTimeout"), timeout.Duration.String(), "must be longer than zero"))
	}
	return append(errs, validateResources(path.Child("resources"), spec.Resources)...)
}

func validateMounts(list *field.Path, mounts []infrav1.Mount) field.ErrorList {
	var errs field.ErrorList
	seen := map[string]bool{}
	for i, mount := range mounts {
		at := list.Index(i)
		errs = append(errs, validatePath(at.Child("hostPath"), mount.HostPath)...)
		errs = append(errs, validatePath(at.Child("containerPath"), mount.ContainerPath)...)
		target := path.Clean(mount.ContainerPath)
		if slices.Contains(nodePaths, target) || strings.HasPrefix(target+"/", ownFolder+"/") {
			errs = append(errs, field.Invalid(at.Child("containerPath"), mount.ContainerPath, "must not be where the node has its own files: use a path below it"))
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
	case strings.ContainsFunc(value, unicode.IsControl):
		return field.ErrorList{field.Invalid(at, value, "must not contain control characters")}
	case len(value) > maximumPath:
		return field.ErrorList{field.TooLong(at, "", maximumPath)}
	}
	return nil
}

func validateResources(path *field.Path, resources infrav1.DockerMachineResources) field.ErrorList {
	var errs field.ErrorList
	if cpus := resources.CPUs; cpus != nil && (cpus.Cmp(minimumCPUs) < 0 || cpus.Cmp(maximumCPUs) > 0) {
		errs = append(errs, field.Invalid(path.Child("cpus"), cpus.String(),
			fmt.Sprintf("must be between %s and %s", minimumCPUs.String(), maximumCPUs.String())))
	}
	if memory := resources.Memory; memory != nil && memory.Cmp(minimumMemory) < 0 {
		errs = append(errs, field.Invalid(path.Child("memory"), memory.String(), "must be at least "+minimumMemory.String()))
	}
	return errs
}

// validateContainerLabels lets keys be what Docker's tools can select by.
func validateContainerLabels(path *field.Path, labels map[string]string) field.ErrorList {
	var errs field.ErrorList
	for _, key := range slices.Sorted(maps.Keys(labels)) {
		if key == "" || strings.ContainsFunc(key, func(r rune) bool { return r == '=' || unicode.IsSpace(r) || !unicode.IsPrint(r) }) {
			errs = append(errs, field.Invalid(path, key, "keys must not be empty and have no '=', white space or control characters"))
		}
		for _, prefix := range reservedLabels {
			if strings.HasPrefix(key, prefix) {
				errs = append(errs, field.Forbidden(path.Key(key), fmt.Sprintf("labels that start with %q are the controller's", prefix)))
			}
		}
	}
	return errs
}
