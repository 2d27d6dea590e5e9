// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"maps"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	dsschema "github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"

	"github.com/terraform-capi/terraform-provider-capi/internal/apifields"
	"github.com/terraform-capi/terraform-provider-capi/internal/live"
	"github.com/terraform-capi/terraform-provider-capi/internal/management"
	"github.com/terraform-capi/terraform-provider-capi/internal/session"
	"github.com/terraform-capi/terraform-provider-capi/internal/tfkit"
)

var _ datasource.DataSourceWithConfigure = (*DataSource)(nil)

// DataSource is capi_cluster that is only read.
type DataSource struct {
	session *session.Session
}

// NewDataSource returns the data source.
func NewDataSource() datasource.DataSource { return &DataSource{} }

// Metadata names the data source.
func (d *DataSource) Metadata(_ context.Context, _ datasource.MetadataRequest, resp *datasource.MetadataResponse) {
	resp.TypeName = ResourceType
}

// Configure takes the session over from the provider.
func (d *DataSource) Configure(_ context.Context, req datasource.ConfigureRequest, resp *datasource.ConfigureResponse) {
	s, diags := tfkit.ProviderData(req.ProviderData)
	resp.Diagnostics.Append(diags...)
	d.session = s
}

// Schema describes the data source. What it reads are attributes of the resource.
func (d *DataSource) Schema(ctx context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	var ofResource resource.SchemaResponse
	(&Resource{}).Schema(ctx, resource.SchemaRequest{}, &ofResource)
	selected := statusAttributes()
	for name := range (&model{}).attributes() {
		selected[name] = ofResource.Schema.Attributes[name]
	}
	// The resource's are about what it declares.
	for _, name := range []string{"labels", "annotations"} {
		selected[name] = schema.MapAttribute{MarkdownDescription: "All " + name + " of the Cluster object.", ElementType: types.StringType}
	}
	selected["ready"] = readyToRead
	selected["uid"] = schema.StringAttribute{MarkdownDescription: "UID of the Cluster object."}
	resp.Schema = dsschema.Schema{
		MarkdownDescription: "A cluster that exists, whoever made it. Its attributes are those of the resource, " +
			"and have all that the Cluster object has: what is defaulted as well, and what others than Terraform declare. " +
			"Of a cluster that was not made from a ClusterClass, `topology` is null. " +
			"Values of variables, annotations, machine deployments and pools (which have variables), and messages of conditions are sensitive: " +
			"Terraform stores them in the state, and prints them only where a configuration says `nonsensitive`.",
		Attributes: tfkit.DataSource("Cluster", apifields.Computed(selected, sensitiveToRead...)),
	}
}

// sensitiveToRead are the attributes that may hold what others keep secret. Terraform
// cannot mark variables inside of a dynamic attribute, so all of that is sensitive.
var sensitiveToRead = []string{
	"annotations", "topology.variables", "topology.control_plane.variables", "topology." + machineDeployments, "topology." + machinePools,
	"conditions.message",
}

var readyToRead = schema.BoolAttribute{
	MarkdownDescription: "Whether everything that the Cluster object declares has come about, machines and nodes included. " +
		"Of a cluster that was not made from a ClusterClass: whether it is available.",
}

// Read reads the cluster.
func (d *DataSource) Read(ctx context.Context, req datasource.ReadRequest, resp *datasource.ReadResponse) {
	var config model
	for name, target := range map[string]*types.String{
		"management_cluster": &config.ManagementCluster, "namespace": &config.Namespace, "name": &config.Name,
	} {
		resp.Diagnostics.Append(req.Config.GetAttribute(ctx, path.Root(name), target)...)
	}
	if resp.Diagnostics.HasError() {
		return
	}
	config.Namespace = types.StringValue(tfkit.NamespaceOf(config.Namespace))
	mgmt, err := d.session.Connect(ctx, config.ManagementCluster.ValueString())
	if err != nil {
		resp.Diagnostics.Append(tfkit.ReadConnectError(err))
		return
	}
	f, err := live.Observe(ctx, mgmt, config.key())
	switch {
	case apierrors.IsNotFound(err):
		resp.Diagnostics.Append(notThere(ctx, mgmt, config))
		return
	case err != nil:
		resp.Diagnostics.Append(tfkit.RequestError("read "+config.object(), err))
		return
	}
	values, err := config.whole(f) //nolint:contextcheck // Converting values waits for nothing.
	if err != nil {
		resp.Diagnostics.Append(tfkit.RequestError("read "+config.object(), err))
		return
	}
	for name, value := range values {
		resp.Diagnostics.Append(resp.State.SetAttribute(ctx, path.Root(name), value)...)
	}
}

// whole returns everything that there is to say about the cluster, declared or not.
func (m *model) whole(f *live.Facts) (map[string]attr.Value, error) {
	values, err := fields.Decode(apiTypes(), shape, nil, f.Object.Object)
	if err != nil {
		return nil, err
	}
	maps.Copy(values, status(f))
	values["ready"] = types.BoolValue(f.IsReady())
	values["uid"] = types.StringValue(string(f.Cluster.UID))
	values["id"] = types.StringValue(m.id())
	values["management_cluster"], values["namespace"], values["name"] = m.ManagementCluster, m.Namespace, m.Name
	return values, nil
}

// notThere names the clusters that exist, wherever they are.
func notThere(ctx context.Context, mgmt *management.Cluster, wanted model) diag.Diagnostic {
	clusters := &clusterv1.ClusterList{}
	if err := mgmt.List(ctx, clusters); err != nil {
		return tfkit.RequestError("look for "+wanted.object(), err)
	}
	var names []string
	for i := range clusters.Items {
		names = append(names, clusters.Items[i].Namespace+"/"+clusters.Items[i].Name)
	}
	return tfkit.NotThere(wanted.object(), names)
}
