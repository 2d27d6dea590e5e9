// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/terraform-capi/terraform-provider-capi/internal/live"
)

// summaryAttributes are what the resource has of the status instead of all the
// details, which the data source has. Terraform prints all of an attribute that
// will be known after the apply: of an upgrade of a few machines nobody would find
// what it does between hundreds of lines about how the cluster was.
func summaryAttributes() map[string]schema.Attribute {
	counts := func(description string) schema.MapAttribute {
		return schema.MapAttribute{MarkdownDescription: description, ElementType: types.Int64Type, Computed: true}
	}
	return map[string]schema.Attribute{
		"conditions": schema.MapAttribute{
			MarkdownDescription: "Status of the conditions of the Cluster object, `True`, `False` or `Unknown`, by type. " +
				"Reasons and messages are in the data source `capi_cluster`.",
			ElementType: types.StringType,
			Computed:    true,
		},
		"machines": schema.MapAttribute{
			MarkdownDescription: "Kubernetes versions of the Machines of the cluster, by name. More about them is in the data source `capi_cluster`.",
			ElementType:         types.StringType,
			Computed:            true,
		},
		"replicas": schema.SingleNestedAttribute{
			MarkdownDescription: "Numbers of machines that are ready. More numbers are in the data source `capi_cluster`.",
			Computed:            true,
			Attributes: map[string]schema.Attribute{
				"control_plane": schema.Int64Attribute{
					MarkdownDescription: "Of the control plane; null until there is one.",
					Computed:            true,
				},
				"machine_deployments": counts("Of the machine deployments, by their name in the topology."),
				"machine_pools":       counts("Of the machine pools, by their name in the topology."),
			},
		},
	}
}

var replicasSummaryType, _ = summaryAttributes()["replicas"].GetType().(types.ObjectType)

// summary returns the values of summaryAttributes, by name.
func summary(f *live.Facts) map[string]attr.Value {
	conditions, machines := map[string]attr.Value{}, map[string]attr.Value{}
	for _, condition := range f.Cluster.Status.Conditions {
		conditions[condition.Type] = types.StringValue(string(condition.Status))
	}
	for i := range f.Machines {
		machines[f.Machines[i].Name] = types.StringValue(f.Machines[i].Spec.Version)
	}
	return map[string]attr.Value{
		"conditions": types.MapValueMust(types.StringType, conditions),
		"machines":   types.MapValueMust(types.StringType, machines),
		"replicas":   readyReplicas(f),
	}
}

func readyReplicas(f *live.Facts) types.Object {
	controlPlane := types.Int64Null()
	if f.ControlPlane != nil {
		controlPlane = types.Int64PointerValue(live.CountsOfControlPlane(f.ControlPlane).Ready)
	}
	byKind := map[string]map[string]attr.Value{live.KindMachineDeployment: {}, live.KindMachinePool: {}}
	for _, set := range f.WorkerSets() {
		if set.Name != "" {
			byKind[set.Kind][set.Name] = types.Int64PointerValue(set.Counts.Ready)
		}
	}
	return types.ObjectValueMust(replicasSummaryType.AttrTypes, map[string]attr.Value{
		"control_plane":       controlPlane,
		"machine_deployments": types.MapValueMust(types.Int64Type, byKind[live.KindMachineDeployment]),
		"machine_pools":       types.MapValueMust(types.Int64Type, byKind[live.KindMachinePool]),
	})
}

// forgetStatus makes a plan an update, by not knowing what will have become of
// the cluster. Its endpoint stays once it has one.
func (m *model) forgetStatus() {
	m.Ready, m.Phase = types.BoolUnknown(), types.StringUnknown()
	m.KubernetesVersions = types.ListUnknown(types.StringType)
	m.Conditions, m.Machines = types.MapUnknown(types.StringType), types.MapUnknown(types.StringType)
	m.Replicas = types.ObjectUnknown(replicasSummaryType.AttrTypes)
	if m.Endpoint.IsNull() {
		m.Endpoint = types.ObjectUnknown(objectType("endpoint").AttrTypes)
	}
}

// keepMachineStatus takes over what only changes when something happens to
// machines.
func (m *model) keepMachineStatus(from model) {
	m.Phase, m.KubernetesVersions = from.Phase, from.KubernetesVersions
	m.Conditions, m.Machines, m.Replicas = from.Conditions, from.Machines, from.Replicas
}

// keepPlanned takes back what was observed where the plan knew it.
func (m *model) keepPlanned(plan model) {
	if !plan.Conditions.IsUnknown() {
		m.keepMachineStatus(plan)
	}
}
