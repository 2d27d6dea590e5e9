// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package apifields

import (
	"strings"
)

// Fields says of attributes, by their path, which field of the API they are,
// where that is not the attribute's own name in camel case. Paths join names by
// dots and have a * for the key of a map or the index of a list, as in
// "workers.machine_deployments.*.class".
type Fields map[string]Field

// Field is the place and the form that an attribute has in the API.
type Field struct {
	path []string
	form form
	// keys name the field that has a map's key, or the attributes that tell the
	// items of a list apart.
	keys []string
	// except are keys of a map that other attributes have.
	except []string
}

type form int

const (
	// skipped attributes are no field of the API object. Forms without a name
	// look in JSON as they do in Terraform.
	skipped form = iota + 1
	// namedList is a list of objects whose key field has the map's key.
	namedList
	// namedValues is a list of objects with a name and a value.
	namedValues
	// keyedList is a list of objects that others may add to.
	keyedList
	// intOrString is a number or a percentage; a string in Terraform.
	intOrString
	// asText is a number that the API has as a string.
	asText
)

// Skip says that the attribute is no field of the API object.
func Skip() Field { return Field{form: skipped} }

// At places the attribute at a path below the field of the attribute around it.
func At(path ...string) Field { return Field{path: path} }

// NamedList says that the map is a list in the API, whose items have the map's
// keys in their field key.
func NamedList(key string, path ...string) Field {
	return Field{form: namedList, keys: []string{key}, path: path}
}

// KeyedList says that the items of the list are told apart by the given
// attributes, and that items which others add are theirs.
func KeyedList(attributes ...string) Field { return Field{form: keyedList, keys: attributes} }

// NamedValues says that the object is a list of names and values in the API.
func NamedValues(path ...string) Field { return Field{form: namedValues, path: path} }

// IntOrString says that the string is a number in the API if it looks like one.
func IntOrString() Field { return Field{form: intOrString} }

// AsText places a number that is a string in the API.
func AsText(path ...string) Field { return Field{form: asText, path: path} }

// At places the field at a path below the field of the attribute around it.
func (f Field) At(path ...string) Field {
	f.path = path
	return f
}

// Except says which keys of the map are read by other attributes.
func (f Field) Except(keys ...string) Field {
	f.except = keys
	return f
}

// key is the field of a named list's items that has the map's key.
func (f Field) key() string {
	if f.form != namedList {
		return ""
	}
	return f.keys[0]
}

// of returns the field of the attribute at the given path.
func (f Fields) of(attributePath, name string) Field {
	field := f[attributePath]
	if len(field.path) == 0 {
		field.path = []string{camelCase(name)}
	}
	return field
}

func camelCase(name string) string {
	words := strings.Split(name, "_")
	for i, word := range words[1:] {
		if word != "" {
			words[i+1] = strings.ToUpper(word[:1]) + word[1:]
		}
	}
	return strings.Join(words, "")
}

func join(attributePath, name string) string {
	if attributePath == "" {
		return name
	}
	return attributePath + "." + name
}

// lookup returns what stands at the path in an object, nil if nothing does.
func lookup(object any, path []string) any {
	for _, name := range path {
		fields, ok := object.(map[string]any)
		if !ok {
			return nil
		}
		object = fields[name]
	}
	return object
}

// place puts the value at the path in the object. Objects merge.
func place(object map[string]any, path []string, value any) {
	for _, name := range path[:len(path)-1] {
		child, ok := object[name].(map[string]any)
		if !ok {
			child = map[string]any{}
			object[name] = child
		}
		object = child
	}
	last := path[len(path)-1]
	existing, isObject := object[last].(map[string]any)
	if fields, ok := value.(map[string]any); ok && isObject {
		for name, field := range fields {
			place(existing, []string{name}, field)
		}
		return
	}
	object[last] = value
}
