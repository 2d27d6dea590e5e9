// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package apifields

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

// Structured is an attribute that is written like the nested attribute inside, but
// is of dynamic type: Terraform has no maps and lists of objects in which
// something is dynamic. What Terraform would otherwise do with the nested
// attribute's schema, the Structured attribute does: it documents it, and refuses
// configurations that do not follow it.
type Structured struct {
	schema.DynamicAttribute
	inside schema.Attribute
}

var _ schema.Attribute = Structured{}

// NewStructured makes a nested attribute dynamic. Validators of attributes in it
// must not look at other attributes.
func NewStructured(inside schema.Attribute) Structured {
	return Structured{
		DynamicAttribute: schema.DynamicAttribute{
			MarkdownDescription: inside.GetMarkdownDescription() + "\n" + strings.TrimRight(document(inside, "  "), "\n"),
			Required:            inside.IsRequired(),
			Optional:            inside.IsOptional(),
			PlanModifiers:       []planmodifier.Dynamic{KeepSameJSON()},
			Validators:          []validator.Dynamic{follows{inside}},
		},
		inside: inside,
	}
}

// Types returns the types of a schema's attributes, with the nested types of those
// that are Structured.
func Types(attributes map[string]schema.Attribute) map[string]attr.Type {
	shape := map[string]attr.Type{}
	for name, attribute := range attributes {
		shape[name] = typeOf(attribute)
	}
	return shape
}

func typeOf(attribute schema.Attribute) attr.Type {
	switch attribute := attribute.(type) {
	case Structured:
		return typeOf(attribute.inside)
	case schema.SingleNestedAttribute:
		return types.ObjectType{AttrTypes: Types(attribute.Attributes)}
	case schema.MapNestedAttribute:
		return types.MapType{ElemType: types.ObjectType{AttrTypes: Types(attribute.NestedObject.Attributes)}}
	case schema.ListNestedAttribute:
		return types.ListType{ElemType: types.ObjectType{AttrTypes: Types(attribute.NestedObject.Attributes)}}
	}
	return attribute.GetType()
}

// document lists what can be written inside an attribute, as nested lists in
// Markdown.
func document(attribute schema.Attribute, indent string) string {
	children, form := nested(attribute)
	if children == nil {
		return ""
	}
	text := ""
	if form != "" {
		text = "\n" + indent + form + "\n\n"
	}
	for _, name := range slices.Sorted(maps.Keys(children)) {
		child := children[name]
		kind := "optional"
		if child.IsRequired() {
			kind = "required"
		}
		text += fmt.Sprintf("%s- `%s` (%s) %s\n", indent, name, kind, child.GetMarkdownDescription())
		text += strings.TrimPrefix(document(child, indent+"  "), "\n")
	}
	return text
}

// nested returns the attributes inside an attribute, and how often they come.
func nested(attribute schema.Attribute) (children map[string]schema.Attribute, form string) {
	switch attribute := attribute.(type) {
	case schema.SingleNestedAttribute:
		return attribute.Attributes, ""
	case schema.MapNestedAttribute:
		return attribute.NestedObject.Attributes, "For each name, an object:"
	case schema.ListNestedAttribute:
		return attribute.NestedObject.Attributes, "A list of objects:"
	}
	return nil, ""
}

// follows validates that a dynamic value follows the schema of an attribute.
type follows struct{ inside schema.Attribute }

var _ validator.Dynamic = follows{}

func (follows) Description(context.Context) string { return "has the structure that is documented" }

func (v follows) MarkdownDescription(ctx context.Context) string { return v.Description(ctx) }

func (v follows) ValidateDynamic(ctx context.Context, req validator.DynamicRequest, resp *validator.DynamicResponse) {
	c := checker{ctx: ctx, diags: &resp.Diagnostics}
	c.check(req.Path, v.inside, req.ConfigValue)
}
