// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package clusterclass

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"
)

// clusterctlVariable is how templates for clusterctl name what is to be filled in,
// with a default or without. By convention such names are upper case.
var clusterctlVariable = regexp.MustCompile(`\$\{\s*[A-Z][A-Z0-9_]*\s*(?::?[-=]([^}]*))?\}`)

func toFillIn(variable string) string {
	return fmt.Sprintf("%s is a variable of clusterctl, which nothing fills in here: write its value, or make the manifest with templatefile()", variable)
}

// fillVariables gives the variables of clusterctl in a document their defaults, as
// clusterctl does. Those without default are faults.
//
// Where a node or a patch may mean ${...} itself it stays: in what kubeadm's
// templates write to nodes, and in the values of patches.
func fillVariables(doc document) []error {
	var faults []error
	filler{func(path, variable string) {
		faults = append(faults, doc.fault("%s: %s", path, toFillIn(variable)))
	}}.fill("", doc.object.Object)
	return faults
}

type filler struct {
	missing func(path, variable string)
}

// fill returns the value with defaults in it. It changes objects and lists.
func (f filler) fill(path string, value any) any {
	switch value := value.(type) {
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(value)) {
			if !isForNodes(path, key) {
				value[key] = f.fill(strings.TrimPrefix(path+"."+key, "."), value[key])
			}
		}
	case []any:
		for i, item := range value {
			value[i] = f.fill(fmt.Sprintf("%s[%d]", path, i), item)
		}
	case string:
		return f.text(path, value)
	}
	return value
}

func (f filler) text(path, text string) any {
	filled := clusterctlVariable.ReplaceAllStringFunc(text, func(variable string) string {
		groups := clusterctlVariable.FindStringSubmatch(variable)
		if !strings.ContainsAny(variable, "-=") {
			f.missing(path, variable)
			return variable
		}
		return strings.TrimSpace(groups[1])
	})
	if clusterctlVariable.FindString(text) != text || filled == text {
		return filled
	}
	// clusterctl fills in text before anybody reads it as YAML.
	var value any
	if err := yaml.Unmarshal([]byte(filled), &value); err != nil {
		return filled
	}
	return value
}

var nodeContent = regexp.MustCompile(`^spec\.template\.spec(\.kubeadmConfigSpec)?$`)

func isForNodes(path, key string) bool {
	switch key {
	case "files", "preKubeadmCommands", "postKubeadmCommands", "bootCommands", "ignition", "initConfiguration", "joinConfiguration":
		return nodeContent.MatchString(path)
	case "value", "template":
		return strings.HasPrefix(path, "spec.patches[")
	}
	return false
}
