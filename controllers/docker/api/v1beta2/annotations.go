// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package v1beta2

const (
	// ClusterFinalizer keeps a DockerCluster until its load balancer is gone.
	ClusterFinalizer = "dockercluster.infrastructure.cluster.x-k8s.io"

	// MachineFinalizer keeps a DockerMachine until its container is gone.
	MachineFinalizer = "dockermachine.infrastructure.cluster.x-k8s.io"
)

const (
	// HostEndpointAnnotation on a DockerCluster is the API server's address as seen from the Docker host, IP:PORT. The
	// port stays the same for the life of the cluster.
	HostEndpointAnnotation = "docker.infrastructure.cluster.x-k8s.io/host-endpoint"

	// CNIAnnotation on a Cluster selects the network plug-in that the infrastructure provider installs.
	// Without it none is installed. The only value is CNINodeImage.
	CNIAnnotation = "docker.infrastructure.cluster.x-k8s.io/cni"

	// CNINodeImage as the value of CNIAnnotation installs the manifest that the node image carries in
	// /kind/manifests/default-cni.yaml, as soon as kubeadm has succeeded on a control plane node.
	CNINodeImage = "node-image"
)
