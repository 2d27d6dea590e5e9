// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package topology

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
	runtimehooksv1 "sigs.k8s.io/cluster-api/api/runtime/hooks/v1alpha1"
)

// variableUse is what a patch reads of the variables.
type variableUse struct {
	templateUse
	patch string
	// field is the one of the class that has the template or the path.
	field string
}

// usesOfVariables returns what the patches of a class read, in their order.
func usesOfVariables(class *clusterv1.ClusterClass) []variableUse {
	var uses []variableUse
	for i := range class.Spec.Patches {
		patch := &class.Spec.Patches[i]
		field := fmt.Sprintf("spec.patches[%d]", i)
		add := func(field string, read []templateUse) {
			for _, use := range read {
				uses = append(uses, variableUse{templateUse: use, patch: patch.Name, field: field})
			}
		}
		add(field+".enabledIf", templateUses(patch.EnabledIf))
		for j := range patch.Definitions {
			for k := range patch.Definitions[j].JSONPatches {
				from := patch.Definitions[j].JSONPatches[k].ValueFrom
				if from == nil {
					continue
				}
				field := fmt.Sprintf("%s.definitions[%d].jsonPatches[%d].valueFrom", field, j, k)
				add(field+".template", templateUses(from.Template))
				if from.Variable != "" {
					add(field+".variable", []templateUse{{path: variablePath(from.Variable)}})
				}
			}
		}
	}
	return uses
}

// variablePath takes the path of a variable apart, as in: mounts[0].source.
func variablePath(text string) []string {
	var path []string
	for step := range strings.SplitSeq(text, ".") {
		name, _, isItem := strings.Cut(step, "[")
		path = append(path, name)
		if isItem {
			path = append(path, anyItem)
		}
	}
	return path
}

// misspelt returns which variables the patches of a class read that there never are:
// neither the class defines them nor Cluster API. A template has "<no value>" in their
// place, or is never enabled, and nobody says so. Which variables runtime extensions
// define is not known.
func misspelt(class *clusterv1.ClusterClass) []Problem {
	var problems []Problem
	places, index := map[string]int{}, map[string]int{}
	for _, use := range usesOfVariables(class) {
		what, siblings := undefined(class, use.path)
		// Of what needs no template, the admission code looks at the first step, and at all
		// steps to a builtin variable.
		isAdmitted := strings.HasSuffix(use.field, ".variable") && (what == use.path[0] || use.path[0] == builtin)
		isElsewhere := HasExternalVariables(class) && use.path[0] != builtin
		if what == "" || use.probed || isAdmitted || isElsewhere {
			continue
		}
		if places[what]++; places[what] == 1 {
			index[what] = len(problems)
			problems = append(problems, Problem{Class: true, Field: use.field, Message: fmt.Sprintf(
				"patch %q reads .%s, but there is no such variable%s", use.patch, what, didYouMean(what, siblings))})
		}
	}
	for what, count := range places {
		if count > 1 {
			problems[index[what]].Message += fmt.Sprintf(" (in %d places)", count)
		}
	}
	return problems
}

// undefined returns the path up to the first step that leads nowhere, and the paths
// that there are in its place; empty if there is all of it.
func undefined(class *clusterv1.ClusterClass, path []string) (what string, siblings []string) {
	if len(path) == 0 {
		return "", nil
	}
	if path[0] == builtin {
		return undefinedBuiltin(reflect.TypeFor[runtimehooksv1.Builtins](), path)
	}
	var names []string
	for i := range class.Spec.Variables {
		variable := &class.Spec.Variables[i]
		if variable.Name == path[0] {
			return undefinedProperty(&variable.Schema.OpenAPIV3Schema, path, 1)
		}
		names = append(names, variable.Name)
	}
	return path[0], append(names, builtin)
}

// undefinedProperty looks up a path from its nth step on in the schema of what the
// steps before lead to.
func undefinedProperty(schema *clusterv1.JSONSchemaProps, path []string, n int) (what string, siblings []string) {
	if n == len(path) {
		return "", nil
	}
	if path[n] == anyItem {
		switch {
		case schema.Items != nil:
			return undefinedProperty(schema.Items, path, n+1)
		case schema.AdditionalProperties != nil:
			return undefinedProperty(schema.AdditionalProperties, path, n+1)
		}
		return "", nil
	}
	if property, found := schema.Properties[path[n]]; found {
		return undefinedProperty(&property, path, n+1)
	}
	if len(schema.Properties) == 0 || schema.AdditionalProperties != nil || schema.XPreserveUnknownFields != nil && *schema.XPreserveUnknownFields {
		return "", nil
	}
	for _, name := range slices.Sorted(maps.Keys(schema.Properties)) {
		siblings = append(siblings, dotted(append(path[:n:n], name)))
	}
	return dotted(path[:n+1]), siblings
}

func undefinedBuiltin(t reflect.Type, path []string) (what string, siblings []string) {
	for n := 1; n < len(path); n++ {
		for t.Kind() == reflect.Pointer {
			t = t.Elem()
		}
		if t.Kind() != reflect.Struct {
			return "", nil
		}
		var names []string
		found := false
		for i := range t.NumField() {
			name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
			names = append(names, dotted(append(path[:n:n], name)))
			if name == path[n] {
				t, found = t.Field(i).Type, true
				break
			}
		}
		if !found {
			return dotted(path[:n+1]), names
		}
	}
	return "", nil
}

// dotted writes a path as templates have it.
func dotted(path []string) string {
	return strings.ReplaceAll(strings.Join(path, "."), "."+anyItem, anyItem)
}

// withoutValue returns which of the variables that patches read have no value in a
// cluster, in the order in which they are read.
func withoutValue(cluster *clusterv1.Cluster, overrides []clusterv1.ClusterVariable, uses []variableUse) []variableUse {
	var missing []variableUse
	for _, use := range uses {
		if len(use.path) > 0 && use.path[0] != builtin && !hasValue(overrides, use.path) && !hasValue(cluster.Spec.Topology.Variables, use.path) {
			missing = append(missing, use)
		}
	}
	return missing
}

func hasValue(variables []clusterv1.ClusterVariable, path []string) bool {
	i := slices.IndexFunc(variables, func(v clusterv1.ClusterVariable) bool { return v.Name == path[0] })
	if i < 0 {
		return false
	}
	var value any
	if json.Unmarshal(variables[i].Value.Raw, &value) != nil {
		return false
	}
	for _, step := range path[1:] {
		object, isObject := value.(map[string]any)
		if !isObject {
			// Of the items of lists some may have it.
			return true
		}
		value = object[step]
	}
	return value != nil
}
