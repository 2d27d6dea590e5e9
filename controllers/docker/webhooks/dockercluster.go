// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package webhooks

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"unicode"

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
	errs := validateClusterSpec(field.NewPath("spec"), cluster.Spec)
	return nil, invalid("DockerCluster", cluster, append(errs, validateHostEndpoint(cluster)...))
}

// ValidateUpdate checks the spec, and that the endpoints stay where they are: certificates and kubeconfigs have them.
func (*DockerCluster) ValidateUpdate(_ context.Context, before, after *infrav1.DockerCluster) (admission.Warnings, error) {
	path := field.NewPath("spec")
	errs := append(validateClusterUpdate(path, before.Spec, after.Spec), validateHostEndpoint(after)...)
	return nil, invalid("DockerCluster", after, append(errs, validateHostEndpointUpdate(path.Child("loadBalancer"), before, after)...))
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

// validateHostEndpoint checks what the controller wrote, here or where a cluster comes from: it reads the port again.
func validateHostEndpoint(cluster *infrav1.DockerCluster) field.ErrorList {
	endpoint := cluster.Annotations[infrav1.HostEndpointAnnotation]
	if at, err := netip.ParseAddrPort(endpoint); endpoint == "" || err == nil && at.Port() > 0 {
		return nil
	}
	return field.ErrorList{field.Invalid(field.NewPath("metadata", "annotations").Key(infrav1.HostEndpointAnnotation), endpoint,
		"must be IP:PORT as the controller writes it: remove the annotation")}
}

// validateHostEndpointUpdate lets the host endpoint change as long as nobody can know it: a port that is taken is
// noticed only when the load balancer starts.
func validateHostEndpointUpdate(path *field.Path, before, after *infrav1.DockerCluster) field.ErrorList {
	endpoint := before.Annotations[infrav1.HostEndpointAnnotation]
	if endpoint == "" {
		return nil
	}
	var errs field.ErrorList
	why := "is immutable once the load balancer runs (it is at " + endpoint + ")"
	if was, is := before.Spec.LoadBalancer.HostIP, after.Spec.LoadBalancer.HostIP; was != is {
		errs = append(errs, field.Invalid(path.Child("hostIP"), is, why))
	}
	if was, is := before.Spec.LoadBalancer.HostPort, after.Spec.LoadBalancer.HostPort; was != is {
		errs = append(errs, field.Invalid(path.Child("hostPort"), is, why))
	}
	return errs
}

func validateClusterSpec(path *field.Path, spec infrav1.DockerClusterSpec) field.ErrorList {
	errs := validateEndpointHost(path.Child("controlPlaneEndpoint", "host"), spec.ControlPlaneEndpoint.Host)
	errs = append(errs, validateFailureDomains(path.Child("failureDomains"), spec.FailureDomains)...)
	return append(errs, validateLoadBalancer(path.Child("loadBalancer"), spec.LoadBalancer)...)
}

// validateEndpointHost checks that the host is an address, or a name that a DNS query can be made for.
func validateEndpointHost(path *field.Path, host string) field.ErrorList {
	if ip, err := netip.ParseAddr(host); host == "" || err == nil && ip.Zone() == "" {
		return nil
	}
	problems := validation.IsDNS1123Subdomain(host)
	for label := range strings.SplitSeq(host, ".") {
		if len(label) > validation.DNS1123LabelMaxLength {
			problems = append(problems, validation.MaxLenError(validation.DNS1123LabelMaxLength)+" between dots")
		}
	}
	var errs field.ErrorList
	for _, problem := range problems {
		errs = append(errs, field.Invalid(path, host, "must be an IP address or a DNS name: "+problem))
	}
	return errs
}

// validateFailureDomains checks the order, too: Cluster API's server-side apply of a list would otherwise see a
// difference where there is none.
func validateFailureDomains(path *field.Path, domains []clusterv1.FailureDomain) field.ErrorList {
	var errs field.ErrorList
	names := make([]string, len(domains))
	for i, domain := range domains {
		names[i] = domain.Name
		if strings.ContainsFunc(domain.Name, unicode.IsControl) {
			errs = append(errs, field.Invalid(path.Index(i).Child("name"), domain.Name, "must not contain control characters"))
		}
	}
	if !slices.IsSorted(names) {
		errs = append(errs, field.Invalid(path, strings.Join(names, ", "), "failure domains must be sorted by name"))
	}
	return errs
}

func validateLoadBalancer(path *field.Path, balancer infrav1.DockerLoadBalancer) field.ErrorList {
	var errs field.ErrorList
	if repository := balancer.ImageRepository; repository != "" {
		errs = append(errs, validateImage(path.Child("imageRepository"), repository, repository+"/haproxy")...)
	}
	if tag := balancer.ImageTag; tag != "" {
		errs = append(errs, validateImage(path.Child("imageTag"), tag, "haproxy:"+tag)...)
	}
	if ref := balancer.CustomHAProxyConfigTemplateRef; ref != nil {
		errs = append(errs, validateObjectName(path.Child("customHAProxyConfigTemplateRef", "name"), "ConfigMap", ref.Name)...)
	}
	errs = append(errs, validateHostAddress(path.Child("hostIP"), balancer.HostIP)...)
	return append(errs, validateImagePull(path.Child("imagePull"), balancer.ImagePull)...)
}
