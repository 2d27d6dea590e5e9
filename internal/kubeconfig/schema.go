// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package kubeconfig

import (
	"context"
	"time"

	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringdefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"

	"github.com/terraform-capi/terraform-provider-capi/internal/tfkit"
)

// Cluster API makes the kubeconfig as soon as the endpoint is known.
var defaultTimeouts = tfkit.Timeouts{Create: 5 * time.Minute, Update: 5 * time.Minute}

// descriptions of the attributes that both have.
var descriptions = map[string]string{
	"endpoint": "From where the kubeconfig is used: `" + endpointExternal + "`, from the machine that runs Terraform, or `" + endpointInternal +
		"`, from the network that the cluster's machines are in. Default: `" + endpointExternal + "`.",
	"kubeconfig":                    "The kubeconfig, as YAML.",
	"host":                          "URL of the API server.",
	"cluster_ca_certificate":        "Certificate of the cluster's certificate authority, as PEM.",
	"client_certificate":            "The client's certificate, as PEM; null if the kubeconfig has none.",
	"client_key":                    "The client's key, as PEM; null if the kubeconfig has none.",
	"client_certificate_expires_at": "When the client's certificate expires, as RFC 3339. Cluster API renews it in good time, which the next refresh notices. Null if there is none.",
}

// Schema describes the resource.
func (r *Resource) Schema(ctx context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	secret := func(name string) schema.StringAttribute {
		return schema.StringAttribute{MarkdownDescription: descriptions[name], Computed: true, Sensitive: true}
	}
	public := func(name string) schema.StringAttribute {
		return schema.StringAttribute{MarkdownDescription: descriptions[name], Computed: true}
	}
	resp.Schema = schema.Schema{
		MarkdownDescription: "The administrator's kubeconfig of a cluster, **stored in the state**. " +
			"Where Terraform 1.10 or OpenTofu 1.11 can be had, the ephemeral resource of the same name does without that. " +
			"Destroying it destroys nothing.",
		Attributes: map[string]schema.Attribute{
			"cluster_id": schema.StringAttribute{
				MarkdownDescription: "The `id` of the `capi_cluster`. A change replaces the resource. Also the id to import it by.",
				Required:            true,
				Validators:          []validator.String{isClusterID{}},
				PlanModifiers:       []planmodifier.String{stringplanmodifier.RequiresReplace()},
			},
			"endpoint": schema.StringAttribute{
				MarkdownDescription: descriptions["endpoint"] + " Changes are made in place.",
				Optional:            true,
				Computed:            true,
				Default:             stringdefault.StaticString(endpointExternal),
				Validators:          []validator.String{stringvalidator.OneOf(endpointExternal, endpointInternal)},
			},
			"timeouts":                      defaultTimeouts.Attribute(ctx),
			"kubeconfig":                    secret("kubeconfig"),
			"host":                          public("host"),
			"cluster_ca_certificate":        public("cluster_ca_certificate"),
			"client_certificate":            secret("client_certificate"),
			"client_key":                    secret("client_key"),
			"client_certificate_expires_at": public("client_certificate_expires_at"),
		},
	}
}
