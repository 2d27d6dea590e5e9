// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

// Package apifieldstest tells which fields a type of Cluster API has, for tests
// that attributes keep up with it.
package apifieldstest

import (
	"reflect"
	"strings"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
)

// leaves are structs that are values in JSON, or that attributes have as a whole.
var leaves = map[reflect.Type]bool{
	reflect.TypeFor[metav1.Time]():               true,
	reflect.TypeFor[intstr.IntOrString]():        true,
	reflect.TypeFor[apiextensionsv1.JSON]():      true,
	reflect.TypeFor[clusterv1.JSONSchemaProps](): true,
}

// Paths are the paths in JSON of all values that a type has. Items of lists are *.
func Paths(t reflect.Type) []string { return paths("", t) }

func paths(at string, t reflect.Type) []string {
	switch {
	case t.Kind() == reflect.Pointer:
		return paths(at, t.Elem())
	case t.Kind() == reflect.Slice:
		return paths(at+".*", t.Elem())
	case t.Kind() != reflect.Struct || leaves[t]:
		return []string{strings.TrimPrefix(at, ".")}
	}
	var all []string
	for i := range t.NumField() {
		name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		all = append(all, paths(at+"."+name, t.Field(i).Type)...)
	}
	return all
}

// Has says whether there is a value at the path, in any item of the lists on the
// way.
func Has(content any, path string) bool {
	if path == "" {
		return content != nil
	}
	name, rest, _ := strings.Cut(path, ".")
	switch content := content.(type) {
	case map[string]any:
		return Has(content[name], rest)
	case []any:
		for _, item := range content {
			if name == "*" && Has(item, rest) {
				return true
			}
		}
	}
	return false
}
