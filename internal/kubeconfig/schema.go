// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package kubeconfig

import (
	"context"
	"time"

	"github.com/hashicorp/terraform-plugin-framework-validators/setvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringdefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/terraform-capi/terraform-provider-capi/internal/tfkit"
)

// Cluster API makes the kubeconfig as soon as the endpoint is known.
var defaultTimeouts = tfkit.Timeouts{Create: 5 * time.Minute, Update: 5 * time.Minute}

// descriptions of the attributes that both have.
var descriptions = map[string]string{
	"endpoint": "From where the kubeconfig is used: `" + endpointExternal + "`, from the machine that runs Terraform, or `" + endpointInternal +
		"`, from the network that the cluster's machines are in. Default: `" + endpointExternal + "`.",
	"kubeconfig":             "The kubeconfig, as YAML.",
	"host":                   "URL of the API server.",
	"cluster_ca_certificate": "Certificate of the cluster's certificate authority, as PEM.",
	"client_certificate":     "The client's certificate, as PEM; null if the kubeconfig has none.",
	"client_key":             "The client's key, as PEM; null if the kubeconfig has none.",
	"token":                  "The client's token; null if the kubeconfig has none.",
	"expires_at":             "When the client's certificate or token expires, as RFC 3339: what was issued, which may be earlier than what was asked for. Null if it never does, or is not known.",
	"user": "Name of a user for whom the cluster issues a client certificate. Excludes `service_account`. What the user may do, bindings of roles in the cluster say. " +
		"Certificates cannot be revoked; a token of a service account can. Default: the administrator, whose credentials Cluster API keeps.",
	"groups":                    "Groups of the `user`. `system:masters`, from which Kubernetes cannot take any permission, is refused. Default: none.",
	"service_account":           "A service account of the cluster, for which the cluster issues a token. Deleting the service account revokes it. Excludes `user`.",
	"service_account.namespace": "Namespace of the service account. Default: `default`.",
	"service_account.name":      "Name of the service account. It has to exist.",
	"ttl":                       "How long what is issued for `user` or `service_account` is valid, at least `10m`. The cluster may shorten it.",
}

const changed = " A change has new credentials issued; other changes keep them."

var (
	userValidators   = []validator.String{stringvalidator.LengthAtLeast(1), stringvalidator.ConflictsWith(path.MatchRoot("service_account"))}
	groupsValidators = []validator.Set{
		setvalidator.AlsoRequires(path.MatchRoot("user")), setvalidator.ValueStringsAre(stringvalidator.LengthAtLeast(1), isRevocableGroup{}),
	}
	ttlValidators = []validator.String{tfkit.Duration(), isLongEnough{}, needsIdentity{}}
)

// Schema describes the resource.
func (r *Resource) Schema(ctx context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	secret := func(name string) schema.StringAttribute {
		return schema.StringAttribute{MarkdownDescription: descriptions[name], Computed: true, Sensitive: true}
	}
	public := func(name string) schema.StringAttribute {
		return schema.StringAttribute{MarkdownDescription: descriptions[name], Computed: true}
	}
	resp.Schema = schema.Schema{
		MarkdownDescription: "A kubeconfig of a cluster, **stored in the state**: the administrator's, or one with credentials that the cluster issues for a user or a service account. " +
			"Where Terraform 1.10 or OpenTofu 1.11 can be had, the ephemeral resource of the same name does without the state. " +
			"Destroying it destroys nothing, and revokes nothing.",
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
			"user": schema.StringAttribute{
				MarkdownDescription: descriptions["user"] + changed,
				Optional:            true,
				Validators:          userValidators,
			},
			"groups": schema.SetAttribute{
				MarkdownDescription: descriptions["groups"] + changed,
				ElementType:         types.StringType,
				Optional:            true,
				Validators:          groupsValidators,
			},
			"service_account": schema.SingleNestedAttribute{
				MarkdownDescription: descriptions["service_account"] + changed,
				Optional:            true,
				Attributes: map[string]schema.Attribute{
					"namespace": schema.StringAttribute{
						MarkdownDescription: descriptions["service_account.namespace"] + changed,
						Optional:            true,
						Validators:          []validator.String{tfkit.DNSLabel(validation.DNS1123LabelMaxLength)},
					},
					"name": schema.StringAttribute{
						MarkdownDescription: descriptions["service_account.name"] + changed,
						Required:            true,
						Validators:          []validator.String{tfkit.DNSSubdomain()},
					},
				},
			},
			"ttl": schema.StringAttribute{
				MarkdownDescription: descriptions["ttl"] + " When two thirds of that have passed, the next plan renews it. Default: `720h`." + changed,
				Optional:            true,
				Validators:          ttlValidators,
			},
			"timeouts":               defaultTimeouts.Attribute(ctx),
			"kubeconfig":             secret("kubeconfig"),
			"host":                   public("host"),
			"cluster_ca_certificate": public("cluster_ca_certificate"),
			"client_certificate":     secret("client_certificate"),
			"client_key":             secret("client_key"),
			"token":                  secret("token"),
			"expires_at":             public("expires_at"),
		},
	}
}
