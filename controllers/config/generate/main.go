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

	dockerProvider = "infrastructure-docker"
	// devKinds has the Dev* kinds that the Docker provider serves, and Docker* kinds that are not ours.
	devKinds = upstream + "/test/infrastructure/docker/api/v1beta2"
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
	dockerProvider: {
		own + "/docker/...",
	},
}

func main() {
	for provider, paths := range packages {
		exitOn(provider, generate(provider, paths))
	}
	exitOn(dockerProvider, addDevKinds())
}

func exitOn(provider string, err error) {
	if err != nil {
		fmt.Fprintf(os.Stderr, "generating the manifests of %s: %v\n", provider, err)
		os.Exit(1)
	}
}

func generate(provider string, paths []string) error {
	for _, folder := range []string{"crd", "rbac", "webhook"} {
		if err := os.RemoveAll(filepath.Join(provider, folder)); err != nil {
			return err
		}
	}
	var args []string
	for _, path := range paths {
		args = append(args, "paths="+path)
	}
	return controllerGen(append(args,
		"crd:crdVersions=v1", "output:crd:dir="+filepath.Join(provider, "crd"),
		"rbac:roleName=manager-role", "output:rbac:dir="+filepath.Join(provider, "rbac"),
		"webhook", "output:webhook:dir="+filepath.Join(provider, "webhook"))...)
}

// addDevKinds adds the CustomResourceDefinitions of the Dev* kinds to the Docker provider's. controller-gen has to run
// apart: it cannot tell two packages of one API group from each other.
func addDevKinds() error {
	all, err := os.MkdirTemp("", "crd")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(all) }()
	if err := controllerGen("paths="+devKinds, "crd:crdVersions=v1", "output:crd:dir="+all); err != nil {
		return err
	}
	files, err := filepath.Glob(filepath.Join(all, "*_dev*.yaml"))
	if err != nil {
		return err
	}
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dockerProvider, "crd", filepath.Base(file)), content, 0o644); err != nil {
			return err
		}
	}
	return nil
}

func controllerGen(args ...string) error {
	command := []string{"tool", "-modfile=" + filepath.Join("..", "..", "tools", "go.mod"), "controller-gen"}
	cmd := exec.CommandContext(context.Background(), "go", append(command, args...)...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	return cmd.Run()
}
