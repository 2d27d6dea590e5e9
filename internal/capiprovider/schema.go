// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package capiprovider

import (
	"context"
	"time"

	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"

	"github.com/terraform-capi/terraform-provider-capi/controllers/config"
	"github.com/terraform-capi/terraform-provider-capi/internal/bundle"
	"github.com/terraform-capi/terraform-provider-capi/internal/tfkit"
)

var defaultTimeouts = tfkit.Timeouts{Create: 10 * time.Minute, Update: 10 * time.Minute, Delete: 10 * time.Minute}

// Schema describes the resource.
func (r *Resource) Schema(ctx context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "A Cluster API provider in a management cluster: its kinds, its webhooks and its controllers. " +
			"The controllers are part of this Terraform provider's own executable, so nothing is downloaded; " +
			"a new version of the Terraform provider shows as an update in place. " +
			"An older one refuses to change or uninstall what a newer one installed.\n\n" +
			"A working Cluster API takes one of each type. A provider that is installed already is not taken over, but can be imported. " +
			"A provider refuses to be destroyed while objects of its kinds exist. What it did not apply stays, such as a namespace that was there before.",
		Attributes: map[string]schema.Attribute{
			"id":                 tfkit.IDAttribute("`[MANAGEMENT_CLUSTER/]NAME`"),
			"management_cluster": tfkit.ManagementClusterAttribute(),
			"name": schema.StringAttribute{
				MarkdownDescription: "Name of the provider, one of `cluster-api`, `bootstrap-kubeadm`, `control-plane-kubeadm` and " +
					"`infrastructure-docker`. A change replaces the provider.",
				Required:      true,
				Validators:    []validator.String{stringvalidator.OneOf(config.Names()...)},
				PlanModifiers: []planmodifier.String{stringplanmodifier.RequiresReplace()},
			},
			"image": schema.StringAttribute{
				MarkdownDescription: "Image of the controllers. Default: for a KinD cluster on this machine, this provider's own executable, which is loaded into its nodes; " +
					"elsewhere, the image that was released with this version of the provider. A build from source has none there, and needs a reference. " +
					"A change is made in place.",
				Optional:   true,
				Computed:   true,
				Validators: []validator.String{tfkit.ImageReference()},
			},
			"manager":    managerAttribute(),
			"deployment": deploymentAttribute(),
			"timeouts":   defaultTimeouts.Attribute(ctx),
			"namespace": schema.StringAttribute{
				MarkdownDescription: "Namespace of the controllers.",
				Computed:            true,
			},
			"type": schema.StringAttribute{
				MarkdownDescription: "Type of the provider: `CoreProvider`, `BootstrapProvider`, `ControlPlaneProvider` or `InfrastructureProvider`.",
				Computed:            true,
			},
			"version": schema.StringAttribute{
				MarkdownDescription: "Version of Cluster API that the provider is made from.",
				Computed:            true,
			},
			"provider_version": schema.StringAttribute{
				MarkdownDescription: "Version of the Terraform provider that installed the provider. Null if another tool did; `dev` for a build from source without a version.",
				Computed:            true,
			},
			"installed_by": schema.StringAttribute{
				MarkdownDescription: "Who installed what is installed now: `" + bundle.ByTerraform + "`, `" + bundle.ByClusterctl + "` or `" + bundle.ByOperator + "`.",
				Computed:            true,
			},
			"ready": schema.BoolAttribute{
				MarkdownDescription: "Whether the controllers are available and run as declared, and the webhooks answer. If not, the next apply installs the provider again and waits.",
				Computed:            true,
			},
		},
	}
}
