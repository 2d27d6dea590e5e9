// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package apifields

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	datasource "github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/types/basetypes"

	"github.com/terraform-capi/terraform-provider-capi/internal/tfkit"
)

// Computed returns attributes of a resource as a data source has them, which
// reads what a resource declares. Their types stay the same. Those at the paths
// sensitive, such as "topology.variables", are kept out of what Terraform prints.
func Computed(attributes map[string]schema.Attribute, sensitive ...string) map[string]datasource.Attribute {
	return reading{sensitive: sensitive}.attributes("", attributes)
}

// reading makes attributes that are read.
type reading struct{ sensitive []string }

func (r reading) attributes(at string, attributes map[string]schema.Attribute) map[string]datasource.Attribute {
	read := map[string]datasource.Attribute{}
	for name, attribute := range attributes {
		read[name] = r.attribute(join(at, name), attribute)
	}
	return read
}

func (r reading) attribute(at string, attribute schema.Attribute) datasource.Attribute {
	// Of a data source nobody changes anything.
	description := strings.ReplaceAll(attribute.GetMarkdownDescription(), inPlace, "")
	sensitive := slices.Contains(r.sensitive, at)
	switch attribute := attribute.(type) {
	case schema.SingleNestedAttribute:
		return datasource.SingleNestedAttribute{
			MarkdownDescription: description, Computed: true, Sensitive: sensitive, Attributes: r.attributes(at, attribute.Attributes),
		}
	case schema.MapNestedAttribute:
		return datasource.MapNestedAttribute{
			MarkdownDescription: description, Computed: true, Sensitive: sensitive, NestedObject: r.object(at, attribute.NestedObject),
		}
	case schema.ListNestedAttribute:
		return datasource.ListNestedAttribute{
			MarkdownDescription: description, Computed: true, Sensitive: sensitive, NestedObject: r.object(at, attribute.NestedObject),
		}
	}
	return computedValue(attribute.GetType(), description, sensitive)
}

func (r reading) object(at string, object schema.NestedAttributeObject) datasource.NestedAttributeObject {
	return datasource.NestedAttributeObject{Attributes: r.attributes(at, object.Attributes)}
}

func computedValue(t attr.Type, description string, sensitive bool) datasource.Attribute {
	switch t := t.(type) {
	case basetypes.StringType:
		return datasource.StringAttribute{MarkdownDescription: description, Computed: true, Sensitive: sensitive}
	case basetypes.BoolType:
		return datasource.BoolAttribute{MarkdownDescription: description, Computed: true, Sensitive: sensitive}
	case basetypes.Int64Type, tfkit.WholeNumberType:
		return datasource.Int64Attribute{MarkdownDescription: description, Computed: true, Sensitive: sensitive}
	case basetypes.DynamicType:
		return datasource.DynamicAttribute{MarkdownDescription: description, Computed: true, Sensitive: sensitive}
	case basetypes.ListType:
		return datasource.ListAttribute{MarkdownDescription: description, Computed: true, Sensitive: sensitive, ElementType: t.ElemType}
	case basetypes.MapType:
		return datasource.MapAttribute{MarkdownDescription: description, Computed: true, Sensitive: sensitive, ElementType: t.ElemType}
	}
	// Schemas are made when the provider starts, so that every test finds this.
	panic(fmt.Sprintf("data sources have no attributes of type %s", t))
}
