// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package variants

import (
	"maps"

	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	devv1 "sigs.k8s.io/cluster-api/test/infrastructure/docker/api/v1beta2"

	infrav1 "github.com/terraform-capi/terraform-provider-capi/controllers/docker/api/v1beta2"
)

// The variants of the infrastructure of a cluster.
var (
	DockerCluster = same[infrav1.DockerCluster]("DockerCluster", func() client.ObjectList { return &infrav1.DockerClusterList{} })

	DevCluster = translated("DevCluster", func() client.ObjectList { return &devv1.DevClusterList{} },
		translation[*infrav1.DockerCluster, *devv1.DevCluster]{
			served:  func(dev *devv1.DevCluster) bool { return dev.Spec.Backend.InMemory == nil },
			toHub:   clusterFromDev,
			fromHub: clusterToDev,
		})

	Clusters = Variants[*infrav1.DockerCluster]{DockerCluster, DevCluster}
)

func clusterFromDev(dev *devv1.DevCluster, hub *infrav1.DockerCluster) {
	hub.ObjectMeta = dev.ObjectMeta
	hub.Spec = ClusterSpecFromDev(dev.Spec)
	hub.Status = infrav1.DockerClusterStatus{
		Conditions:     dev.Status.Conditions,
		Initialization: infrav1.DockerClusterInitializationStatus{Provisioned: dev.Status.Initialization.Provisioned},
		FailureDomains: dev.Status.FailureDomains,
	}
}

func clusterToDev(hub *infrav1.DockerCluster, dev *devv1.DevCluster) {
	dev.ObjectMeta = hub.ObjectMeta
	// Upstream's test suites compare the annotations of DevClusters with those that they expect. Their way to the API
	// server from the Docker host is the control plane endpoint.
	dev.Annotations = maps.Clone(hub.Annotations)
	delete(dev.Annotations, infrav1.HostEndpointAnnotation)
	dev.Spec = ClusterSpecToDev(hub.Spec)
	dev.Status.Conditions = hub.Status.Conditions
	dev.Status.Initialization.Provisioned = hub.Status.Initialization.Provisioned
	dev.Status.FailureDomains = hub.Status.FailureDomains
}

// ClusterSpecFromDev returns the spec of a DockerCluster that asks for the same. Without a docker backend it has
// defaults in its place.
func ClusterSpecFromDev(dev devv1.DevClusterSpec) infrav1.DockerClusterSpec {
	backend := ptr.Deref(dev.Backend.Docker, devv1.DockerClusterBackendSpec{})
	return infrav1.DockerClusterSpec{
		ControlPlaneEndpoint: infrav1.APIEndpoint{Host: dev.ControlPlaneEndpoint.Host, Port: dev.ControlPlaneEndpoint.Port},
		FailureDomains:       backend.FailureDomains,
		LoadBalancer: infrav1.DockerLoadBalancer{
			ImageMeta: infrav1.ImageMeta{
				ImageRepository: backend.LoadBalancer.ImageRepository,
				ImageTag:        backend.LoadBalancer.ImageTag,
			},
			CustomHAProxyConfigTemplateRef: backend.LoadBalancer.CustomHAProxyConfigTemplateRef,
		},
	}
}

// ClusterSpecToDev returns the spec of a DevCluster with the docker backend that asks for the same, without what only
// DockerClusters have.
func ClusterSpecToDev(hub infrav1.DockerClusterSpec) devv1.DevClusterSpec {
	return devv1.DevClusterSpec{
		ControlPlaneEndpoint: devv1.APIEndpoint{Host: hub.ControlPlaneEndpoint.Host, Port: hub.ControlPlaneEndpoint.Port},
		Backend: devv1.DevClusterBackendSpec{Docker: &devv1.DockerClusterBackendSpec{
			FailureDomains: hub.FailureDomains,
			LoadBalancer: devv1.DockerLoadBalancer{
				ImageMeta: devv1.ImageMeta{
					ImageRepository: hub.LoadBalancer.ImageRepository,
					ImageTag:        hub.LoadBalancer.ImageTag,
				},
				CustomHAProxyConfigTemplateRef: hub.LoadBalancer.CustomHAProxyConfigTemplateRef,
			},
		}},
	}
}
