// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package apifields

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/types/basetypes"

	"github.com/terraform-capi/terraform-provider-capi/internal/tfkit"
)

// Decode returns the attributes of the given types as the live API object has
// them. Of what declared leaves null, nothing is read; a nil declared reads
// everything. The types are those of the schema; shape is what Types makes of it.
func (f Fields) Decode(attributeTypes, shape map[string]attr.Type, declared map[string]attr.Value, live map[string]any) (map[string]attr.Value, error) {
	var guides map[string]any
	if declared != nil {
		var err error
		if guides, err = toAny(declared); err != nil {
			return nil, err
		}
	}
	attributes := map[string]attr.Value{}
	for name, t := range attributeTypes {
		field := f.of(name, name)
		value, err := f.decode(name, field, shape[name], guideOf(guides, name), lookup(live, field.path))
		if err != nil {
			return nil, err
		}
		if attributes[name], err = toValue(t, declared[name], value); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	return attributes, nil
}

// guide is what is declared where something is to be read.
type guide struct {
	// everything says to read all there is, declared or not.
	everything bool
	declared   any
}

func guideOf(declared map[string]any, name string) guide {
	return guide{everything: declared == nil, declared: declared[name]}
}

// decode returns what is live in the form that attributes have it, as JSON-like
// values. What is not there, or not declared, is nil.
func (f Fields) decode(at string, field Field, t attr.Type, g guide, live any) (any, error) {
	switch {
	case field.form == skipped, !g.everything && g.declared == nil:
		return nil, nil
	case live == nil && isEmpty(g.declared), live == nil && field.form == intOrString && g.declared == "0":
		return g.declared, nil
	case live == nil:
		return nil, nil
	}
	switch t := t.(type) {
	case basetypes.DynamicType:
		return decodeDynamic(field, g, live), nil
	case basetypes.ObjectType:
		return f.decodeObject(at, t, g, live)
	case basetypes.MapType:
		return f.decodeMap(at, field, t, g, live)
	case basetypes.ListType:
		if field.form == keyedList && !g.everything {
			return f.decodeKeyed(at, field, t, g, live)
		}
		return f.decodeList(at, t, g, live)
	}
	return decodeScalar(at, t, g, live)
}

func (f Fields) decodeObject(at string, t basetypes.ObjectType, g guide, live any) (any, error) {
	guides, _ := g.declared.(map[string]any)
	object := map[string]any{}
	for name, attributeType := range t.AttrTypes {
		attributePath := join(at, name)
		field := f.of(attributePath, name)
		child := guide{everything: g.everything, declared: guides[name]}
		value, err := f.decode(attributePath, field, attributeType, child, lookup(live, field.path))
		if err != nil {
			return nil, err
		}
		if value != nil {
			object[name] = value
		}
	}
	if g.everything && len(object) == 0 {
		// What is there is not this attribute's: it shares an object with another.
		return nil, nil
	}
	return object, nil
}

func (f Fields) decodeMap(at string, field Field, t basetypes.MapType, g guide, live any) (any, error) {
	children, _ := live.(map[string]any)
	if list, ok := live.([]any); ok {
		children = byName(list, field.key())
	}
	guides, _ := g.declared.(map[string]any)
	object := map[string]any{}
	for name, liveChild := range children {
		if g.everything && slices.Contains(field.except, name) {
			continue
		}
		child := guide{everything: g.everything, declared: guides[name]}
		value, err := f.decode(join(at, "*"), Field{}, t.ElemType, child, liveChild)
		if err != nil {
			return nil, err
		}
		if value != nil {
			object[name] = value
		}
	}
	if g.everything && len(object) == 0 {
		return nil, nil
	}
	return object, nil
}

// decodeKeyed reads the declared items of a list, wherever they stand in it.
func (f Fields) decodeKeyed(at string, field Field, t basetypes.ListType, g guide, live any) (any, error) {
	items, ok := live.([]any)
	if !ok {
		return nil, fmt.Errorf("%s: the API has %T where a list was expected", at, live)
	}
	guides, _ := g.declared.([]any)
	list := []any{}
	for _, declared := range guides {
		i := slices.IndexFunc(items, func(item any) bool { return f.sameKeys(join(at, "*"), field.keys, declared, item) })
		if i < 0 {
			continue
		}
		value, err := f.decode(join(at, "*"), Field{}, t.ElemType, guide{declared: declared}, items[i])
		if err != nil {
			return nil, err
		}
		list = append(list, value)
	}
	return list, nil
}

func (f Fields) sameKeys(at string, keys []string, declared, live any) bool {
	for _, key := range keys {
		if fmt.Sprint(lookup(declared, []string{key})) != fmt.Sprint(lookup(live, f.of(join(at, key), key).path)) {
			return false
		}
	}
	return true
}

func (f Fields) decodeList(at string, t basetypes.ListType, g guide, live any) (any, error) {
	items, ok := live.([]any)
	if !ok {
		return nil, fmt.Errorf("%s: the API has %T where a list was expected", at, live)
	}
	// With another number of items there is no telling which of them is which.
	guides, _ := g.declared.([]any)
	list := make([]any, len(items))
	for i, item := range items {
		child := guide{everything: true}
		if !g.everything && len(guides) == len(items) {
			child = guide{declared: guides[i]}
		}
		value, err := f.decode(join(at, "*"), Field{}, t.ElemType, child, item)
		if err != nil {
			return nil, err
		}
		list[i] = value
	}
	return list, nil
}

func decodeDynamic(field Field, g guide, live any) any {
	if list, ok := live.([]any); ok && field.form == namedValues {
		live = namesToValues(list)
	}
	if g.everything {
		return live
	}
	return project(g.declared, live)
}

// decodeScalar keeps what was declared if it means what is live, such as the
// number of machines written as text.
func decodeScalar(at string, t attr.Type, g guide, live any) (any, error) {
	text := fmt.Sprint(live)
	if declared := fmt.Sprint(g.declared); g.declared != nil && (declared == text || sameTime(declared, text)) {
		return g.declared, nil
	}
	switch t.(type) {
	case basetypes.StringType:
		return text, nil
	case basetypes.BoolType:
		if value, ok := live.(bool); ok {
			return value, nil
		}
	case basetypes.Int64Type, tfkit.WholeNumberType:
		if value, err := strconv.ParseInt(text, 10, 64); err == nil {
			return value, nil
		}
	}
	return nil, fmt.Errorf("%s: the API has %T where a %s was expected", at, live, t)
}

// byName is the reverse of what Encode does to a named list.
func byName(list []any, key string) map[string]any {
	object := map[string]any{}
	for _, item := range list {
		fields, ok := item.(map[string]any)
		if name, isText := fields[key].(string); ok && isText {
			object[name] = fields
		}
	}
	return object
}

func namesToValues(list []any) map[string]any {
	object := map[string]any{}
	for name, item := range byName(list, "name") {
		object[name] = lookup(item, []string{"value"})
	}
	return object
}
