// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package upstream

import (
	"os"
	"path/filepath"

	clusterctlv1 "sigs.k8s.io/cluster-api/cmd/clusterctl/api/v1alpha3"
	"sigs.k8s.io/yaml"
)

// infrastructureProvider is the name that clusterctl's inventory has for our Docker provider.
const infrastructureProvider = "docker"

// templatesFolder is where upstream's test module has them.
const templatesFolder = "e2e/data/infrastructure-docker/main"

// makeRepository makes a clusterctl repository in folder, with the cluster templates of upstream's specs, for version
// of the infrastructure provider. It returns the path of a clusterctl configuration with it and the variables.
func makeRepository(folder string, upstream, version string, variables map[string]string) (string, error) {
	label := clusterctlv1.ManifestLabel(infrastructureProvider, clusterctlv1.InfrastructureProviderType)
	files := filepath.Join(folder, label, version)
	if err := os.MkdirAll(files, 0o750); err != nil {
		return "", err
	}
	templates, err := renderTemplates(filepath.Join(upstream, templatesFolder))
	if err != nil {
		return "", err
	}
	for name, content := range templates {
		if err := os.WriteFile(filepath.Join(files, name), content, 0o600); err != nil {
			return "", err
		}
	}

	config := map[string]any{
		// Nobody reads the components, because nobody installs from this repository.
		"providers": []map[string]string{{
			"name": infrastructureProvider,
			"type": string(clusterctlv1.InfrastructureProviderType),
			"url":  filepath.Join(files, "components.yaml"),
		}},
		// Without it, clusterctl would look at the home directory for files that take precedence.
		"overridesFolder": filepath.Join(folder, "overrides"),
	}
	for name, value := range variables {
		config[name] = value
	}
	content, err := yaml.Marshal(config)
	if err != nil {
		return "", err
	}
	path := filepath.Join(folder, "clusterctl-config.yaml")
	return path, os.WriteFile(path, content, 0o600)
}
