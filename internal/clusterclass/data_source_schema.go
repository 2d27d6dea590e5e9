// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package clusterclass

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	resourceschema "github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/terraform-capi/terraform-provider-capi/internal/apifields"
	"github.com/terraform-capi/terraform-provider-capi/internal/tfkit"
)

// Schema describes the data source.
func (d *DataSource) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	kind := func(what string) schema.StringAttribute {
		return schema.StringAttribute{MarkdownDescription: "Kind of the template of " + what + ".", Computed: true}
	}
	workers := func(what string) schema.MapNestedAttribute {
		return schema.MapNestedAttribute{
			MarkdownDescription: "The " + what + " that clusters of the class can have, by class name.",
			Computed:            true,
			NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
				"bootstrap_kind":      kind("the bootstrap configuration"),
				"infrastructure_kind": kind("the machines"),
			}},
		}
	}
	text := func(what string) schema.MapAttribute {
		return schema.MapAttribute{MarkdownDescription: what + " of the ClusterClass object.", ElementType: types.StringType, Computed: true}
	}
	attributes := apifields.Computed(map[string]resourceschema.Attribute{"conditions": tfkit.ConditionsAttribute("the ClusterClass object")}, "conditions.message")
	annotations := text("Annotations")
	// kubectl notes the whole object in one, values of patches included.
	annotations.Sensitive = true
	for name, attribute := range map[string]schema.Attribute{
		"labels":                     text("Labels"),
		"annotations":                annotations,
		"infrastructure_kind":        kind("what a cluster has besides machines, such as `DockerClusterTemplate`"),
		"control_plane_kind":         kind("the control plane, such as `KubeadmControlPlaneTemplate`"),
		"control_plane_machine_kind": kind("the control plane's machines; null if it does not consist of machines"),
		"machine_deployment_classes": workers("machine deployments"),
		"machine_pool_classes":       workers("machine pools"),
		"variables": schema.DynamicAttribute{
			MarkdownDescription: "The variables that clusters give values for, by name. Each has `required`, whether every cluster has to give a value; " +
				"`schema`, the OpenAPI v3 schema of the value; and `from`, which is `inline` or the patch whose runtime extension adds the variable. " +
				"The function `class_variables_template` makes values of them to start from.",
			Computed: true,
		},
		"kubernetes_versions": schema.ListAttribute{
			MarkdownDescription: "The Kubernetes versions that clusters may have, oldest first; null if the class does not say. " +
				"The functions `next_versions` and `upgrade_path` take them.",
			ElementType: types.StringType,
			Computed:    true,
		},
		"ready": schema.BoolAttribute{
			MarkdownDescription: "Whether Cluster API has accepted the class and its variables as it is now.",
			Computed:            true,
		},
	} {
		attributes[name] = attribute
	}
	resp.Schema = schema.Schema{
		MarkdownDescription: "A ClusterClass that exists, whoever made it: what clusters can be made of.",
		Attributes:          tfkit.DataSource("ClusterClass", attributes),
	}
}
