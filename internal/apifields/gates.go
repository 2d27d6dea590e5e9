// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package apifields

import (
	"github.com/hashicorp/terraform-plugin-framework-validators/listvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"

	"github.com/terraform-capi/terraform-provider-capi/internal/tfkit"
)

// ReadinessGates are further conditions that make a Machine ready. Their field is
// Gates.
func ReadinessGates() schema.ListNestedAttribute {
	return gates("Further conditions of a Machine that have to hold before it is ready.")
}

// AvailabilityGates are further conditions that make a Cluster available. Their
// field is Gates.
func AvailabilityGates(description string) schema.ListNestedAttribute { return gates(description) }

// Gates is the field of readiness and availability gates.
func Gates() Field { return KeyedList("condition_type") }

func gates(description string) schema.ListNestedAttribute {
	return schema.ListNestedAttribute{
		MarkdownDescription: description + " One to 32, if set. Only the gates declared here are managed." + inPlace,
		Optional:            true,
		Validators:          []validator.List{listvalidator.SizeBetween(1, 32)},
		NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
			"condition_type": schema.StringAttribute{
				MarkdownDescription: "Type of the condition." + inPlace,
				Required:            true,
				Validators:          []validator.String{tfkit.LabelKey()},
			},
			"polarity": schema.StringAttribute{
				MarkdownDescription: "`Positive` if the condition should be true, `Negative` if it should be false. Default: `Positive`." + inPlace,
				Optional:            true,
				Validators:          []validator.String{stringvalidator.OneOf("Positive", "Negative")},
			},
		}},
	}
}
