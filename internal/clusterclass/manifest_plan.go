// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package clusterclass

import (
	"context"
	"errors"
	"reflect"

	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/terraform-capi/terraform-provider-capi/internal/tfkit"
)

// keepSameManifest keeps the manifest in the state if the configured one declares
// the same.
type keepSameManifest struct{}

func (keepSameManifest) Description(context.Context) string {
	return "Manifests that declare the same are the same."
}

func (m keepSameManifest) MarkdownDescription(ctx context.Context) string { return m.Description(ctx) }

func (keepSameManifest) PlanModifyString(ctx context.Context, req planmodifier.StringRequest, resp *planmodifier.StringResponse) {
	if req.StateValue.IsNull() || req.ConfigValue.IsNull() || req.ConfigValue.IsUnknown() {
		return
	}
	var config model
	resp.Diagnostics.Append(req.Config.Get(ctx, &config)...)
	configured, err := config.manifest()
	if resp.Diagnostics.HasError() || err != nil {
		return
	}
	// Whether both are the same depends on the values that both are read with from
	// now on.
	stated := *configured
	stated.Text = req.StateValue.ValueString()
	before, err := stated.parse()
	if err != nil {
		return
	}
	after, err := configured.parse()
	if err == nil && before.equal(after) {
		resp.PlanValue = req.StateValue
	}
}

func (m *manifest) equal(other *manifest) bool {
	return m.name == other.name && m.namespace == other.namespace &&
		reflect.DeepEqual(m.content, other.content) && reflect.DeepEqual(m.leftOut, other.leftOut)
}

// fromManifest plans the name or the namespace of a class that only its manifest
// says. A change replaces the class.
type fromManifest struct{ field string }

func (m fromManifest) Description(context.Context) string {
	return "The " + m.field + " is that in the manifest unless it is configured."
}

func (m fromManifest) MarkdownDescription(ctx context.Context) string { return m.Description(ctx) }

func (m fromManifest) PlanModifyString(ctx context.Context, req planmodifier.StringRequest, resp *planmodifier.StringResponse) {
	if req.Plan.Raw.IsNull() {
		return
	}
	if req.ConfigValue.IsNull() {
		var config model
		resp.Diagnostics.Append(req.Config.Get(ctx, &config)...)
		resp.PlanValue = m.said(&config, resp.PlanValue)
	}
	// As long as it is unknown there is no reason to replace anything.
	resp.RequiresReplace = !req.State.Raw.IsNull() && !resp.PlanValue.IsUnknown() && !resp.PlanValue.Equal(req.StateValue)
}

// said is what the manifest says, or else the default.
func (m fromManifest) said(config *model, byDefault types.String) types.String {
	parsed, err := config.parse()
	switch {
	case errors.Is(err, tfkit.ErrUnknown):
		return types.StringUnknown()
	case err != nil || parsed == nil:
		return byDefault
	case m.field == "name":
		return types.StringValue(parsed.name)
	case parsed.namespace != "":
		return types.StringValue(parsed.namespace)
	}
	return types.StringValue(tfkit.DefaultNamespace)
}
