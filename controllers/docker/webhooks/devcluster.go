// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package webhooks

import (
	"context"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation/field"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"

	devv1 "sigs.k8s.io/cluster-api/test/infrastructure/docker/api/v1beta2"

	"github.com/terraform-capi/terraform-provider-capi/controllers/docker/variants"
)

// +kubebuilder:webhook:verbs=create;update,path=/mutate-infrastructure-cluster-x-k8s-io-v1beta2-devcluster,mutating=true,failurePolicy=fail,matchPolicy=Equivalent,groups=infrastructure.cluster.x-k8s.io,resources=devclusters,versions=v1beta2,name=default.devcluster.infrastructure.cluster.x-k8s.io,sideEffects=None,admissionReviewVersions=v1
// +kubebuilder:webhook:verbs=create;update,path=/validate-infrastructure-cluster-x-k8s-io-v1beta2-devcluster,mutating=false,failurePolicy=fail,matchPolicy=Equivalent,groups=infrastructure.cluster.x-k8s.io,resources=devclusters,versions=v1beta2,name=validation.devcluster.infrastructure.cluster.x-k8s.io,sideEffects=None,admissionReviewVersions=v1

// DevCluster defaults and validates DevClusters as DockerClusters are.
type DevCluster struct {
	anyDelete[*devv1.DevCluster]
}

var (
	_ admission.Defaulter[*devv1.DevCluster] = &DevCluster{}
	_ admission.Validator[*devv1.DevCluster] = &DevCluster{}
)

// Default sets the endpoint's port and whether failure domains take control planes.
func (*DevCluster) Default(_ context.Context, cluster *devv1.DevCluster) error {
	defaultDevClusterSpec(&cluster.Spec)
	return nil
}

// ValidateCreate checks the spec.
func (*DevCluster) ValidateCreate(_ context.Context, cluster *devv1.DevCluster) (admission.Warnings, error) {
	return nil, invalid("DevCluster", cluster, validateDevClusterSpec(field.NewPath("spec"), cluster.Spec))
}

// ValidateUpdate checks the spec, and that the endpoint stays where it is: certificates and kubeconfigs have it.
func (*DevCluster) ValidateUpdate(_ context.Context, before, after *devv1.DevCluster) (admission.Warnings, error) {
	path := field.NewPath("spec")
	errs := validateBackend(path, after.Spec.Backend.InMemory != nil)
	found := validateClusterUpdate(dockerBackend(path), variants.ClusterSpecFromDev(before.Spec), variants.ClusterSpecFromDev(after.Spec))
	return nil, invalid("DevCluster", after, append(errs, besideBackend(path, "controlPlaneEndpoint", found)...))
}

// defaultDevClusterSpec leaves specs with another backend as they are, for validation to refuse them.
func defaultDevClusterSpec(spec *devv1.DevClusterSpec) {
	if spec.Backend.InMemory != nil {
		return
	}
	hub := variants.ClusterSpecFromDev(*spec)
	defaultClusterSpec(&hub)
	*spec = variants.ClusterSpecToDev(hub)
}

func validateDevClusterSpec(path *field.Path, spec devv1.DevClusterSpec) field.ErrorList {
	errs := validateBackend(path, spec.Backend.InMemory != nil)
	found := validateClusterSpec(dockerBackend(path), variants.ClusterSpecFromDev(spec))
	return append(errs, besideBackend(path, "controlPlaneEndpoint", found)...)
}

// validateBackend checks that a spec has no other backend than docker, which it has, as upstream's, if it names none.
func validateBackend(spec *field.Path, inMemory bool) field.ErrorList {
	if inMemory {
		return field.ErrorList{field.Forbidden(spec.Child("backend", "inMemory"), "is not supported by this provider: use the docker backend")}
	}
	return nil
}

func dockerBackend(spec *field.Path) *field.Path { return spec.Child("backend", "docker") }

// besideBackend corrects problems of a field that the Docker* kinds have among those that are in the backend here, and
// the Dev* kinds beside the backend.
func besideBackend(spec *field.Path, name string, found field.ErrorList) field.ErrorList {
	for _, problem := range found {
		if rest, ok := strings.CutPrefix(problem.Field, dockerBackend(spec).Child(name).String()); ok {
			problem.Field = spec.Child(name).String() + rest
		}
	}
	return found
}
