// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/path"
)

// What others may keep secret is marked, and what outputs are made of is not.
func TestDataSourceIsSensitive(t *testing.T) {
	var resp datasource.SchemaResponse
	(&DataSource{}).Schema(t.Context(), datasource.SchemaRequest{}, &resp)
	topology := path.Root("topology")
	for want, paths := range map[bool][]path.Path{
		true: {
			path.Root("annotations"), topology.AtName("variables"), topology.AtName("control_plane").AtName("variables"),
			topology.AtName("workers").AtName("machine_deployments"), topology.AtName("workers").AtName("machine_pools"),
			path.Root("conditions").AtMapKey("Ready").AtName("message"),
		},
		false: {
			path.Root("id"), path.Root("labels"), path.Root("endpoint"), path.Root("ready"), path.Root("phase"), path.Root("kubernetes_versions"),
			path.Root("machines"), path.Root("replicas"), topology, topology.AtName("class"), topology.AtName("version"),
			path.Root("conditions"), path.Root("conditions").AtMapKey("Ready").AtName("status"), path.Root("conditions").AtMapKey("Ready").AtName("reason"),
		},
	} {
		for _, at := range paths {
			attribute, diags := resp.Schema.AttributeAtPath(t.Context(), at)
			if diags.HasError() {
				t.Errorf("%s: %v", at, diags)
			} else if attribute.IsSensitive() != want {
				t.Errorf("%s is sensitive: %t", at, attribute.IsSensitive())
			}
		}
	}
}
