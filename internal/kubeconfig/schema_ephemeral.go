// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package kubeconfig

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework-timeouts/ephemeral/timeouts"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/ephemeral"
	"github.com/hashicorp/terraform-plugin-framework/ephemeral/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/terraform-capi/terraform-provider-capi/internal/tfkit"
)

// Schema describes the ephemeral resource.
func (e *Ephemeral) Schema(ctx context.Context, _ ephemeral.SchemaRequest, resp *ephemeral.SchemaResponse) {
	computed := func(name string, sensitive bool) schema.StringAttribute {
		return schema.StringAttribute{MarkdownDescription: descriptions[name], Computed: true, Sensitive: sensitive}
	}
	resp.Schema = schema.Schema{
		MarkdownDescription: "A kubeconfig of a cluster, for provider blocks and write-only attributes: the administrator's, or one with credentials that " +
			"the cluster issues for a user or a service account, new ones each time. It is stored nowhere.",
		Attributes: map[string]schema.Attribute{
			"cluster_id": schema.StringAttribute{
				MarkdownDescription: "The `id` of the `capi_cluster`. It is known only when the cluster exists, so that nothing is opened before.",
				Required:            true,
				Validators:          []validator.String{isClusterID{}},
			},
			"endpoint": schema.StringAttribute{
				MarkdownDescription: descriptions["endpoint"],
				Optional:            true,
				Computed:            true,
				Validators:          []validator.String{stringvalidator.OneOf(endpointExternal, endpointInternal)},
			},
			"user": schema.StringAttribute{
				MarkdownDescription: descriptions["user"],
				Optional:            true,
				Validators:          userValidators,
			},
			"groups": schema.SetAttribute{
				MarkdownDescription: descriptions["groups"],
				ElementType:         types.StringType,
				Optional:            true,
				Validators:          groupsValidators,
			},
			"service_account": schema.SingleNestedAttribute{
				MarkdownDescription: descriptions["service_account"],
				Optional:            true,
				Attributes: map[string]schema.Attribute{
					"namespace": schema.StringAttribute{
						MarkdownDescription: descriptions["service_account.namespace"],
						Optional:            true,
						Validators:          []validator.String{tfkit.DNSLabel(validation.DNS1123LabelMaxLength)},
					},
					"name": schema.StringAttribute{
						MarkdownDescription: descriptions["service_account.name"],
						Required:            true,
						Validators:          []validator.String{tfkit.DNSSubdomain()},
					},
				},
			},
			"ttl": schema.StringAttribute{
				MarkdownDescription: descriptions["ttl"] + " Default: `24h`.",
				Optional:            true,
				Validators:          ttlValidators,
			},
			"on_missing": schema.StringAttribute{
				MarkdownDescription: "What happens if the cluster, or its management cluster, is gone or going. `warn`: all values are null, with a warning, so that what is left can still be destroyed. " +
					"`error`: the plan or apply fails. Default: `warn`.",
				Optional:   true,
				Computed:   true,
				Validators: []validator.String{stringvalidator.OneOf(onMissingWarn, onMissingError)},
			},
			"timeouts":               timeoutsAttribute(ctx),
			"kubeconfig":             computed("kubeconfig", true),
			"host":                   computed("host", false),
			"cluster_ca_certificate": computed("cluster_ca_certificate", false),
			"client_certificate":     computed("client_certificate", true),
			"client_key":             computed("client_key", true),
			"token":                  computed("token", true),
			"expires_at":             computed("expires_at", false),
		},
	}
}

func timeoutsAttribute(ctx context.Context) schema.Attribute {
	attribute := timeouts.AttributesWithOpts(ctx, timeouts.Opts{
		OpenDescription: "For how long to wait for a kubeconfig that does not exist yet, as a positive duration such as `90s`. Default: `2m`.",
	})
	if nested, ok := attribute.(schema.SingleNestedAttribute); ok {
		nested.MarkdownDescription = "For how long operations wait."
		if open, ok := nested.Attributes["open"].(schema.StringAttribute); ok {
			open.Validators = []validator.String{tfkit.Duration()}
			nested.Attributes["open"] = open
		}
		return nested
	}
	return attribute
}
