// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package webhooks

import (
	"context"
	"fmt"
	"net/netip"
	"reflect"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"

	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"

	infrav1 "github.com/terraform-capi/terraform-provider-capi/controllers/docker/api/v1beta2"
)

// +kubebuilder:webhook:verbs=create;update,path=/mutate-infrastructure-cluster-x-k8s-io-v1beta2-dockercluster,mutating=true,failurePolicy=fail,matchPolicy=Equivalent,groups=infrastructure.cluster.x-k8s.io,resources=dockerclusters,versions=v1beta2,name=default.dockercluster.infrastructure.cluster.x-k8s.io,sideEffects=None,admissionReviewVersions=v1
// +kubebuilder:webhook:verbs=create;update,path=/validate-infrastructure-cluster-x-k8s-io-v1beta2-dockercluster,mutating=false,failurePolicy=fail,matchPolicy=Equivalent,groups=infrastructure.cluster.x-k8s.io,resources=dockerclusters,versions=v1beta2,name=validation.dockercluster.infrastructure.cluster.x-k8s.io,sideEffects=None,admissionReviewVersions=v1

// DockerCluster defaults and validates DockerClusters.
type DockerCluster struct {
	anyDelete[*infrav1.DockerCluster]
}

var (
	_ admission.Defaulter[*infrav1.DockerCluster] = &DockerCluster{}
	_ admission.Validator[*infrav1.DockerCluster] = &DockerCluster{}
)

// Default sets the endpoint's port and whether failure domains take control planes.
func (*DockerCluster) Default(_ context.Context, cluster *infrav1.DockerCluster) error {
	defaultClusterSpec(&cluster.Spec)
	return nil
}

// ValidateCreate checks the spec.
func (*DockerCluster) ValidateCreate(_ context.Context, cluster *infrav1.DockerCluster) (admission.Warnings, error) {
	return nil, invalid("DockerCluster", cluster, validateClusterSpec(field.NewPath("spec"), cluster.Spec))
}

// ValidateUpdate checks the spec, and that the endpoint stays where it is: certificates and kubeconfigs have it.
func (*DockerCluster) ValidateUpdate(_ context.Context, before, after *infrav1.DockerCluster) (admission.Warnings, error) {
	return nil, invalid("DockerCluster", after, validateClusterUpdate(field.NewPath("spec"), before.Spec, after.Spec))
}

func validateClusterUpdate(path *field.Path, before, after infrav1.DockerClusterSpec) field.ErrorList {
	errs := validateClusterSpec(path, after)
	was, is := before.ControlPlaneEndpoint, after.ControlPlaneEndpoint
	if was.Host != "" && was != is {
		errs = append(errs, field.Invalid(path.Child("controlPlaneEndpoint"), fmt.Sprintf("%s:%d", is.Host, is.Port),
			fmt.Sprintf("is immutable once its host is set (it is %s:%d)", was.Host, was.Port)))
	}
	return errs
}

func defaultClusterSpec(spec *infrav1.DockerClusterSpec) {
	if spec.ControlPlaneEndpoint.Port == 0 {
		spec.ControlPlaneEndpoint.Port = 6443
	}
	for i := range spec.FailureDomains {
		if spec.FailureDomains[i].ControlPlane == nil {
			spec.FailureDomains[i].ControlPlane = ptr.To(false)
		}
	}
}

func validateClusterSpec(path *field.Path, spec infrav1.DockerClusterSpec) field.ErrorList {
	errs := validateEndpoint(path.Child("controlPlaneEndpoint"), spec.ControlPlaneEndpoint)
	errs = append(errs, validateFailureDomains(path.Child("failureDomains"), spec.FailureDomains)...)
	return append(errs, validateLoadBalancer(path.Child("loadBalancer"), spec.LoadBalancer)...)
}

// validateEndpoint checks that the host is an address or can be the name of a container.
func validateEndpoint(path *field.Path, endpoint infrav1.APIEndpoint) field.ErrorList {
	var errs field.ErrorList
	if host := endpoint.Host; host != "" {
		if _, err := netip.ParseAddr(host); err != nil {
			for _, problem := range validation.IsDNS1123Label(host) {
				errs = append(errs, field.Invalid(path.Child("host"), host,
					"must be an IP address or the name of the load balancer's container: "+problem))
			}
		}
	}
	if port := endpoint.Port; port < 0 || port > 65535 {
		errs = append(errs, field.Invalid(path.Child("port"), port, "must be between 1 and 65535"))
	}
	return errs
}

// validateFailureDomains checks the order, too: Cluster API's server-side apply of a list would otherwise see a
// difference where there is none.
func validateFailureDomains(path *field.Path, domains []clusterv1.FailureDomain) field.ErrorList {
	names := make([]string, len(domains))
	for i, domain := range domains {
		names[i] = domain.Name
	}
	if !slices.IsSorted(names) {
		return field.ErrorList{field.Invalid(path, strings.Join(names, ", "), "failure domains must be sorted by name")}
	}
	return nil
}

func validateLoadBalancer(path *field.Path, balancer infrav1.DockerLoadBalancer) field.ErrorList {
	var errs field.ErrorList
	if repository := balancer.ImageRepository; repository != "" {
		errs = append(errs, validateImage(path.Child("imageRepository"), repository, repository+"/haproxy")...)
	}
	if tag := balancer.ImageTag; tag != "" {
		errs = append(errs, validateImage(path.Child("imageTag"), tag, "haproxy:"+tag)...)
	}
	if ref := balancer.CustomHAProxyConfigTemplateRef; ref != nil && ref.Name == "" {
		errs = append(errs, field.Required(path.Child("customHAProxyConfigTemplateRef", "name"), "must name a ConfigMap"))
	}
	return errs
}

// immutable compares templates' specs.
func immutable(path *field.Path, before, after any) field.ErrorList {
	if reflect.DeepEqual(before, after) {
		return nil
	}
	return field.ErrorList{field.Forbidden(path, "is immutable: create a new template and refer to that instead")}
}
