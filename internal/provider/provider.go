// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

// Package provider is the provider block, and the table of contents of all that
// the provider offers.
package provider

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/ephemeral"
	"github.com/hashicorp/terraform-plugin-framework/function"
	"github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/hashicorp/terraform-plugin-framework/resource"

	"github.com/terraform-capi/terraform-provider-capi/internal/capiprovider"
	"github.com/terraform-capi/terraform-provider-capi/internal/cluster"
	"github.com/terraform-capi/terraform-provider-capi/internal/clusterclass"
	"github.com/terraform-capi/terraform-provider-capi/internal/functions"
	"github.com/terraform-capi/terraform-provider-capi/internal/kubeconfig"
	"github.com/terraform-capi/terraform-provider-capi/internal/management"
	"github.com/terraform-capi/terraform-provider-capi/internal/management/kind"
	"github.com/terraform-capi/terraform-provider-capi/internal/managementcluster"
	"github.com/terraform-capi/terraform-provider-capi/internal/session"
)

const (
	// TypeName starts the names of all resources.
	TypeName = "capi"
	// Address is where the provider is found in a registry.
	Address = "registry.terraform.io/terraform-capi/capi"
)

var (
	_ provider.Provider                       = (*Provider)(nil)
	_ provider.ProviderWithEphemeralResources = (*Provider)(nil)
	_ provider.ProviderWithFunctions          = (*Provider)(nil)
	_ provider.ProviderWithValidateConfig     = (*Provider)(nil)
)

// Provider is the capi provider.
type Provider struct {
	version  string
	clusters management.KindClusters
	bundle   capiprovider.Bundle
}

// New returns a function that makes providers of the given version. checkFlags says why bundled controllers would not start
// with flags; it may be nil.
func New(version string, checkFlags capiprovider.CheckFlags) func() provider.Provider {
	return newFor(version, checkFlags, kind.New())
}

// NewFor is New with the KinD clusters that ids of management clusters are about.
func NewFor(version string, clusters management.KindClusters) func() provider.Provider {
	return newFor(version, nil, clusters)
}

func newFor(version string, checkFlags capiprovider.CheckFlags, clusters management.KindClusters) func() provider.Provider {
	return func() provider.Provider {
		return &Provider{version: version, clusters: clusters, bundle: capiprovider.Bundled(version, kind.New(), checkFlags)}
	}
}

// Metadata names the provider.
func (p *Provider) Metadata(_ context.Context, _ provider.MetadataRequest, resp *provider.MetadataResponse) {
	resp.TypeName = TypeName
	resp.Version = p.version
}

// ValidateConfig refuses a block that contradicts itself.
func (p *Provider) ValidateConfig(ctx context.Context, req provider.ValidateConfigRequest, resp *provider.ValidateConfigResponse) {
	var config model
	resp.Diagnostics.Append(req.Config.Get(ctx, &config)...)
	if resp.Diagnostics.HasError() {
		return
	}
	_, diags := config.connection(ctx)
	resp.Diagnostics.Append(diags...)
}

// Configure keeps what the block says. It connects to nothing, because at plan the
// values may be unknown, and the management cluster may not exist.
func (p *Provider) Configure(ctx context.Context, req provider.ConfigureRequest, resp *provider.ConfigureResponse) {
	var config model
	resp.Diagnostics.Append(req.Config.Get(ctx, &config)...)
	if resp.Diagnostics.HasError() {
		return
	}
	connection, diags := config.connection(ctx)
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() {
		return
	}
	s := session.New(management.NewResolver(connection, p.clusters))
	resp.ResourceData, resp.DataSourceData, resp.EphemeralResourceData = s, s, s
}

// Resources lists the resources.
func (p *Provider) Resources(context.Context) []func() resource.Resource {
	return []func() resource.Resource{
		managementcluster.NewResource,
		func() resource.Resource { return capiprovider.NewResource(p.bundle) },
		clusterclass.NewResource,
		cluster.NewResource,
		kubeconfig.NewResource,
	}
}

// DataSources lists the data sources.
func (p *Provider) DataSources(context.Context) []func() datasource.DataSource {
	return []func() datasource.DataSource{
		clusterclass.NewDataSource,
		kubeconfig.NewDataSource,
		cluster.NewDataSource,
		cluster.NewDataSourceList,
	}
}

// Functions lists the functions.
func (p *Provider) Functions(context.Context) []func() function.Function {
	return []func() function.Function{
		functions.NewUpgradePath,
		functions.NewNextVersions,
		functions.NewClassVariablesTemplate,
		functions.NewKubeconfigParse,
		functions.NewKubeconfigMerge,
	}
}

// EphemeralResources lists the ephemeral resources.
func (p *Provider) EphemeralResources(context.Context) []func() ephemeral.EphemeralResource {
	return []func() ephemeral.EphemeralResource{
		kubeconfig.NewEphemeral,
	}
}
