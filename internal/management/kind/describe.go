// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package kind

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/kind/pkg/cluster/nodeutils"
	"sigs.k8s.io/yaml"
)

// Status is the shape a KinD cluster is in, as far as its containers tell.
type Status string

const (
	// StatusRunning means that the node runs and has a kubeconfig.
	StatusRunning Status = "running"
	// StatusStopped means that the node's container does not run.
	StatusStopped Status = "stopped"
	// StatusIncomplete means that the node runs but never became a control plane:
	// its creation was cut off, or it has no control plane node at all.
	StatusIncomplete Status = "incomplete"
)

// Description is what can be told about a KinD cluster.
type Description struct {
	Status Status
	// Node is the name of the control plane's container.
	Node string
	// Config is what the cluster was made from. Of clusters that this package did
	// not make, or whose node is stopped, it holds what the container shows.
	Config Config
	// The following are empty unless the status is StatusRunning.

	Endpoint          string // URL of the API for this machine
	CACertificate     string // in PEM
	KubernetesVersion string // with a leading v
}

// inspection is the part of docker inspect's answer that is used.
type inspection struct {
	State struct {
		Running bool
	}
	Config struct {
		Image string
	}
	HostConfig struct {
		Binds        []string
		PortBindings map[string][]struct{ HostIp, HostPort string }
	}
}

// NodeName is the name of the container that has the control plane of a KinD cluster.
func NodeName(name string) string { return name + "-control-plane" }

// Describe looks at a KinD cluster. It does not talk to the cluster's API. The
// error is ErrNotFound if there is no such cluster, and ErrDockerUnreachable if
// that cannot be told.
func (c *Clusters) Describe(ctx context.Context, name string) (*Description, error) {
	nodes, err := c.mustFind(ctx, name)
	if err != nil {
		return nil, err
	}
	description := &Description{Status: StatusIncomplete, Node: NodeName(name), Config: Config{Name: name}}
	if !slices.ContainsFunc(nodes, func(n node) bool { return n.Name == description.Node }) {
		return description, nil
	}
	inspected, err := c.inspect(ctx, description.Node)
	if err != nil {
		return nil, err
	}
	inspected.into(&description.Config)
	if !inspected.State.Running {
		description.Status = StatusStopped
		return description, nil
	}
	return description, c.describeRunning(ctx, description)
}

func (c *Clusters) inspect(ctx context.Context, container string) (*inspection, error) {
	out, err := c.docker(ctx, "inspect", "--type", "container", container)
	if err != nil {
		return nil, err
	}
	var inspected []inspection
	if err := json.Unmarshal(out, &inspected); err != nil || len(inspected) != 1 {
		return nil, fmt.Errorf("cannot read what docker inspect says about %s: %w", container, err)
	}
	return &inspected[0], nil
}

// describeRunning adds what only a running node tells. It leaves the status at
// incomplete if the node has no kubeconfig.
func (c *Clusters) describeRunning(ctx context.Context, description *Description) error {
	kubeconfig, err := c.KubeConfig(ctx, description.Config.Name)
	if err != nil {
		if errors.Is(err, ErrDockerUnreachable) || ctx.Err() != nil {
			return err
		}
		return nil
	}
	config, err := clientcmd.RESTConfigFromKubeConfig([]byte(kubeconfig))
	if err != nil {
		return nil //nolint:nilerr // A broken kubeconfig is what incomplete means.
	}
	description.Status = StatusRunning
	description.Endpoint = config.Host
	description.CACertificate = string(config.CAData)
	if err := c.readVersion(ctx, description); err != nil {
		return err
	}
	return c.readConfig(ctx, description)
}

func (c *Clusters) readVersion(ctx context.Context, description *Description) error {
	node, err := c.node(ctx, description.Config.Name)
	if err != nil {
		return err
	}
	return await(ctx, func() (err error) {
		description.KubernetesVersion, err = nodeutils.KubeVersion(node)
		return explain(err)
	})
}

// readConfig prefers the record that Create left in the node. Without one, what
// KinD wrote for kubeadm tells a part.
func (c *Clusters) readConfig(ctx context.Context, description *Description) error {
	record, err := c.docker(ctx, "exec", description.Node, "cat", recordPath)
	if err == nil {
		description.Config = Config{}
		return json.Unmarshal(record, &description.Config)
	}
	kubeadm, err := c.docker(ctx, "exec", description.Node, "cat", "/kind/kubeadm.conf")
	if err != nil {
		return err
	}
	return readKubeadmConfig(kubeadm, &description.Config)
}

