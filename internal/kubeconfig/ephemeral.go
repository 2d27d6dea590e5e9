// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package kubeconfig

import (
	"context"
	"errors"
	"time"

	"github.com/hashicorp/terraform-plugin-framework-timeouts/ephemeral/timeouts"
	"github.com/hashicorp/terraform-plugin-framework/ephemeral"
	"github.com/hashicorp/terraform-plugin-framework/path"
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
	identityModel
	OnMissing types.String   `tfsdk:"on_missing"`
	Timeouts  timeouts.Value `tfsdk:"timeouts"`
}

// What opening does while the cluster is gone.
const (
	onMissingWarn  = "warn"
	onMissingError = "error"
)

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

// Open reads the kubeconfig, and has credentials issued. Each time they are new ones.
func (e *Ephemeral) Open(ctx context.Context, req ephemeral.OpenRequest, resp *ephemeral.OpenResponse) {
	var config ephemeralModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &config)...)
	timeout, diags := config.Timeouts.Open(ctx, defaultTimeout)
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() {
		return
	}
	who, diags := config.identity(ctx, defaultFleetingTTL)
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() {
		return
	}
	if config.Endpoint.IsNull() {
		config.Endpoint = types.StringValue(endpointExternal)
	}
	if config.OnMissing.IsNull() {
		config.OnMissing = types.StringValue(onMissingWarn)
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	mgmt, found, err := fetch(ctx, e.session, &config.model, management.Identity{}, credentialsFor(who, config.Endpoint.ValueString()))
	missing := errors.Is(err, errGone) || errors.Is(err, management.ErrNotFound)
	switch {
	case missing && config.OnMissing.ValueString() == onMissingWarn:
		// A destroy opens this too, in its plan and again in its apply.
		resp.Diagnostics.AddAttributeWarning(path.Root("cluster_id"), "No kubeconfig", "The values are null, because "+err.Error()+".")
	case err != nil && mgmt == nil:
		resp.Diagnostics.Append(tfkit.ConnectError(err))
		return
	case err != nil:
		resp.Diagnostics.Append(fetchDiagnostic(&config.model, who, err))
		return
	}
	config.set(found)
	resp.Diagnostics.Append(resp.Result.Set(ctx, config)...)
}
