// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package clusterclass

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/types"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/terraform-capi/terraform-provider-capi/internal/management"
	"github.com/terraform-capi/terraform-provider-capi/internal/session"
	"github.com/terraform-capi/terraform-provider-capi/internal/tfkit"
	"github.com/terraform-capi/terraform-provider-capi/internal/topology"
)

var _ datasource.DataSourceWithConfigure = (*DataSource)(nil)

// DataSource is capi_cluster_class that is only read.
type DataSource struct {
	session *session.Session
}

type dataModel struct {
	ID                       types.String           `tfsdk:"id"`
	ManagementCluster        types.String           `tfsdk:"management_cluster"`
	Namespace                types.String           `tfsdk:"namespace"`
	Name                     types.String           `tfsdk:"name"`
	Labels                   map[string]string      `tfsdk:"labels"`
	Annotations              map[string]string      `tfsdk:"annotations"`
	InfrastructureKind       types.String           `tfsdk:"infrastructure_kind"`
	ControlPlaneKind         types.String           `tfsdk:"control_plane_kind"`
	ControlPlaneMachineKind  types.String           `tfsdk:"control_plane_machine_kind"`
	MachineDeploymentClasses map[string]workerKinds `tfsdk:"machine_deployment_classes"`
	MachinePoolClasses       map[string]workerKinds `tfsdk:"machine_pool_classes"`
	Variables                types.Dynamic          `tfsdk:"variables"`
	KubernetesVersions       []string               `tfsdk:"kubernetes_versions"`
	Conditions               types.Map              `tfsdk:"conditions"`
	Ready                    types.Bool             `tfsdk:"ready"`
}

// workerKinds are the kinds of the templates of a class of workers.
type workerKinds struct {
	Bootstrap      string `tfsdk:"bootstrap_kind"`
	Infrastructure string `tfsdk:"infrastructure_kind"`
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

// Read reads the class.
func (d *DataSource) Read(ctx context.Context, req datasource.ReadRequest, resp *datasource.ReadResponse) {
	var state dataModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &state)...)
	if resp.Diagnostics.HasError() {
		return
	}
	mgmt, err := d.session.Connect(ctx, state.ManagementCluster.ValueString())
	if err != nil {
		resp.Diagnostics.Append(tfkit.ReadConnectError(err))
		return
	}
	key := client.ObjectKey{Namespace: tfkit.NamespaceOf(state.Namespace), Name: state.Name.ValueString()}
	object := "ClusterClass " + key.String()
	class := &clusterv1.ClusterClass{}
	err = mgmt.Get(ctx, key, class)
	if apierrors.IsNotFound(err) {
		resp.Diagnostics.Append(notThere(ctx, mgmt, object))
		return
	}
	if err == nil {
		err = state.FromAPI(class) //nolint:contextcheck // Converting values waits for nothing.
	}
	if err != nil {
		resp.Diagnostics.Append(tfkit.RequestError("read "+object, err))
		return
	}
	resp.Diagnostics.Append(resp.State.Set(ctx, state)...)
}

// FromAPI takes everything over from the live class.
func (m *dataModel) FromAPI(class *clusterv1.ClusterClass) error {
	key := client.ObjectKeyFromObject(class)
	m.ID = types.StringValue(management.JoinID(m.ManagementCluster.ValueString(), key.String()))
	m.Namespace, m.Name = types.StringValue(key.Namespace), types.StringValue(key.Name)
	m.Labels, m.Annotations = class.Labels, class.Annotations
	m.InfrastructureKind = types.StringValue(class.Spec.Infrastructure.TemplateRef.Kind)
	m.ControlPlaneKind = types.StringValue(class.Spec.ControlPlane.TemplateRef.Kind)
	if kind := class.Spec.ControlPlane.MachineInfrastructure.TemplateRef.Kind; kind != "" {
		m.ControlPlaneMachineKind = types.StringValue(kind)
	}
	m.MachineDeploymentClasses, m.MachinePoolClasses = map[string]workerKinds{}, map[string]workerKinds{}
	for _, c := range class.Spec.Workers.MachineDeployments {
		m.MachineDeploymentClasses[c.Class] = workerKinds{c.Bootstrap.TemplateRef.Kind, c.Infrastructure.TemplateRef.Kind}
	}
	for _, c := range class.Spec.Workers.MachinePools {
		m.MachinePoolClasses[c.Class] = workerKinds{c.Bootstrap.TemplateRef.Kind, c.Infrastructure.TemplateRef.Kind}
	}
	m.KubernetesVersions = class.Spec.KubernetesVersions
	m.Conditions = tfkit.Conditions(class.Status.Conditions)
	m.Ready = types.BoolValue(pending(class) == "")
	usable := topology.Usable(class)
	if usable == nil {
		// What extensions add is not known yet.
		usable = topology.Reconciled(class)
	}
	var err error
	m.Variables, err = variablesOf(usable)
	return err
}

// notThere names the classes that exist, wherever they are.
func notThere(ctx context.Context, mgmt *management.Cluster, wanted string) diag.Diagnostic {
	classes := &clusterv1.ClusterClassList{}
	if err := mgmt.List(ctx, classes); err != nil {
		return tfkit.RequestError("look for "+wanted, err)
	}
	var names []string
	for i := range classes.Items {
		names = append(names, client.ObjectKeyFromObject(&classes.Items[i]).String())
	}
	return tfkit.NotThere(wanted, names)
}
