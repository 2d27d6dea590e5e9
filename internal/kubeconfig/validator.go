// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package kubeconfig

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
)

// isClusterID accepts the ids of capi_cluster.
type isClusterID struct{}

var _ validator.String = isClusterID{}

func (isClusterID) Description(context.Context) string {
	return "the id of a capi_cluster, such as kind://mgmt/default/web"
}

func (v isClusterID) MarkdownDescription(ctx context.Context) string { return v.Description(ctx) }

func (isClusterID) ValidateString(_ context.Context, req validator.StringRequest, resp *validator.StringResponse) {
	if req.ConfigValue.IsNull() || req.ConfigValue.IsUnknown() {
		return
	}
	if _, _, err := parseClusterID(req.ConfigValue.ValueString()); err != nil {
		resp.Diagnostics.AddAttributeError(req.Path, "Invalid value", "The value "+err.Error()+".")
	}
}
