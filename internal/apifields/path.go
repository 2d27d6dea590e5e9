// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package apifields

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types/basetypes"
)

// AttributePath returns the attribute that a field of the API object is made
// from, or the attribute around it if none matches exactly. The field is written
// as Kubernetes does in errors, as in spec.topology.variables[image].value.
// object is what Encode returned; it tells which name the item of a list has.
// The path is empty if the field comes from no attribute at all.
func (f Fields) AttributePath(attributeTypes map[string]attr.Type, object map[string]any, field string) path.Path {
	return f.walkObject(path.Empty(), "", attributeTypes, object, steps(field))
}

func (f Fields) walkObject(p path.Path, at string, attributeTypes map[string]attr.Type, object any, steps []string) path.Path {
	var whole, partial []string
	for _, name := range slices.Sorted(maps.Keys(attributeTypes)) {
		field := f.of(join(at, name), name)
		switch common := min(len(field.path), len(steps)); {
		case field.form == skipped, common == 0, !slices.Equal(field.path[:common], steps[:common]):
		case common == len(field.path):
			whole = append(whole, name)
		default:
			partial = append(partial, name)
		}
	}
	switch {
	case len(whole) > 0:
		if leading := slices.DeleteFunc(slices.Clone(whole), func(name string) bool {
			return !f.leadsOn(join(at, name), attributeTypes[name], steps[len(f.of(join(at, name), name).path):])
		}); len(leading) > 0 {
			whole = leading
		}
		name := slices.MaxFunc(whole, func(a, b string) int {
			return len(f.of(join(at, a), a).path) - len(f.of(join(at, b), b).path)
		})
		field := f.of(join(at, name), name)
		n := len(field.path)
		return f.walk(p.AtName(name), join(at, name), field, attributeTypes[name], lookup(object, field.path), steps[n:])
	case len(partial) == 1:
		return p.AtName(partial[0])
	}
	return p
}

// leadsOn says whether an attribute has one inside that the next step goes to. Of
// two attributes that share an object in the API, such as metadata and one of the
// annotations in it, that tells which one is meant.
func (f Fields) leadsOn(at string, t attr.Type, steps []string) bool {
	object, isObject := t.(basetypes.ObjectType)
	if !isObject || len(steps) == 0 {
		return true
	}
	for name := range object.AttrTypes {
		if f.of(join(at, name), name).path[0] == steps[0] {
			return true
		}
	}
	return false
}

func (f Fields) walk(p path.Path, at string, field Field, t attr.Type, object any, steps []string) path.Path {
	if len(steps) == 0 {
		return p
	}
	switch t := t.(type) {
	case basetypes.ObjectType:
		return f.walkObject(p, at, t.AttrTypes, object, steps)
	case basetypes.MapType:
		name, item := child(object, field.key(), steps[0])
		return f.walk(p.AtMapKey(name), join(at, "*"), Field{}, t.ElemType, item, steps[1:])
	case basetypes.ListType:
		if index, err := strconv.Atoi(steps[0]); err == nil {
			_, item := child(object, "", steps[0])
			return f.walk(p.AtListIndex(index), join(at, "*"), Field{}, t.ElemType, item, steps[1:])
		}
	case basetypes.DynamicType:
		if field.form == namedValues {
			name, _ := child(object, "name", steps[0])
			return p.AtName(name)
		}
	}
	return p
}

// child returns the name and the value of what a step leads to: a step is an
// index or a key, and lists of named objects are met with both.
func child(object any, key, step string) (string, any) {
	list, isList := object.([]any)
	if !isList {
		return step, lookup(object, []string{step})
	}
	index, err := strconv.Atoi(step)
	if err != nil || index < 0 || index >= len(list) {
		return step, byName(list, key)[step]
	}
	name, isNamed := lookup(list[index], []string{key}).(string)
	if !isNamed {
		name = step
	}
	return name, list[index]
}

// steps takes a.b[c].d apart into a, b, c, d. Keys in brackets may have dots.
func steps(field string) []string {
	var list []string
	for field != "" {
		if key, ok := strings.CutPrefix(field, "["); ok {
			inside, rest, _ := strings.Cut(key, "]")
			list, field = append(list, strings.Trim(inside, "\"")), strings.TrimPrefix(rest, ".")
			continue
		}
		end := strings.IndexAny(field, ".[")
		if end < 0 {
			return append(list, field)
		}
		list, field = append(list, field[:end]), strings.TrimPrefix(field[end:], ".")
	}
	return list
}
