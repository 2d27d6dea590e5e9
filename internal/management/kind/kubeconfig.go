// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package kind

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"k8s.io/client-go/tools/clientcmd"
)

// contextName is the name that KinD gives to the context, the cluster and the
// user of a cluster.
func contextName(name string) string { return "kind-" + name }

// HasContext says whether the kubeconfig at path has a context for the cluster
// that points at endpoint. A file that cannot be read has none.
func HasContext(path, name, endpoint string) bool {
	kubeconfig, err := clientcmd.LoadFromFile(path)
	if err != nil || kubeconfig.Contexts[contextName(name)] == nil {
		return false
	}
	cluster := kubeconfig.Clusters[contextName(name)]
	return cluster != nil && cluster.Server == endpoint
}

// RemoveContext takes the cluster's context out of the kubeconfig at path. A file
// that does not exist has none.
func RemoveContext(path, name string) error {
	kubeconfig, err := clientcmd.LoadFromFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("cannot remove context %s from %s: %w", contextName(name), path, err)
	}
	delete(kubeconfig.Contexts, contextName(name))
	delete(kubeconfig.Clusters, contextName(name))
	delete(kubeconfig.AuthInfos, contextName(name))
	if kubeconfig.CurrentContext == contextName(name) {
		kubeconfig.CurrentContext = ""
	}
	if err := clientcmd.WriteToFile(*kubeconfig, path); err != nil {
		return fmt.Errorf("cannot remove context %s from %s: %w", contextName(name), path, err)
	}
	return nil
}

// ExportKubeConfig merges the cluster's kubeconfig into the file at path, as
// context kind-NAME, and makes that the current context.
func (c *Clusters) ExportKubeConfig(ctx context.Context, name, path string) error {
	if err := await(ctx, func() error { return c.provider(ctx).ExportKubeConfig(name, path, false) }); err != nil {
		return fmt.Errorf("cannot write the kubeconfig of KinD cluster %q to %s: %w", name, path, explain(err))
	}
	return nil
}
