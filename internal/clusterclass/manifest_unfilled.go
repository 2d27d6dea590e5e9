// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package clusterclass

import (
	"maps"
	"regexp"
	"slices"
	"strings"
)

// unfilled are the names of what looks like variables of clusterctl in documents.
// What runs on nodes is left out: ${...} may be the node's own there.
func unfilled(docs []document) []string {
	s := search{names: map[string]bool{}}
	for _, doc := range docs {
		s.value(doc.object.Object)
	}
	return slices.Sorted(maps.Keys(s.names))
}

type search struct{ names map[string]bool }

func (s search) value(value any) {
	switch value := value.(type) {
	case map[string]any:
		if isPatch(value) && leadsToNodes(value) {
			return
		}
		for key, field := range value {
			s.text(key)
			if !forNodes.MatchString(key) {
				s.value(field)
			}
		}
	case []any:
		for _, item := range value {
			s.value(item)
		}
	case string:
		s.text(value)
	}
}

func (s search) text(text string) {
	if !strings.Contains(text, "${") || nodeContent.MatchString(text) {
		return
	}
	// What clusterctl cannot read is none of its variables.
	names, err := processor.GetVariables([]byte(text))
	if err != nil {
		return
	}
	for _, name := range names {
		s.names[name] = true
	}
}

// forNodes recognises the fields whose content runs on nodes, or is rendered there,
// in the templates of any bootstrap, control plane or infrastructure provider:
// preKubeadmCommands, preRKE2Commands, userData, cloudInit.
var forNodes = regexp.MustCompile(`^(files|ignition|initConfiguration|joinConfiguration)$|([cC]ommands?|[sS]cripts?|[uU]ser-?[dD]ata|[cC]ustomData|[cC]loud-?([iI]nit|[cC]onfig))$`)

// nodeContent recognises such a field in the text of a patch's Go template.
var nodeContent = regexp.MustCompile(`(?m)^\s*(- )?"?(files|ignition|initConfiguration|joinConfiguration|\w*([cC]ommands|[uU]serData))"?:|^#!`)

func isPatch(value map[string]any) bool { return value["op"] != nil && value["path"] != nil }

// leadsToNodes says whether a JSON patch is of a field whose content runs on nodes.
func leadsToNodes(patch map[string]any) bool {
	path, _ := patch["path"].(string)
	return slices.ContainsFunc(strings.Split(path, "/"), forNodes.MatchString)
}
