// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package clusterclass

import (
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

func manifestAttribute() schema.StringAttribute {
	return schema.StringAttribute{
		MarkdownDescription: "The class as YAML: a ClusterClass and the templates that it refers to, such as `file(\"clusterclass-quick-start.yaml\")`. " +
			"The result is the same as that of the attributes `infrastructure`, `control_plane`, `workers`, `variables`, `patches`, `availability_gates`, " +
			"`kubernetes_versions` and `upgrade`, with which it conflicts; the names of templates in it are of no importance. " +
			"Templates may be of any API version, and the ClusterClass of `v1beta2` or `v1beta1`. Lists (`kind: List`) count as their items. " +
			"Labels and annotations of the ClusterClass in it count as declared. " +
			"A remediation template that a health check refers to belongs to the class if it is in the manifest; if it is not, it has to exist. " +
			"Nothing in the text is replaced, unless `manifest_variables` is set. " +
			"It is in the state, in plans and in the class's objects as it is: give secrets by reference, as with `contentFrom.secret` of a file. " +
			"Default: none. Changes are made in place; one of formatting and comments alone is none.",
		Optional:      true,
		PlanModifiers: []planmodifier.String{keepSameManifest{}},
	}
}

func manifestVariablesAttribute() schema.MapAttribute {
	return schema.MapAttribute{
		MarkdownDescription: "Says that `manifest` has variables of clusterctl, and gives them values, by name: " +
			"`{}` if all have defaults. The whole text becomes what `clusterctl generate` makes of it with these values in its environment, so that `$${...}` becomes `${...}`. " +
			"In an HCL string that is written in place of a file, `$${NAME}` stands for `${NAME}`. " +
			"They are in the state and in plans, and what they fill in is in the class's objects: give secrets by reference. " +
			"A variable without value and default is an error. Errors show `${NAME}` instead of a value of six characters or more. " +
			"Default: none, and the text is taken as it is. Changes are made in place.",
		ElementType: types.StringType,
		Optional:    true,
	}
}

func manifestClassAttribute() schema.StringAttribute {
	return schema.StringAttribute{
		MarkdownDescription: "Name of the ClusterClass in `manifest` that is meant. Default: the only one; required, if there are several. " +
			"A change that makes `name` another one replaces the class.",
		Optional:   true,
		Validators: []validator.String{stringvalidator.LengthAtLeast(1)},
	}
}

func manifestClassOnlyAttribute() schema.BoolAttribute {
	return schema.BoolAttribute{
		MarkdownDescription: "Whether to leave out all documents of `manifest` that are not the ClusterClass and its templates, such as a Cluster, " +
			"a ClusterResourceSet, other classes, and templates that the class does not refer to. `left_out` lists them. " +
			"Default: `false`, and they are errors. Changes are made in place.",
		Optional: true,
	}
}

func leftOutAttribute() schema.ListAttribute {
	return schema.ListAttribute{
		MarkdownDescription: "The documents of `manifest` that `manifest_class_only` leaves out, as `KIND [NAMESPACE/]NAME`. Not set without it.",
		ElementType:         types.StringType,
		Computed:            true,
	}
}
