// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

// Package provider is the provider block, and the table of contents of all that
// the provider offers.
package provider

import (
	"context"
	"os"

	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/ephemeral"
	"github.com/hashicorp/terraform-plugin-framework/function"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/hashicorp/terraform-plugin-framework/provider/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

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

	// kubeconfigPathVariable is asked when the block says nothing. It is not
	// KUBECONFIG: whatever cluster a person happens to work with must not become
	// a management cluster by accident.
	kubeconfigPathVariable = "CAPI_KUBECONFIG_PATH"
)

var (
	_ provider.Provider                       = (*Provider)(nil)
	_ provider.ProviderWithEphemeralResources = (*Provider)(nil)
	_ provider.ProviderWithFunctions          = (*Provider)(nil)
)

// Provider is the capi provider.
type Provider struct {
	version  string
	clusters management.KindClusters
	bundle   capiprovider.Bundle
}

// New returns a function that makes providers of the given version.
func New(version string) func() provider.Provider { return NewFor(version, kind.New()) }

// NewFor is New with the KinD clusters that ids of management clusters are about.
func NewFor(version string, clusters management.KindClusters) func() provider.Provider {
	return func() provider.Provider {
		return &Provider{version: version, clusters: clusters, bundle: capiprovider.Bundled(version, kind.New())}
	}
}

// Metadata names the provider.
func (p *Provider) Metadata(_ context.Context, _ provider.MetadataRequest, resp *provider.MetadataResponse) {
	resp.TypeName = TypeName
	resp.Version = p.version
}

// Schema describes the provider block.
func (p *Provider) Schema(_ context.Context, _ provider.SchemaRequest, resp *provider.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "Manages Kubernetes clusters with [Cluster API](https://cluster-api.sigs.k8s.io). " +
			"All attributes are optional: they say which management cluster is meant where a resource does not name one with " +
			"`management_cluster`. They may come from other resources; nothing is connected to before it is needed.",
		Attributes: map[string]schema.Attribute{
			"kubeconfig": schema.StringAttribute{
				MarkdownDescription: "Content of a kubeconfig for the management cluster. It is not stored in the state. Excludes `kubeconfig_path`.",
				Optional:            true,
				Sensitive:           true,
				Validators:          []validator.String{stringvalidator.ConflictsWith(path.MatchRoot("kubeconfig_path"))},
			},
			"kubeconfig_path": schema.StringAttribute{
				MarkdownDescription: "Path of a kubeconfig for the management cluster; a leading `~` is the home directory. " +
					"Default: the environment variable `" + kubeconfigPathVariable + "`. `KUBECONFIG` is not used.",
				Optional: true,
			},
			"context": schema.StringAttribute{
				MarkdownDescription: "Context of the kubeconfig to use. Default: its current context.",
				Optional:            true,
			},
		},
	}
}

type model struct {
	Kubeconfig     types.String `tfsdk:"kubeconfig"`
	KubeconfigPath types.String `tfsdk:"kubeconfig_path"`
	Context        types.String `tfsdk:"context"`
}

// Configure keeps what the block says. It connects to nothing, because at plan the
// values may be unknown, and the management cluster may not exist.
func (p *Provider) Configure(ctx context.Context, req provider.ConfigureRequest, resp *provider.ConfigureResponse) {
	var config model
	resp.Diagnostics.Append(req.Config.Get(ctx, &config)...)
	if resp.Diagnostics.HasError() {
		return
	}
	s := session.New(management.NewResolver(config.connection(), p.clusters))
	resp.ResourceData, resp.DataSourceData, resp.EphemeralResourceData = s, s, s
}

func (m model) connection() management.Connection {
	connection := management.Connection{
		Kubeconfig:     m.Kubeconfig.ValueString(),
		KubeconfigPath: m.KubeconfigPath.ValueString(),
		Context:        m.Context.ValueString(),
		Unknown:        m.Kubeconfig.IsUnknown() || m.KubeconfigPath.IsUnknown() || m.Context.IsUnknown(),
	}
	if m.Kubeconfig.IsNull() && m.KubeconfigPath.IsNull() {
		connection.KubeconfigPath = os.Getenv(kubeconfigPathVariable)
	}
	return connection
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
	}
}

// EphemeralResources lists the ephemeral resources.
func (p *Provider) EphemeralResources(context.Context) []func() ephemeral.EphemeralResource {
	return []func() ephemeral.EphemeralResource{
		kubeconfig.NewEphemeral,
	}
}
