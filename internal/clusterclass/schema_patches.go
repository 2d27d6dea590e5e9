// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package clusterclass

import (
	"github.com/hashicorp/terraform-plugin-framework-validators/listvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/terraform-capi/terraform-provider-capi/internal/apifields"
)

func variablesAttribute() apifields.Structured {
	return apifields.NewStructured(schema.MapNestedAttribute{
		MarkdownDescription: "Variables by name, for which clusters give values and which patches use. Changes are made in place.",
		Optional:            true,
		NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
			"required": schema.BoolAttribute{
				MarkdownDescription: "Whether every cluster has to give a value. Default: `false`. Changes are made in place.",
				Optional:            true,
			},
			"schema": schema.DynamicAttribute{
				MarkdownDescription: "OpenAPI v3 schema of the value, with the API's own field names, such as `{ type = \"string\", default = \"\" }`. " +
					"Labels and annotations for tools go into its `x-metadata`. Changes are made in place.",
				Required:      true,
				Validators:    []validator.Dynamic{apifields.IsObject()},
				PlanModifiers: []planmodifier.Dynamic{apifields.KeepSameJSON()},
			},
			"deprecated_v1beta1_metadata": apifields.Metadata("the variable, for tools that read them where version v1beta1 has them; new ones read the schema's `x-metadata`"),
		}},
	})
}

func patchesAttribute() apifields.Structured {
	return apifields.NewStructured(schema.ListNestedAttribute{
		MarkdownDescription: "Patches that customize the templates for a cluster, applied in this order. A change rolls what it changes.",
		Optional:            true,
		NestedObject: schema.NestedAttributeObject{
			Attributes: map[string]schema.Attribute{
				"name": schema.StringAttribute{
					MarkdownDescription: "Name of the patch, unique in the class.",
					Required:            true,
					Validators:          []validator.String{stringvalidator.LengthBetween(1, 256)},
				},
				"description": schema.StringAttribute{
					MarkdownDescription: "What the patch is for. Default: none.",
					Optional:            true,
					Validators:          []validator.String{stringvalidator.LengthBetween(1, 1024)},
				},
				"enabled_if": schema.StringAttribute{
					MarkdownDescription: "Go template that enables the patch where it renders to `true`. Default: always enabled.",
					Optional:            true,
					Validators:          []validator.String{stringvalidator.LengthBetween(1, 256)},
				},
				"definitions": schema.ListNestedAttribute{
					MarkdownDescription: "What the patch changes; at least one, if the patch is not `external`.",
					Optional:            true,
					Validators:          []validator.List{listvalidator.SizeBetween(1, 100)},
					NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
						"selector":     selectorAttribute(),
						"json_patches": jsonPatchesAttribute(),
					}},
				},
				"external": externalAttribute(),
			},
			Validators: []validator.Object{apifields.Exclusive("definitions", "external")},
		},
	})
}

func externalAttribute() schema.SingleNestedAttribute {
	return schema.SingleNestedAttribute{
		MarkdownDescription: "Leaves the patch to a runtime extension. Needs a management cluster with the feature gate `RuntimeSDK`. Conflicts with `definitions`.",
		Optional:            true,
		Attributes: map[string]schema.Attribute{
			"generate_patches_extension":   extensionAttribute("patches the templates", false),
			"validate_topology_extension":  extensionAttribute("validates the patched templates", false),
			"discover_variables_extension": extensionAttribute("adds variables to the class", false),
			"settings": schema.MapAttribute{
				MarkdownDescription: "Settings for the extensions. Default: none.",
				ElementType:         types.StringType,
				Optional:            true,
			},
		},
	}
}

func extensionAttribute(what string, required bool) schema.StringAttribute {
	byDefault := ""
	if !required {
		byDefault = " Default: none."
	}
	return schema.StringAttribute{
		MarkdownDescription: "Name of the extension that " + what + ", as its ExtensionConfig reports it." + byDefault + " Changes are made in place.",
		Required:            required,
		Optional:            !required,
		Validators:          []validator.String{stringvalidator.LengthBetween(1, 512)},
	}
}

