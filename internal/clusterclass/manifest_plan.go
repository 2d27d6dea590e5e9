// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package clusterclass

import (
	"context"
	"reflect"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/terraform-capi/terraform-provider-capi/internal/apifields"
	"github.com/terraform-capi/terraform-provider-capi/internal/tfkit"
)

var manifestPath = path.Root("manifest")

// validManifest refuses manifests that are not one whole class.
type validManifest struct{}

func (validManifest) Description(context.Context) string {
	return "is one ClusterClass with its templates"
}

func (v validManifest) MarkdownDescription(ctx context.Context) string { return v.Description(ctx) }

func (validManifest) ValidateString(_ context.Context, req validator.StringRequest, resp *validator.StringResponse) {
	if req.ConfigValue.IsNull() || req.ConfigValue.IsUnknown() {
		return
	}
	_, err := parseManifest(req.ConfigValue.ValueString())
	resp.Diagnostics.Append(manifestDiagnostics(err)...)
}

// manifestDiagnostics has an error for each fault of a manifest.
func manifestDiagnostics(err error) diag.Diagnostics {
	var diags diag.Diagnostics
	if all, ok := err.(interface{ Unwrap() []error }); ok {
		for _, fault := range all.Unwrap() {
			diags.Append(manifestDiagnostics(fault)...)
		}
		return diags
	}
	if err != nil {
		diags.AddAttributeError(manifestPath, "Invalid manifest", apifields.Sentence(err.Error()))
	}
	return diags
}

// keepSameManifest keeps the manifest in the state if the configured one declares
// the same.
type keepSameManifest struct{}

func (keepSameManifest) Description(context.Context) string {
	return "Manifests that declare the same are the same."
}

func (m keepSameManifest) MarkdownDescription(ctx context.Context) string { return m.Description(ctx) }

func (keepSameManifest) PlanModifyString(_ context.Context, req planmodifier.StringRequest, resp *planmodifier.StringResponse) {
	if req.StateValue.IsNull() || req.ConfigValue.IsNull() || req.ConfigValue.IsUnknown() {
		return
	}
	before, err := parseManifest(req.StateValue.ValueString())
	if err != nil {
		return
	}
	after, err := parseManifest(req.ConfigValue.ValueString())
	if err == nil && before.name == after.name && before.namespace == after.namespace && reflect.DeepEqual(before.content, after.content) {
		resp.PlanValue = req.StateValue
	}
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
		var text types.String
		resp.Diagnostics.Append(req.Config.GetAttribute(ctx, manifestPath, &text)...)
		resp.PlanValue = m.said(text, resp.PlanValue)
	}
	// As long as it is unknown there is no reason to replace anything.
	resp.RequiresReplace = !req.State.Raw.IsNull() && !resp.PlanValue.IsUnknown() && !resp.PlanValue.Equal(req.StateValue)
}

// said is what the manifest says, or else the default.
func (m fromManifest) said(text, byDefault types.String) types.String {
	if text.IsUnknown() {
		return types.StringUnknown()
	}
	parsed, err := parseManifest(text.ValueString())
	switch {
	case err != nil:
		return byDefault
	case m.field == "name":
		return types.StringValue(parsed.name)
	case parsed.namespace != "":
		return types.StringValue(parsed.namespace)
	}
	return types.StringValue(tfkit.DefaultNamespace)
}

// typedOnly are the attributes that a manifest takes the place of. The first two
// cannot be missing without one, and neither can the name.
var typedOnly = []string{"infrastructure", "control_plane", "workers", "variables", "patches", "availability_gates", "kubernetes_versions", "upgrade"}

// ValidateConfig demands a class that is written in one way: as a manifest, or in
// attributes.
func (r *Resource) ValidateConfig(ctx context.Context, req resource.ValidateConfigRequest, resp *resource.ValidateConfigResponse) {
	var config model
	resp.Diagnostics.Append(req.Config.Get(ctx, &config)...)
	if resp.Diagnostics.HasError() {
		return
	}
	attributes := config.attributes()
	if config.Manifest.IsNull() {
		attributes["name"] = config.Name
		for _, name := range []string{"name", "infrastructure", "control_plane"} {
			if attributes[name].IsNull() {
				resp.Diagnostics.AddAttributeError(path.Root(name), "Missing attribute",
					"The attribute \""+name+"\" is required, unless there is a \"manifest\".")
			}
		}
		return
	}
	for _, name := range typedOnly {
		if !attributes[name].IsNull() {
			resp.Diagnostics.AddAttributeError(path.Root(name), "Conflicting attributes",
				"The manifest has all of the class: \""+name+"\" and \"manifest\" exclude each other. Remove one of them.")
		}
	}
}
