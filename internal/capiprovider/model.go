// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package capiprovider

import (
	"github.com/hashicorp/terraform-plugin-framework-timeouts/resource/timeouts"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/terraform-capi/terraform-provider-capi/controllers/config"
	"github.com/terraform-capi/terraform-provider-capi/internal/bundle"
	"github.com/terraform-capi/terraform-provider-capi/internal/management"
)

type model struct {
	ID                types.String   `tfsdk:"id"`
	ManagementCluster types.String   `tfsdk:"management_cluster"`
	Name              types.String   `tfsdk:"name"`
	Image             types.String   `tfsdk:"image"`
	Manager           types.Object   `tfsdk:"manager"`
	Deployment        types.Object   `tfsdk:"deployment"`
	Timeouts          timeouts.Value `tfsdk:"timeouts"`
	Namespace         types.String   `tfsdk:"namespace"`
	Type              types.String   `tfsdk:"type"`
	Version           types.String   `tfsdk:"version"`
	ProviderVersion   types.String   `tfsdk:"provider_version"`
	InstalledBy       types.String   `tfsdk:"installed_by"`
	Ready             types.Bool     `tfsdk:"ready"`
}

// id is what the id attribute says.
func (m model) id() string {
	return management.JoinID(m.ManagementCluster.ValueString(), m.Name.ValueString())
}

// object names the provider in diagnostics.
func (m model) object() string { return "provider " + m.Name.ValueString() }

// fromProvider sets what follows from the provider's name.
func (m *model) fromProvider(provider config.Provider) {
	m.Namespace = types.StringValue(provider.Namespace)
	m.Type = types.StringValue(string(provider.Type))
	m.ID = types.StringUnknown()
	if !m.ManagementCluster.IsUnknown() {
		m.ID = types.StringValue(m.id())
	}
}

// fromRelease sets what the provider is installed from.
func (m *model) fromRelease(release bundle.Release) {
	m.Version = types.StringValue(release.ClusterAPI)
	m.ProviderVersion = types.StringNull()
	if release.Provider != "" {
		m.ProviderVersion = types.StringValue(release.Provider)
	}
}

// release is the opposite of fromRelease.
func (m model) release() bundle.Release {
	return bundle.Release{Provider: m.ProviderVersion.ValueString(), ClusterAPI: m.Version.ValueString()}
}
