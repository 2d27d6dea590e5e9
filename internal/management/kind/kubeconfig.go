// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package kind

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
	"sigs.k8s.io/kind/pkg/cluster/constants"
)

// adminPath is where kubeadm leaves a kubeconfig of the cluster's administrator in a
// control plane node.
const adminPath = "/etc/kubernetes/admin.conf"

// contextName is the name that KinD gives to the context, the cluster and the
// user of a cluster.
func contextName(name string) string { return "kind-" + name }

// KubeConfig returns a kubeconfig of the cluster's administrator that works from
// this machine. It is read from the node and written nowhere. The error is
// ErrNotFound if there is no such cluster.
func (c *Clusters) KubeConfig(ctx context.Context, name string) (string, error) {
	kubeconfig, err := c.kubeConfig(ctx, name)
	if err != nil {
		return "", err
	}
	content, err := clientcmd.Write(*kubeconfig)
	return string(content), err
}

// kubeConfig makes what KinD's library does, which would take it from the first
// container that carries the cluster's label.
func (c *Clusters) kubeConfig(ctx context.Context, name string) (*clientcmdapi.Config, error) {
	nodes, err := c.mustFind(ctx, name)
	if err != nil {
		return nil, err
	}
	controlPlane, ok := controlPlaneOf(nodes, name)
	if !ok {
		return nil, noControlPlane(name)
	}
	switch controlPlane.State {
	case "running":
	case "paused":
		return nil, fmt.Errorf("node %s is paused: resume it with docker unpause %s", controlPlane.Name, controlPlane.Name)
	default:
		return nil, fmt.Errorf("node %s does not run (%s): start it with docker start %s", controlPlane.Name, controlPlane.State, controlPlane.Name)
	}
	admin, err := c.adminKubeconfig(ctx, controlPlane.ID)
	if err != nil {
		return nil, err
	}
	endpoint, err := c.endpoint(ctx, nodes)
	if err != nil {
		return nil, err
	}
	kubeconfig, key := clientcmdapi.NewConfig(), contextName(name)
	for _, cluster := range admin.Clusters {
		cluster.Server = endpoint
		kubeconfig.Clusters[key] = cluster
	}
	for _, user := range admin.AuthInfos {
		kubeconfig.AuthInfos[key] = user
	}
	kubeconfig.Contexts[key] = &clientcmdapi.Context{Cluster: key, AuthInfo: key}
	kubeconfig.CurrentContext = key
	return kubeconfig, nil
}

// adminKubeconfig is the kubeconfig of one cluster and one user that kubeadm wrote.
// The error is fs.ErrNotExist if the node has none.
func (c *Clusters) adminKubeconfig(ctx context.Context, node string) (*clientcmdapi.Config, error) {
	content, err := c.readFile(ctx, node, adminPath)
	if err != nil {
		return nil, err
	}
	kubeconfig, err := clientcmd.Load(content)
	if err == nil && (len(kubeconfig.Clusters) != 1 || len(kubeconfig.AuthInfos) != 1) {
		err = errors.New("it is not one of kubeadm's")
	}
	if err != nil {
		return nil, fmt.Errorf("cannot read %s of container %.12s: %w", adminPath, node, err)
	}
	return kubeconfig, nil
}

// endpoint is the URL of a cluster's API for this machine: the load balancer's if
// there is one.
func (c *Clusters) endpoint(ctx context.Context, nodes []node) (string, error) {
	for _, role := range []string{constants.ExternalLoadBalancerNodeRoleValue, constants.ControlPlaneNodeRoleValue} {
		i := slices.IndexFunc(nodes, func(n node) bool { return n.Role == role })
		if i < 0 {
			continue
		}
		inspected, err := c.inspect(ctx, nodes[i].ID)
		if err != nil {
			return "", err
		}
		return inspected.endpoint()
	}
	return "", errors.New("there is no control plane node")
}
