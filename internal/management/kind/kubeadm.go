// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package kind

import (
	"fmt"
	"strings"

	"sigs.k8s.io/yaml"
)

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