func selectorAttribute() schema.SingleNestedAttribute {
	flag := func(description string) schema.BoolAttribute {
		return schema.BoolAttribute{MarkdownDescription: description + " Default: `false`.", Optional: true}
	}
	classes := func(of string) schema.SingleNestedAttribute {
		return schema.SingleNestedAttribute{
			MarkdownDescription: "In " + of + " classes. Default: in none.",
			Optional:            true,
			Attributes: map[string]schema.Attribute{
				"names": schema.ListAttribute{
					MarkdownDescription: "Names of the classes; a `*` at the beginning or end matches anything.",
					ElementType:         types.StringType,
					Required:            true,
					Validators:          []validator.List{listvalidator.SizeBetween(1, 100)},
				},
			},
		}
	}
	return schema.SingleNestedAttribute{
		MarkdownDescription: "The templates that the definition is for. It has to match at least one.",
		Required:            true,
		Attributes: map[string]schema.Attribute{
			"api_version": schema.StringAttribute{MarkdownDescription: "API version of the templates.", Required: true},
			"kind":        schema.StringAttribute{MarkdownDescription: "Kind of the templates.", Required: true},
			"match_resources": schema.SingleNestedAttribute{
				MarkdownDescription: "Where the templates are referred to; any of these.",
				Required:            true,
				Attributes: map[string]schema.Attribute{
					"control_plane":            flag("In `control_plane`, its machine infrastructure included."),
					"infrastructure_cluster":   flag("In `infrastructure`."),
					"machine_deployment_class": classes("machine deployment"),
					"machine_pool_class":       classes("machine pool"),
				},
			},
		},
	}
}

func jsonPatchesAttribute() schema.ListNestedAttribute {
	return schema.ListNestedAttribute{
		MarkdownDescription: "JSON patches, applied in this order; at least one.",
		Required:            true,
		Validators:          []validator.List{listvalidator.SizeBetween(1, 100)},
		NestedObject: schema.NestedAttributeObject{
			Attributes: map[string]schema.Attribute{
				"op": schema.StringAttribute{
					MarkdownDescription: "`add`, `replace` or `remove`.",
					Required:            true,
					Validators:          []validator.String{stringvalidator.OneOf("add", "replace", "remove")},
				},
				"path": schema.StringAttribute{
					MarkdownDescription: "JSON pointer into the template object; begins with `/spec/`.",
					Required:            true,
					Validators:          []validator.String{stringvalidator.LengthBetween(1, 512)},
				},
				"value": schema.DynamicAttribute{
					MarkdownDescription: "The value, for `add` and `replace`. Conflicts with `value_from`. Default: none.",
					Optional:            true,
					PlanModifiers:       []planmodifier.Dynamic{apifields.KeepSameJSON()},
				},
				"value_from": schema.SingleNestedAttribute{
					MarkdownDescription: "Where the value comes from, for `add` and `replace`; exactly one of `variable` and `template`.",
					Optional:            true,
					Validators:          []validator.Object{apifields.Exclusive("variable", "template")},
					Attributes: map[string]schema.Attribute{
						"variable": schema.StringAttribute{
							MarkdownDescription: "A variable of the class, a part of one (`name.part`), or one of Cluster API's own (`builtin.cluster.name`). Default: none.",
							Optional:            true,
							Validators:          []validator.String{stringvalidator.LengthBetween(1, 256)},
						},
						"template": schema.StringAttribute{
							MarkdownDescription: "Go template that renders to YAML or JSON and may use variables. Default: none.",
							Optional:            true,
							Validators:          []validator.String{stringvalidator.LengthBetween(1, 10240)},
						},
					},
				},
			},
			Validators: []validator.Object{apifields.Exclusive("value", "value_from")},
		},
	}
}
