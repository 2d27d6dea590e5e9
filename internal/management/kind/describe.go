// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package kind

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// Status is the shape a KinD cluster is in, as far as its containers tell.
type Status string

const (
	// StatusRunning means that the node runs and has a kubeconfig.
	StatusRunning Status = "running"
	// StatusStopped means that the node's container does not run.
	StatusStopped Status = "stopped"
	// StatusPaused means that the processes of the node's container are frozen.
	StatusPaused Status = "paused"
	// StatusIncomplete means that there is proof that the cluster has no API: the node
	// runs and has no kubeconfig, as when its creation was cut off, or there is no
	// control plane node at all.
	StatusIncomplete Status = "incomplete"
)

// Description is what can be told about a KinD cluster.
type Description struct {
	Status Status
	// Node is the name of the control plane's container.
	Node string
	// Nodes are the ids of all nodes' containers, sorted.
	Nodes []string
	// Nonce is the one of the creation that made the cluster; empty if it was not
	// this provider's.
	Nonce string
	// Config is what the cluster was made from. Of clusters that this package did
	// not make, or whose node does not run, it holds what the container shows.
	Config Config
	// CACertificate is the API's, in PEM. It is empty if the node has no kubeconfig.
	CACertificate string
	// The following are empty unless the status is StatusRunning.

	Endpoint          string // URL of the API for this machine
	KubernetesVersion string // with a leading v
}

// versionPath is where a node image has its Kubernetes version.
const versionPath = "/kind/version"

// Describe looks at a KinD cluster. It does not talk to the cluster's API. The
// error is ErrNotFound if there is no such cluster. Whatever cannot be found out is
// an error, too, and ErrDockerUnreachable if that is why.
func (c *Clusters) Describe(ctx context.Context, name string) (*Description, error) {
	nodes, err := c.mustFind(ctx, name)
	if err != nil {
		return nil, err
	}
	description := &Description{Status: StatusIncomplete, Node: NodeName(name), Nodes: ids(nodes), Config: Config{Name: name}}
	controlPlane, ok := controlPlaneOf(nodes, name)
	if !ok {
		return description, nil
	}
	inspected, err := c.inspect(ctx, controlPlane.ID)
	if err != nil {
		return nil, err
	}
	description.Nonce = inspected.nonce()
	inspected.into(&description.Config)
	admin, err := c.adminKubeconfig(ctx, controlPlane.ID)
	switch {
	case err == nil:
		description.CACertificate = caOf(admin)
	case !errors.Is(err, fs.ErrNotExist):
		return nil, err
	}
	switch {
	case !inspected.State.Running:
		description.Status = StatusStopped
	case inspected.State.Paused:
		description.Status = StatusPaused
	case admin != nil:
		description.Status = StatusRunning
		return description, c.describeRunning(ctx, description, nodes, controlPlane.ID)
	}
	return description, nil
}

func caOf(kubeconfig *clientcmdapi.Config) string {
	for _, cluster := range kubeconfig.Clusters {
		return string(cluster.CertificateAuthorityData)
	}
	return ""
}

// describeRunning adds what only a running node tells.
func (c *Clusters) describeRunning(ctx context.Context, description *Description, nodes []node, controlPlane string) (err error) {
	description.Endpoint, err = c.endpoint(ctx, nodes)
	if err != nil {
		return err
	}
	version, err := c.readFile(ctx, controlPlane, versionPath)
	if err != nil {
		return err
	}
	description.KubernetesVersion = strings.TrimSpace(string(version))
	return c.readConfig(ctx, description, controlPlane)
}

// readConfig prefers the record that Create left in the node. Without one, what
// KinD wrote for kubeadm tells a part.
func (c *Clusters) readConfig(ctx context.Context, description *Description, controlPlane string) error {
	recorded, err := c.readRecord(ctx, controlPlane)
	switch {
	case err == nil:
		description.Config = *recorded
		return nil
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	kubeadm, err := c.readFile(ctx, controlPlane, "/kind/kubeadm.conf")
	if err != nil {
		return err
	}
	return readKubeadmConfig(kubeadm, &description.Config)
}

// recordPath is where a node keeps the configuration that it was made from: parts of
// it cannot be told from the running cluster. It is written when the creation is done.
const recordPath = "/kind/terraform-provider-capi.json"

func (c *Clusters) readRecord(ctx context.Context, node string) (*Config, error) {
	content, err := c.readFile(ctx, node, recordPath)
	if err != nil {
		return nil, err
	}
	config := &Config{}
	if err := json.Unmarshal(content, config); err != nil {
		return nil, fmt.Errorf("cannot read %s of container %.12s: %w", recordPath, node, err)
	}
	return config, nil
}

func (c *Clusters) writeRecord(ctx context.Context, node string, config Config) error {
	record, err := json.Marshal(config)
	if err != nil {
		return fmt.Errorf("cannot encode the cluster's configuration: %w", err)
	}
	return c.writeFile(ctx, node, recordPath, record)
}
