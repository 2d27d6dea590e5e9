// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package kind

import (
	"strings"

	"k8s.io/apimachinery/pkg/util/version"
	"sigs.k8s.io/kind/pkg/apis/config/v1alpha4"
)

const (
	// DockerSocket is where the engine's socket is, on the host that runs the
	// engine and in the node that it is mounted into.
	DockerSocket = "/var/run/docker.sock"

	// DefaultListenAddress is where mapped ports listen unless asked otherwise:
	// nobody but this machine is meant to reach them.
	DefaultListenAddress = "127.0.0.1"

	// nonceFolder is where a node shows which creation made it: a mount on a folder of
	// the nonce's name. KinD gives nodes no labels of ours, and a mount is there from the
	// beginning, cannot change, and can be seen without asking the node.
	nonceFolder = "/kind/terraform-provider-capi/"
	// modulesFolder is a folder of the host that KinD mounts into every node, so that it
	// can be mounted wherever KinD works.
	modulesFolder = "/lib/modules"
)

// Config is what a KinD cluster is made from. None of it can be changed later.
type Config struct {
	Name                 string            `json:"name"`
	NodeImage            string            `json:"nodeImage"`
	MountDockerSocket    bool              `json:"mountDockerSocket"`
	PortMappings         []PortMapping     `json:"portMappings,omitempty"`
	Mounts               []Mount           `json:"mounts,omitempty"`
	FeatureGates         map[string]bool   `json:"featureGates,omitempty"`
	KubeadmConfigPatches []string          `json:"kubeadmConfigPatches,omitempty"`
	Labels               map[string]string `json:"labels,omitempty"`
}

// PortMapping lets a port of the host lead to one of the node.
type PortMapping struct {
	ContainerPort int32  `json:"containerPort"`
	HostPort      int32  `json:"hostPort"`
	ListenAddress string `json:"listenAddress"`
	// Protocol is TCP, UDP or SCTP.
	Protocol string `json:"protocol"`
}

// Mount shows a path of the host to the node.
type Mount struct {
	HostPath      string `json:"hostPath"`
	ContainerPath string `json:"containerPath"`
	ReadOnly      bool   `json:"readOnly,omitempty"`
}

// toleranceOfCgroupV1 lets kubelets of v1.35 and later start on cgroup v1.
const toleranceOfCgroupV1 = `apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
failCgroupV1: false
`

// NeedsCgroupV1Tolerance says whether kubelets of the node image have to be told
// to accept the engine's cgroup v1, which they refuse from Kubernetes v1.35 on.
// An image whose tag is not a version is taken for a new one.
func (c Config) NeedsCgroupV1Tolerance(engine Engine) bool {
	if engine.CgroupVersion != "1" {
		return false
	}
	kubernetes, err := version.ParseSemantic(imageTag(c.NodeImage))
	return err != nil || kubernetes.AtLeast(version.MustParseSemantic("v1.35.0-0"))
}

func imageTag(image string) string {
	image, _, _ = strings.Cut(image, "@")
	_, tag, _ := strings.Cut(image[strings.LastIndex(image, "/")+1:], ":")
	return tag
}

// toKind is the configuration in KinD's own words. The patches of the
// configuration come after ours, so that they have the last word. The node carries
// the nonce of the creation.
func (c Config) toKind(engine Engine, nonce string) *v1alpha4.Cluster {
	node := v1alpha4.Node{
		Role:        v1alpha4.ControlPlaneRole,
		Image:       c.NodeImage,
		Labels:      c.Labels,
		ExtraMounts: []v1alpha4.Mount{{HostPath: modulesFolder, ContainerPath: nonceFolder + nonce, Readonly: true}},
	}
	if c.MountDockerSocket {
		node.ExtraMounts = append(node.ExtraMounts, v1alpha4.Mount{HostPath: DockerSocket, ContainerPath: DockerSocket})
	}
	for _, mount := range c.Mounts {
		node.ExtraMounts = append(node.ExtraMounts, v1alpha4.Mount{
			HostPath: mount.HostPath, ContainerPath: mount.ContainerPath, Readonly: mount.ReadOnly,
		})
	}
	for _, mapping := range c.PortMappings {
		node.ExtraPortMappings = append(node.ExtraPortMappings, v1alpha4.PortMapping{
			ContainerPort: mapping.ContainerPort,
			HostPort:      mapping.HostPort,
			ListenAddress: mapping.ListenAddress,
			Protocol:      v1alpha4.PortMappingProtocol(mapping.Protocol),
		})
	}
	cluster := &v1alpha4.Cluster{
		Name:         c.Name,
		Nodes:        []v1alpha4.Node{node},
		FeatureGates: c.FeatureGates,
	}
	if c.NeedsCgroupV1Tolerance(engine) {
		cluster.KubeadmConfigPatches = append(cluster.KubeadmConfigPatches, toleranceOfCgroupV1)
	}
	cluster.KubeadmConfigPatches = append(cluster.KubeadmConfigPatches, c.KubeadmConfigPatches...)
	v1alpha4.SetDefaultsCluster(cluster)
	return cluster
}
