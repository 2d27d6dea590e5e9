// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

// Command generate writes the manifests of the bundled providers with controller-gen. It runs in controllers/config.
package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

const (
	upstream = "sigs.k8s.io/cluster-api"
	own      = "github.com/terraform-capi/terraform-provider-capi/controllers"
)

// packages are where the markers are: API types, reconcilers (roles), webhooks, and the wiring of the manager (roles
// that no single reconciler needs), by provider.
var packages = map[string][]string{
	"cluster-api": {
		upstream + "/api/addons/...", upstream + "/api/core/...", upstream + "/api/ipam/...", upstream + "/api/runtime/v1alpha1", upstream + "/api/runtime/v1beta2",
		upstream + "/core/reconcilers/...", upstream + "/core/webhooks/...",
		own + "/core",
	},
	"bootstrap-kubeadm": {
		upstream + "/api/bootstrap/kubeadm/...",
		upstream + "/bootstrap/kubeadm/reconcilers/...", upstream + "/bootstrap/kubeadm/webhooks/...",
		own + "/bootstrap",
	},
	"control-plane-kubeadm": {
		upstream + "/api/controlplane/kubeadm/...",
		upstream + "/controlplane/kubeadm/reconcilers/...", upstream + "/controlplane/kubeadm/webhooks/...",
		own + "/controlplane",
	},
	"infrastructure-docker": {
		own + "/docker/...",
	},
}

func main() {
	for provider, paths := range packages {
		if err := generate(provider, paths); err != nil {
			fmt.Fprintf(os.Stderr, "generating the manifests of %s: %v\n", provider, err)
			os.Exit(1)
		}
	}
}

func generate(provider string, paths []string) error {
	if err := os.RemoveAll(provider); err != nil {
		return err
	}
	args := []string{"tool", "-modfile=" + filepath.Join("..", "..", "tools", "go.mod"), "controller-gen"}
	for _, path := range paths {
		args = append(args, "paths="+path)
	}
	args = append(args,
		"crd:crdVersions=v1", "output:crd:dir="+filepath.Join(provider, "crd"),
		"rbac:roleName=manager-role", "output:rbac:dir="+filepath.Join(provider, "rbac"),
		"webhook", "output:webhook:dir="+filepath.Join(provider, "webhook"))
	cmd := exec.CommandContext(context.Background(), "go", args...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	return cmd.Run()
}
