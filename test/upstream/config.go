// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package upstream

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"sigs.k8s.io/cluster-api/test/e2e"
	"sigs.k8s.io/cluster-api/test/framework/clusterctl"
	"sigs.k8s.io/yaml"
)

const (
	kubernetesVersion = "v1.34.3"
	// What a node of upgradedVersion brings along: without a registry there is nothing else.
	upgradedVersion = "v1.35.0"
	upgradedEtcd    = "3.6.6-0"
	upgradedCoreDNS = "v1.13.1"
)

// upstreamFolder returns the folder of Cluster API's test module, which has templates and configuration beside the
// specs.
func upstreamFolder(ctx context.Context) (string, error) {
	folder, err := output(exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}", "sigs.k8s.io/cluster-api/test"))
	return strings.TrimSpace(folder), err
}

// loadConfig returns upstream's configuration of its specs: how long to wait for what, and the variables of the
// templates. Changed is what depends on the images that there are.
func loadConfig(ctx context.Context, upstream string) (*clusterctl.E2EConfig, error) {
	content, err := os.ReadFile(filepath.Join(upstream, "e2e/config/docker.yaml"))
	if err != nil {
		return nil, err
	}
	config := &clusterctl.E2EConfig{}
	if err := yaml.Unmarshal(content, config); err != nil {
		return nil, fmt.Errorf("upstream's configuration: %w", err)
	}
	network, err := podNetwork(ctx, config.Variables["DOCKER_POD_CIDRS"])
	if err != nil {
		return nil, err
	}
	maps.Copy(config.Variables, map[string]string{
		e2e.KubernetesVersion:            kubernetesVersion,
		e2e.KubernetesVersionUpgradeFrom: kubernetesVersion,
		e2e.KubernetesVersionUpgradeTo:   upgradedVersion,
		e2e.EtcdVersionUpgradeTo:         upgradedEtcd,
		e2e.CoreDNSVersionUpgradeTo:      upgradedCoreDNS,
		e2e.CNIResources:                 network,
		"DOCKER_PRELOAD_IMAGES":          "[]",
	})
	return config, nil
}

// podNetwork returns the pod network that node images bring along for kind, as the data of a ConfigMap in one line of
// YAML: the templates have a variable there.
func podNetwork(ctx context.Context, subnet string) (string, error) {
	manifest, err := output(exec.CommandContext(ctx, "docker", "run", "--rm", "--entrypoint=cat",
		"kindest/node:"+kubernetesVersion, "/kind/manifests/default-cni.yaml"))
	if err != nil {
		return "", err
	}
	data, err := json.Marshal(map[string]string{"cni.yaml": strings.ReplaceAll(manifest, "{{ .PodSubnet }}", subnet)})
	return string(data), err
}

// output returns what a command prints, and what it complains about as an error.
func output(command *exec.Cmd) (string, error) {
	complaint := &strings.Builder{}
	command.Stderr = complaint
	out, err := command.Output()
	if err != nil {
		return "", fmt.Errorf("%s: %w: %s", command, err, complaint)
	}
	return string(out), nil
}
