// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package clusterclass

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/resource"

	"github.com/terraform-capi/terraform-provider-capi/internal/tfkit"
)

// IdentitySchema says what tells one class from another.
func (r *Resource) IdentitySchema(_ context.Context, _ resource.IdentitySchemaRequest, resp *resource.IdentitySchemaResponse) {
	resp.IdentitySchema = tfkit.IdentitySchema("ClusterClass")
}

func (m *model) identity() tfkit.Identity {
	return tfkit.Identity{ManagementCluster: m.ManagementCluster, Namespace: m.Namespace, Name: m.Name}
}

// ImportState notes which class it is; Read fills in the rest.
func (r *Resource) ImportState(ctx context.Context, req resource.ImportStateRequest, resp *resource.ImportStateResponse) {
	tfkit.ImportObject(ctx, req, resp, "kind://mgmt/default/quick-start", nil)
}
