// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package tfkit

import (
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/terraform-capi/terraform-provider-capi/internal/redact"
)

// ConditionsAttribute has the conditions of an object. what names the object, as
// in "the Cluster object".
func ConditionsAttribute(what string) schema.MapNestedAttribute {
	return schema.MapNestedAttribute{
		MarkdownDescription: "The conditions of " + what + ", by type.",
		Computed:            true,
		NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
			"status":  schema.StringAttribute{MarkdownDescription: "`True`, `False` or `Unknown`.", Computed: true},
			"reason":  schema.StringAttribute{MarkdownDescription: "Why, in one word.", Computed: true},
			"message": schema.StringAttribute{MarkdownDescription: "Why, for people; may be empty.", Computed: true},
		}},
	}
}

// Conditions is the value of a ConditionsAttribute.
func Conditions(conditions []metav1.Condition) types.Map {
	t := types.ObjectType{AttrTypes: map[string]attr.Type{"status": types.StringType, "reason": types.StringType, "message": types.StringType}}
	values := map[string]attr.Value{}
	for _, c := range conditions {
		values[c.Type] = types.ObjectValueMust(t.AttrTypes, map[string]attr.Value{
			"status":  types.StringValue(string(c.Status)),
			"reason":  types.StringValue(c.Reason),
			"message": types.StringValue(redact.Text(c.Message)),
		})
	}
	return types.MapValueMust(t, values)
}
