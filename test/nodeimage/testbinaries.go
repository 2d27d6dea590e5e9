// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"os"
	"path/filepath"
)

// envtestAssets returns a folder with the binaries that controller-runtime's envtest starts.
func (b *builder) envtestAssets(ctx context.Context, version string) (string, error) {
	kubernetes, err := b.kubernetes(ctx, version, "kube-apiserver", "kubeadm", "kubectl")
	if err != nil {
		return "", err
	}
	images, err := b.kubeadmImages(ctx, kubernetes, version)
	if err != nil {
		return "", err
	}
	etcd, err := b.etcd(ctx, images["etcd"])
	if err != nil {
		return "", err
	}
	dir := filepath.Join(b.cache, "envtest", version)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	for _, binary := range []string{kubernetes["kube-apiserver"], kubernetes["kubectl"], etcd} {
		link := filepath.Join(dir, filepath.Base(binary))
		if err := os.Remove(link); err != nil && !os.IsNotExist(err) {
			return "", err
		}
		if err := os.Symlink(binary, link); err != nil {
			return "", err
		}
	}
	return dir, nil
}

// openTofu compiles the program that tests apply configurations with where there is no Terraform.
func (b *builder) openTofu(ctx context.Context, version string) (string, error) {
	const module = "github.com/opentofu/opentofu"
	binaries, err := b.build(ctx, goProgram{
		module:  module,
		version: version,
		// As in a release: without this the version ends in -dev, which version constraints do not accept.
		stamps:   map[string]string{module + "/version.dev": "no"},
		packages: map[string]string{"tofu": module + "/cmd/tofu"},
	})
	return binaries["tofu"], err
}