// into sets what the container of a node tells about its configuration.
func (i *inspection) into(config *Config) {
	config.NodeImage = i.Config.Image
	for _, bind := range i.HostConfig.Binds {
		mount, ok := parseBind(bind)
		switch {
		case !ok:
		case mount == Mount{HostPath: DockerSocket, ContainerPath: DockerSocket}:
			config.MountDockerSocket = true
		default:
			config.Mounts = append(config.Mounts, mount)
		}
	}
	for port, bindings := range i.HostConfig.PortBindings {
		// KinD maps the API server's port itself.
		if port == "6443/tcp" {
			continue
		}
		for _, binding := range bindings {
			if mapping, err := parsePort(port, binding.HostIp, binding.HostPort); err == nil {
				config.PortMappings = append(config.PortMappings, mapping)
			}
		}
	}
	slices.SortFunc(config.PortMappings, func(a, b PortMapping) int {
		return cmp.Or(cmp.Compare(a.ContainerPort, b.ContainerPort), cmp.Compare(a.HostPort, b.HostPort))
	})
}

// parseBind reads HOST:CONTAINER[:OPTIONS], and leaves out what KinD mounts into
// every node.
func parseBind(bind string) (Mount, bool) {
	parts := strings.Split(bind, ":")
	if len(parts) < 2 || parts[1] == "/lib/modules" || parts[1] == "/dev/mapper" {
		return Mount{}, false
	}
	mount := Mount{HostPath: parts[0], ContainerPath: parts[1]}
	if len(parts) > 2 {
		mount.ReadOnly = slices.Contains(strings.Split(parts[2], ","), "ro")
	}
	return mount, true
}

func parsePort(port, hostIP, hostPort string) (PortMapping, error) {
	number, protocol, _ := strings.Cut(port, "/")
	containerPort, err := strconv.ParseInt(number, 10, 32)
	if err != nil {
		return PortMapping{}, err
	}
	onHost, err := strconv.ParseInt(hostPort, 10, 32)
	if err != nil {
		return PortMapping{}, err
	}
	return PortMapping{
		ContainerPort: int32(containerPort),
		HostPort:      int32(onHost),
		ListenAddress: hostIP,
		Protocol:      strings.ToUpper(protocol),
	}, nil
}

// readKubeadmConfig sets the feature gates and node labels that a configuration
// of kubeadm, as KinD writes it, holds.
func readKubeadmConfig(kubeadm []byte, config *Config) error {
	for document := range strings.SplitSeq(string(kubeadm), "\n---") {
		var content struct {
			Kind             string          `json:"kind"`
			FeatureGates     map[string]bool `json:"featureGates"`
			NodeRegistration struct {
				KubeletExtraArgs any `json:"kubeletExtraArgs"`
			} `json:"nodeRegistration"`
		}
		if err := yaml.Unmarshal([]byte(document), &content); err != nil {
			return fmt.Errorf("cannot read the node's kubeadm configuration: %w", err)
		}
		switch content.Kind {
		case "KubeletConfiguration":
			config.FeatureGates = content.FeatureGates
		case "InitConfiguration":
			config.Labels = parseLabels(nodeLabels(content.NodeRegistration.KubeletExtraArgs))
		}
	}
	return nil
}

// nodeLabels finds the node-labels argument: a key of a map up to kubeadm's
// v1beta3, an item of a list from v1beta4 on.
func nodeLabels(extraArgs any) string {
	switch args := extraArgs.(type) {
	case map[string]any:
		labels, _ := args["node-labels"].(string)
		return labels
	case []any:
		for _, item := range args {
			arg, _ := item.(map[string]any)
			if arg["name"] == "node-labels" {
				labels, _ := arg["value"].(string)
				return labels
			}
		}
	}
	return ""
}

func parseLabels(text string) map[string]string {
	var labels map[string]string
	for pair := range strings.SplitSeq(text, ",") {
		key, value, ok := strings.Cut(pair, "=")
		if !ok {
			continue
		}
		if labels == nil {
			labels = map[string]string{}
		}
		labels[key] = value
	}
	return labels
}

// Start starts the stopped node of a cluster.
func (c *Clusters) Start(ctx context.Context, name string) error {
	nodes, err := c.mustFind(ctx, name)
	if err != nil {
		return err
	}
	_, err = c.docker(ctx, append([]string{"start"}, ids(nodes)...)...)
	return err
}
