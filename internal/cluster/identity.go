// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/resource"

	"github.com/terraform-capi/terraform-provider-capi/internal/live"
	"github.com/terraform-capi/terraform-provider-capi/internal/tfkit"
)

// IdentitySchema says what tells one cluster from another.
func (r *Resource) IdentitySchema(_ context.Context, _ resource.IdentitySchemaRequest, resp *resource.IdentitySchemaResponse) {
	resp.IdentitySchema = tfkit.IdentitySchema("Cluster")
}

func (m *model) identity() tfkit.Identity {
	return tfkit.Identity{ManagementCluster: m.ManagementCluster, Namespace: m.Namespace, Name: m.Name}
}

// ImportState notes which cluster it is; Read fills in the rest.
func (r *Resource) ImportState(ctx context.Context, req resource.ImportStateRequest, resp *resource.ImportStateResponse) {
	tfkit.ImportObject(ctx, req, resp, "kind://mgmt/default/capi-quickstart", map[string]any{
		// What Terraform does with a cluster cannot be read from it.
		"wait_for": live.LevelRollout.String(), "on_timeout": onTimeoutWarn,
		"deletion_protection": false, "deletion_policy": deletionPolicyDelete,
	})
}
