// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package clusterclass

import (
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"

	"github.com/terraform-capi/terraform-provider-capi/internal/apifields"
	"github.com/terraform-capi/terraform-provider-capi/internal/tfkit"
)

func templateAttribute(what string) schema.SingleNestedAttribute {
	return schema.SingleNestedAttribute{
		MarkdownDescription: "Template of " + what + ". A change makes a new template object, and rolls what is made from it.",
		Required:            true,
		Attributes: map[string]schema.Attribute{
			"api_version": schema.StringAttribute{
				MarkdownDescription: "API group and version of the template, such as `infrastructure.cluster.x-k8s.io/v1beta2`.",
				Required:            true,
				Validators:          []validator.String{stringvalidator.LengthBetween(1, 317)},
			},
			"kind": schema.StringAttribute{
				MarkdownDescription: "Kind of the template, such as `DockerClusterTemplate`. Cluster API refuses to change it to another provider's.",
				Required:            true,
				Validators:          []validator.String{stringvalidator.LengthBetween(1, 63)},
			},
			"spec": schema.DynamicAttribute{
				MarkdownDescription: "What stands in the template object's `spec.template.spec`, with the API's own field names. " +
					"Fields that are not set here are not managed. They are in the state, in plans and in the template object as they are: " +
					"give secrets by reference, as with `contentFrom.secret` of a file. Default: the template is empty, which not every kind may be.",
				Optional:      true,
				Validators:    []validator.Dynamic{apifields.IsObject()},
				PlanModifiers: []planmodifier.Dynamic{apifields.KeepSameJSON()},
			},
			"extra_spec": schema.DynamicAttribute{
				MarkdownDescription: "What stands in the template object's `spec` beside `template`, which few kinds have, " +
					"such as the `nodeReuse` of a Metal3MachineTemplate. Default: nothing.",
				Optional:      true,
				Validators:    []validator.Dynamic{apifields.IsObject()},
				PlanModifiers: []planmodifier.Dynamic{apifields.KeepSameJSON()},
			},
			"metadata":    apifields.Metadata("what is made from the template (`spec.template.metadata`)"),
			"labels":      tfkit.LabelsAttribute("the template object itself, and of its copies for each cluster"),
			"annotations": tfkit.AnnotationsAttribute("the template object itself, and of its copies for each cluster"),
		},
	}
}

func namingAttribute(what, example string) schema.SingleNestedAttribute {
	return schema.SingleNestedAttribute{
		MarkdownDescription: "How " + what + " is named. Changes are made in place and concern new objects.",
		Optional:            true,
		Attributes: map[string]schema.Attribute{
			"template": schema.StringAttribute{
				MarkdownDescription: "Go template of the name, such as `" + example + "`. Names of more than 63 characters are cut. Default: the example.",
				Required:            true,
				Validators:          []validator.String{stringvalidator.LengthBetween(1, 1024)},
			},
		},
	}
}
