// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"k8s.io/apimachinery/pkg/labels"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/terraform-capi/terraform-provider-capi/internal/apifields"
	"github.com/terraform-capi/terraform-provider-capi/internal/live"
	"github.com/terraform-capi/terraform-provider-capi/internal/management"
	"github.com/terraform-capi/terraform-provider-capi/internal/session"
	"github.com/terraform-capi/terraform-provider-capi/internal/tfkit"
)

var _ datasource.DataSourceWithConfigure = (*DataSourceList)(nil)

// DataSourceList is capi_clusters.
type DataSourceList struct {
	session *session.Session
}

type listModel struct {
	ManagementCluster types.String `tfsdk:"management_cluster"`
	Namespace         types.String `tfsdk:"namespace"`
	LabelSelector     types.String `tfsdk:"label_selector"`
	Clusters          []listItem   `tfsdk:"clusters"`
}

type listItem struct {
	ID        string            `tfsdk:"id"`
	Namespace string            `tfsdk:"namespace"`
	Name      string            `tfsdk:"name"`
	Class     types.String      `tfsdk:"class"`
	Version   types.String      `tfsdk:"version"`
	Phase     string            `tfsdk:"phase"`
	Ready     types.Bool        `tfsdk:"ready"`
	Labels    map[string]string `tfsdk:"labels"`
	Endpoint  types.Object      `tfsdk:"endpoint"`
}

// NewDataSourceList returns the data source.
func NewDataSourceList() datasource.DataSource { return &DataSourceList{} }

// Metadata names the data source.
func (d *DataSourceList) Metadata(_ context.Context, _ datasource.MetadataRequest, resp *datasource.MetadataResponse) {
	resp.TypeName = ResourceType + "s"
}

// Configure takes the session over from the provider.
func (d *DataSourceList) Configure(_ context.Context, req datasource.ConfigureRequest, resp *datasource.ConfigureResponse) {
	s, diags := tfkit.ProviderData(req.ProviderData)
	resp.Diagnostics.Append(diags...)
	d.session = s
}

// Schema describes the data source.
func (d *DataSourceList) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	text := func(description string) schema.StringAttribute {
		return schema.StringAttribute{MarkdownDescription: description, Computed: true}
	}
	selected := statusAttributes()
	selected["ready"] = readyToRead
	status := apifields.Computed(selected)
	resp.Schema = schema.Schema{
		MarkdownDescription: "The clusters of a management cluster, whoever made them.",
		Attributes: map[string]schema.Attribute{
			"management_cluster": tfkit.ManagementClusterToRead(),
			"namespace": schema.StringAttribute{
				MarkdownDescription: "Namespace of the clusters. Default: all namespaces.",
				Optional:            true,
				Validators:          []validator.String{tfkit.DNSLabel(tfkit.MaxDNSLabel)},
			},
			"label_selector": schema.StringAttribute{
				MarkdownDescription: "Which labels the Cluster objects have to have, as `kubectl` takes it: `env=prod,tier in (web, db),!legacy`. Default: any.",
				Optional:            true,
				Validators:          []validator.String{isLabelSelector{}},
			},
			"clusters": schema.ListNestedAttribute{
				MarkdownDescription: "The clusters, by namespace and name.",
				Computed:            true,
				NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
					"id":        text("Identifies the cluster: `[MANAGEMENT_CLUSTER_ID/]NAMESPACE/NAME`."),
					"namespace": text("Namespace of the cluster."),
					"name":      text("Name of the cluster."),
					"class":     text("Name of its ClusterClass; null if it was made without one."),
					"version":   text("Kubernetes version that it is to have; null if it was made without a ClusterClass."),
					"phase":     status["phase"],
					"ready":     status["ready"],
					"labels":    schema.MapAttribute{MarkdownDescription: "Labels of the Cluster object.", ElementType: types.StringType, Computed: true},
					"endpoint":  status["endpoint"],
				}},
			},
		},
	}
}

// Read reads the clusters.
func (d *DataSourceList) Read(ctx context.Context, req datasource.ReadRequest, resp *datasource.ReadResponse) {
	var state listModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &state)...)
	if resp.Diagnostics.HasError() {
		return
	}
	mgmt, err := d.session.Connect(ctx, state.ManagementCluster.ValueString())
	if err != nil {
		resp.Diagnostics.Append(tfkit.ReadConnectError(err))
		return
	}
	resp.Diagnostics.Append(state.read(ctx, live.ListerOf(d.session, mgmt))...)
	if resp.Diagnostics.HasError() {
		return
	}
	resp.Diagnostics.Append(resp.State.Set(ctx, state)...)
}

func (m *listModel) read(ctx context.Context, shared *live.Lister) diag.Diagnostics {
	selector, err := labels.Parse(m.LabelSelector.ValueString())
	if err != nil {
		return diag.Diagnostics{wrongSelector(path.Root("label_selector"), err)}
	}
	clusters := &clusterv1.ClusterList{}
	err = shared.Management.List(ctx, clusters, client.InNamespace(m.Namespace.ValueString()), client.MatchingLabelsSelector{Selector: selector})
	if err != nil {
		return diag.Diagnostics{tfkit.RequestError("list the clusters", err)}
	}
	m.Clusters = []listItem{}
	for i := range clusters.Items {
		f, err := shared.Observe(ctx, client.ObjectKeyFromObject(&clusters.Items[i]))
		if management.IsAbsent(err) {
			continue // It has gone meanwhile.
		}
		if err != nil {
			return diag.Diagnostics{tfkit.RequestError(fmt.Sprintf("read Cluster %s/%s", clusters.Items[i].Namespace, clusters.Items[i].Name), err)}
		}
		m.Clusters = append(m.Clusters, itemOf(shared.Management.ID, f))
	}
	return nil
}

func itemOf(managementCluster string, f *live.Facts) listItem {
	c := f.Cluster
	item := listItem{
		ID:        management.JoinID(managementCluster, client.ObjectKeyFromObject(c).String()),
		Namespace: c.Namespace, Name: c.Name,
		Phase: string(c.Status.GetTypedPhase()), Ready: types.BoolValue(f.IsReady()),
		Labels: c.Labels, Endpoint: endpoint(c.Spec.ControlPlaneEndpoint),
	}
	if c.Spec.Topology.IsDefined() {
		item.Class, item.Version = types.StringValue(c.Spec.Topology.ClassRef.Name), types.StringValue(c.Spec.Topology.Version)
	}
	return item
}

// isLabelSelector accepts what labels can be selected by.
type isLabelSelector struct{}

func (isLabelSelector) Description(context.Context) string { return "a label selector" }

func (v isLabelSelector) MarkdownDescription(ctx context.Context) string { return v.Description(ctx) }

func (isLabelSelector) ValidateString(_ context.Context, req validator.StringRequest, resp *validator.StringResponse) {
	if req.ConfigValue.IsNull() || req.ConfigValue.IsUnknown() {
		return
	}
	if _, err := labels.Parse(req.ConfigValue.ValueString()); err != nil {
		resp.Diagnostics.Append(wrongSelector(req.Path, err))
	}
}

func wrongSelector(attribute path.Path, err error) diag.Diagnostic {
	return diag.NewAttributeErrorDiagnostic(attribute, "Invalid label selector",
		apifields.Sentence(err.Error())+" Examples are env=prod, env!=prod, env in (prod, test), env (any value) and !env (no such label).")
}
