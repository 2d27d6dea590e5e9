// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/path"
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
	identity, diags := tfkit.ImportIdentity(ctx, req, "kind://mgmt/default/capi-quickstart")
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() {
		return
	}
	resp.Diagnostics.Append(resp.Identity.Set(ctx, identity)...)
	for attribute, value := range map[string]any{
		"id": identity.ID(), "management_cluster": identity.ManagementCluster, "namespace": identity.Namespace, "name": identity.Name,
		// What Terraform does with a cluster cannot be read from it.
		"wait_for": live.LevelRollout.String(), "on_timeout": onTimeoutWarn,
		"deletion_protection": false, "deletion_policy": deletionPolicyDelete,
	} {
		resp.Diagnostics.Append(resp.State.SetAttribute(ctx, path.Root(attribute), value)...)
	}
}
