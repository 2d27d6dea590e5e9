// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package kind

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// HasContext says whether the kubeconfig at path has a context for the cluster
// that leads to the API at endpoint. A file that cannot be read has none.
func HasContext(path, name, endpoint string) bool {
	kubeconfig, err := clientcmd.LoadFromFile(path)
	return err == nil && leadsTo(kubeconfig, name, endpoint)
}

func leadsTo(kubeconfig *clientcmdapi.Config, name, endpoint string) bool {
	key := contextName(name)
	context, cluster := kubeconfig.Contexts[key], kubeconfig.Clusters[key]
	return context != nil && context.Cluster == key && cluster != nil && cluster.Server == endpoint
}

// ExportKubeConfig merges the cluster's kubeconfig into the file at path, as
// context kind-NAME, in the place of one of that name. It becomes the current context
// of a file that has none; KinD would make it the current one of any file, and so
// redirect whatever uses the file without naming a context.
func (c *Clusters) ExportKubeConfig(ctx context.Context, name, path string) error {
	kubeconfig, err := c.kubeConfig(ctx, name)
	if err != nil {
		return fmt.Errorf("cannot read the kubeconfig of KinD cluster %q: %w", name, err)
	}
	key := contextName(name)
	return editKubeconfig(ctx, path, func(file *clientcmdapi.Config) bool {
		file.Clusters[key], file.AuthInfos[key], file.Contexts[key] = kubeconfig.Clusters[key], kubeconfig.AuthInfos[key], kubeconfig.Contexts[key]
		if file.CurrentContext == "" {
			file.CurrentContext = key
		}
		return true
	})
}

// RemoveContext takes the cluster's context out of the kubeconfig at path if it leads
// to the API at endpoint whose certificates are from ca; another cluster of that
// name may have it by now. A file that does not exist has none.
func RemoveContext(ctx context.Context, path, name, endpoint, ca string) error {
	key := contextName(name)
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return editKubeconfig(ctx, path, func(file *clientcmdapi.Config) bool {
		if !leadsTo(file, name, endpoint) || string(file.Clusters[key].CertificateAuthorityData) != ca {
			return false
		}
		delete(file.Contexts, key)
		delete(file.Clusters, key)
		delete(file.AuthInfos, key)
		if file.CurrentContext == key {
			file.CurrentContext = ""
		}
		return true
	})
}

// editKubeconfig changes the kubeconfig at path, which need not exist. Others that
// keep to the protocol of client-go do not change it meanwhile, and whoever reads it
// sees all of the change or nothing.
func editKubeconfig(ctx context.Context, path string, change func(*clientcmdapi.Config) (changed bool)) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("cannot change the kubeconfig %s: %w", path, err)
		}
	}()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	unlock, err := lockFile(ctx, path, lockPatience)
	if err != nil {
		return err
	}
	defer unlock()
	kubeconfig, err := clientcmd.LoadFromFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		kubeconfig, err = clientcmdapi.NewConfig(), nil
	}
	if err != nil || !change(kubeconfig) {
		return err
	}
	content, err := clientcmd.Write(*kubeconfig)
	if err != nil {
		return err
	}
	return replaceFile(path, content)
}

// replaceFile writes a file at once. It keeps the mode and the owner of one that
// exists, and a symbolic link that leads to it.
func replaceFile(path string, content []byte) error {
	path, err := followLinks(path)
	if err != nil {
		return err
	}
	temporary, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(temporary.Name()) }()
	_, err = temporary.Write(content)
	if err == nil {
		err = temporary.Sync()
	}
	err = errors.Join(err, temporary.Close())
	if err == nil {
		err = takeOverMode(temporary.Name(), path)
	}
	if err != nil {
		return err
	}
	return os.Rename(temporary.Name(), path)
}

// maxLinks is how many symbolic links Linux follows.
const maxLinks = 40

// followLinks follows symbolic links to where the file is or would be.
func followLinks(path string) (string, error) {
	for range maxLinks {
		target, err := os.Readlink(path)
		if err != nil {
			// It is no link, or nothing yet.
			return path, nil //nolint:nilerr // What else is wrong with it, writing tells.
		}
		if !filepath.IsAbs(target) {
			target = filepath.Join(filepath.Dir(path), target)
		}
		path = target
	}
	return "", fmt.Errorf("%s: too many symbolic links", path)
}

// takeOverMode makes a new file as accessible as the one that it replaces. A new
// kubeconfig is its owner's alone, as os.CreateTemp makes it.
func takeOverMode(temporary, path string) error {
	existing, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := takeOverOwner(temporary, existing); err != nil {
		return err
	}
	return os.Chmod(temporary, existing.Mode().Perm())
}
