// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package topology

import (
	"slices"
	"strconv"
	"strings"
	"text/template/parse"

	"k8s.io/utils/ptr"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
)

// need is what patches take of a value whatever the other values are. nil is that
// they take nothing.
type need struct {
	// parts of an object, by name.
	parts map[string]*need
	// length of a list, and what is taken of its items.
	length int
	item   *need
}

func (n *need) of() map[string]*need {
	if n == nil {
		return nil
	}
	return n.parts
}

func (n *need) items() int {
	if n == nil {
		return 0
	}
	return n.length
}

func (n *need) each() *need {
	if n == nil {
		return nil
	}
	return n.item
}

// names are those of a map: the needed ones, and others until there are enough.
func (n *need) names(schema *clusterv1.JSONSchemaProps) []string {
	var names []string
	for name := range n.of() {
		if _, isProperty := schema.Properties[name]; !isProperty {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for i := 1; len(names)+len(schema.Properties) < int(ptr.Deref(schema.MinProperties, 0)); i++ {
		names = append(names, "key"+strconv.Itoa(i))
	}
	return names
}

// neededValues is what the patches of a class need that are always enabled, by variable.
func neededValues(class *clusterv1.ClusterClass) *need {
	needed := &need{}
	for _, patch := range class.Spec.Patches {
		if patch.EnabledIf != "" {
			continue
		}
		for _, definition := range patch.Definitions {
			for _, operation := range definition.JSONPatches {
				if operation.ValueFrom == nil {
					continue
				}
				needed.addPath(strings.Split(operation.ValueFrom.Variable, "."))
				needed.addTemplate(operation.ValueFrom.Template)
			}
		}
	}
	return needed
}

// addPath adds a path such as machine.disks[0].size.
func (n *need) addPath(path []string) {
	for _, segment := range path {
		name, index, hasIndex := strings.Cut(segment, "[")
		if name == "" {
			return
		}
		if n.parts == nil {
			n.parts = map[string]*need{}
		}
		if n.parts[name] == nil {
			n.parts[name] = &need{}
		}
		n = n.parts[name]
		if !hasIndex {
			continue
		}
		i, err := strconv.Atoi(strings.TrimSuffix(index, "]"))
		if err != nil {
			return
		}
		n.length = max(n.length, i+1)
		if n.item == nil {
			n.item = &need{}
		}
		n = n.item
	}
}

// addTemplate adds what a template prints always: outside of if, with and range.
func (n *need) addTemplate(text string) {
	tree := parse.New("")
	tree.Mode = parse.SkipFuncCheck
	if _, err := tree.Parse(text, "", "", map[string]*parse.Tree{}); err != nil || tree.Root == nil {
		return
	}
	for _, node := range tree.Root.Nodes {
		if action, ok := node.(*parse.ActionNode); ok {
			n.addPipe(action.Pipe)
		}
	}
}

// fallbacks are the functions that make something of a value that is missing.
var fallbacks = []string{"default", "coalesce", "empty", "ternary", "hasKey", "dig", "get", "and", "or", "not"}

func (n *need) addPipe(pipe *parse.PipeNode) {
	for _, command := range pipe.Cmds {
		if function, ok := command.Args[0].(*parse.IdentifierNode); ok && slices.Contains(fallbacks, function.Ident) {
			return
		}
	}
	for _, command := range pipe.Cmds {
		for _, argument := range command.Args {
			switch argument := argument.(type) {
			case *parse.FieldNode:
				n.addPath(argument.Ident)
			case *parse.VariableNode:
				if argument.Ident[0] == "$" {
					n.addPath(argument.Ident[1:])
				}
			case *parse.PipeNode:
				n.addPipe(argument)
			}
		}
	}
}
