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

// Taints are the taints of nodes. Their field is TaintKeys.
func Taints() schema.ListNestedAttribute {
	return schema.ListNestedAttribute{
		MarkdownDescription: "Taints of the nodes; one to 64, if set. Only the taints declared here are managed. " +
			"Needs a management cluster with the feature gate `MachineTaintPropagation`." + inPlace,
		Optional:   true,
		Validators: []validator.List{listvalidator.SizeBetween(1, 64)},
		NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
			"key": schema.StringAttribute{
				MarkdownDescription: "Key of the taint, such as `example.com/gpu`." + inPlace,
				Required:            true,
				Validators:          []validator.String{tfkit.LabelKey()},
			},
			"value": schema.StringAttribute{
				MarkdownDescription: "Value of the taint. Default: none." + inPlace,
				Optional:            true,
				Validators:          []validator.String{stringvalidator.LengthAtLeast(1), tfkit.LabelValue()},
			},
			"effect": schema.StringAttribute{
				MarkdownDescription: "What happens to pods that do not tolerate the taint: `NoSchedule`, `PreferNoSchedule` or `NoExecute`." + inPlace,
				Required:            true,
				Validators:          []validator.String{stringvalidator.OneOf("NoSchedule", "PreferNoSchedule", "NoExecute")},
			},
			"propagation": schema.StringAttribute{
				MarkdownDescription: "`Always` keeps the taint on the nodes; `OnInitialization` sets it on new nodes, from which others may remove it." + inPlace,
				Required:            true,
				Validators:          []validator.String{stringvalidator.OneOf("Always", "OnInitialization")},
			},
		}},
	}
}

// TaintKeys is the field of Taints.
func TaintKeys() Field { return KeyedList("key", "effect") }
