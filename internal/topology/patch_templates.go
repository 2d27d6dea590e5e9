// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package topology

import (
	"maps"
	"slices"
	"text/template/parse"
)

const (
	// builtin is the variable of a patch that Cluster API sets.
	builtin = "builtin"
	// anyItem is the step of a path to the items of a list.
	anyItem = "[]"
)

// templateUse is what a template reads of the variables that it is given.
type templateUse struct {
	// path leads to the value from all variables, which have the empty path.
	path []string
	// printed says that the value becomes text as it is, "<no value>" if there is none,
	// and that the template does not ask first whether there is one.
	printed bool
	// probed says that the template asks whether there is such a value.
	probed bool
}

// templateUses returns what a template of a patch reads. It is nil of what cannot be
// parsed, which the admission code refuses. Of values that functions make nothing is
// known, so that what is read of them is not among the uses.
func templateUses(text string) []templateUse {
	tree := parse.New("patch")
	tree.Mode = parse.SkipFuncCheck
	trees := map[string]*parse.Tree{}
	if _, err := tree.Parse(text, "", "", trees); err != nil {
		return nil
	}
	reader := &templateReader{trees: trees}
	reader.run(tree.Root, place{known: true})
	return reader.uses
}

// place is where a value comes from: a path from all variables, if that is known.
type place struct {
	path  []string
	known bool
}

func (p place) at(steps ...string) place {
	if !p.known {
		return place{}
	}
	return place{path: slices.Concat(p.path, steps), known: true}
}

// templateReader follows the values of a template.
type templateReader struct {
	trees map[string]*parse.Tree
	// running are the names of the templates that are being followed.
	running []string
	// variables are where the template's own variables come from, "$" among them.
	variables map[string]place
	// asked are the paths without which what is being followed is not executed.
	asked [][]string
	uses  []templateUse
}

// run follows a template that is executed with a value.
func (r *templateReader) run(root *parse.ListNode, dot place) {
	outer := r.variables
	r.variables = map[string]place{"$": dot}
	r.list(root, dot)
	r.variables = outer
}

func (r *templateReader) list(list *parse.ListNode, dot place) {
	if list == nil {
		return
	}
	outer := maps.Clone(r.variables)
	for _, node := range list.Nodes {
		r.node(node, dot)
	}
	r.variables = outer
}

func (r *templateReader) node(node parse.Node, dot place) {
	switch node := node.(type) {
	case *parse.ActionNode:
		r.pipe(node.Pipe, dot, len(node.Pipe.Decl) == 0)
	case *parse.IfNode:
		asked, before := len(r.asked), len(r.uses)
		r.pipe(node.Pipe, dot, false)
		for _, use := range r.uses[before:] {
			r.asked = append(r.asked, use.path)
		}
		r.list(node.List, dot)
		r.asked = r.asked[:asked]
		r.list(node.ElseList, dot)
	case *parse.WithNode:
		r.list(node.List, r.pipe(node.Pipe, dot, false))
		r.list(node.ElseList, dot)
	case *parse.RangeNode:
		item := r.pipe(node.Pipe, dot, false).at(anyItem)
		if n := len(node.Pipe.Decl); n > 0 {
			r.variables[node.Pipe.Decl[0].Ident[0]] = place{}
			r.variables[node.Pipe.Decl[n-1].Ident[0]] = item
		}
		r.list(node.List, item)
		r.list(node.ElseList, dot)
	case *parse.TemplateNode:
		with := r.pipe(node.Pipe, dot, false)
		if tree := r.trees[node.Name]; tree != nil && !slices.Contains(r.running, node.Name) {
			r.running = append(r.running, node.Name)
			r.run(tree.Root, with)
			r.running = r.running[:len(r.running)-1]
		}
	}
}

// pipe returns where the value of a pipeline comes from.
func (r *templateReader) pipe(pipe *parse.PipeNode, dot place, printed bool) place {
	if pipe == nil {
		return place{}
	}
	var value place
	for _, command := range pipe.Cmds {
		value = r.command(command, dot, printed && len(pipe.Cmds) == 1)
	}
	if len(pipe.Cmds) > 1 {
		value = place{}
	}
	for _, declared := range pipe.Decl {
		r.variables[declared.Ident[0]] = value
		if pipe.IsAssign {
			r.variables[declared.Ident[0]] = place{}
		}
	}
	return value
}

// lookups are functions that read what their first argument has under their second.
var lookups = []string{"index", "get", "hasKey"}

func (r *templateReader) command(command *parse.CommandNode, dot place, printed bool) place {
	args := command.Args
	function, isFunction := args[0].(*parse.IdentifierNode)
	if !isFunction {
		value := r.value(args[0], dot)
		r.read(value, templateUse{printed: printed})
		return value
	}
	if slices.Contains(lookups, function.Ident) && len(args) > 1 {
		value, rest := r.value(args[1], dot), args[2:]
		for len(rest) > 0 {
			key, isText := rest[0].(*parse.StringNode)
			if !isText {
				break
			}
			value, rest = value.at(key.Text), rest[1:]
		}
		r.read(value, templateUse{probed: function.Ident == "hasKey"})
		args = append([]parse.Node{function}, rest...)
	}
	for _, arg := range args[1:] {
		r.read(r.value(arg, dot), templateUse{})
	}
	return place{}
}

func (r *templateReader) value(node parse.Node, dot place) place {
	switch node := node.(type) {
	case *parse.DotNode:
		return dot
	case *parse.FieldNode:
		return dot.at(node.Ident...)
	case *parse.VariableNode:
		return r.variables[node.Ident[0]].at(node.Ident[1:]...)
	case *parse.ChainNode:
		return r.value(node.Node, dot).at(node.Field...)
	case *parse.PipeNode:
		return r.pipe(node, dot, false)
	}
	return place{}
}

func (r *templateReader) read(value place, use templateUse) {
	if value.known {
		use.path = value.path
		use.printed = use.printed && !slices.ContainsFunc(r.asked, func(path []string) bool { return slices.Equal(path, use.path) })
		r.uses = append(r.uses, use)
	}
}
