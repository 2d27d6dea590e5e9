// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package kubeconfig

import (
	"context"
	"errors"
	"time"

	"github.com/hashicorp/terraform-plugin-framework-timeouts/ephemeral/timeouts"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/ephemeral"
	"github.com/hashicorp/terraform-plugin-framework/ephemeral/schema"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/terraform-capi/terraform-provider-capi/internal/management"
	"github.com/terraform-capi/terraform-provider-capi/internal/session"
	"github.com/terraform-capi/terraform-provider-capi/internal/tfkit"
)

var _ ephemeral.EphemeralResourceWithConfigure = (*Ephemeral)(nil)

// defaultTimeout is how long opening waits for a kubeconfig that does not exist
// yet. A cluster that was waited for has one.
const defaultTimeout = 2 * time.Minute

// Ephemeral is capi_kubeconfig that is never stored.
type Ephemeral struct {
	session *session.Session
}

type ephemeralModel struct {
	model
	Timeouts timeouts.Value `tfsdk:"timeouts"`
}

// NewEphemeral returns the ephemeral resource.
func NewEphemeral() ephemeral.EphemeralResource { return &Ephemeral{} }

// Metadata names the ephemeral resource.
func (e *Ephemeral) Metadata(_ context.Context, _ ephemeral.MetadataRequest, resp *ephemeral.MetadataResponse) {
	resp.TypeName = ResourceType
}

// Configure takes the session over from the provider.
func (e *Ephemeral) Configure(_ context.Context, req ephemeral.ConfigureRequest, resp *ephemeral.ConfigureResponse) {
	s, diags := tfkit.ProviderData(req.ProviderData)
	resp.Diagnostics.Append(diags...)
	e.session = s
}

// Schema describes the ephemeral resource.
func (e *Ephemeral) Schema(ctx context.Context, _ ephemeral.SchemaRequest, resp *ephemeral.SchemaResponse) {
	computed := func(name string, sensitive bool) schema.StringAttribute {
		return schema.StringAttribute{MarkdownDescription: descriptions[name], Computed: true, Sensitive: sensitive}
	}
	resp.Schema = schema.Schema{
		MarkdownDescription: "The administrator's kubeconfig of a cluster, for provider blocks and write-only attributes. It is stored nowhere. " +
			"All values are null, with a warning, if the cluster is gone or going, so that what is left can still be destroyed.",
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
			"timeouts":                      timeoutsAttribute(ctx),
			"kubeconfig":                    computed("kubeconfig", true),
			"host":                          computed("host", false),
			"cluster_ca_certificate":        computed("cluster_ca_certificate", false),
			"client_certificate":            computed("client_certificate", true),
			"client_key":                    computed("client_key", true),
			"client_certificate_expires_at": computed("client_certificate_expires_at", false),
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

// Open reads the kubeconfig.
func (e *Ephemeral) Open(ctx context.Context, req ephemeral.OpenRequest, resp *ephemeral.OpenResponse) {
	var config ephemeralModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &config)...)
	timeout, diags := config.Timeouts.Open(ctx, defaultTimeout)
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() {
		return
	}
	if config.Endpoint.IsNull() {
		config.Endpoint = types.StringValue(endpointExternal)
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	mgmt, found, err := fetch(ctx, e.session, &config.model, management.Identity{})
	switch {
	case errors.Is(err, errGone), errors.Is(err, management.ErrNotFound):
		// A destroy opens this too, in its plan and again in its apply.
		resp.Diagnostics.AddAttributeWarning(path.Root("cluster_id"), "No kubeconfig", "The values are null, because "+err.Error()+".")
	case err != nil && mgmt == nil:
		resp.Diagnostics.Append(tfkit.ConnectError(err))
		return
	case err != nil:
		resp.Diagnostics.Append(fetchDiagnostic(&config.model, err))
		return
	}
	config.set(found)
	resp.Diagnostics.Append(resp.Result.Set(ctx, config)...)
}
