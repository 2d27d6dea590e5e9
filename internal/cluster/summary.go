// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"
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

// summary returns the values of summaryAttributes, by name.
func (f *facts) summary() map[string]attr.Value {
	conditions, machines := map[string]attr.Value{}, map[string]attr.Value{}
	for _, condition := range f.cluster.Status.Conditions {
		conditions[condition.Type] = types.StringValue(string(condition.Status))
	}
	for i := range f.machines {
		machines[f.machines[i].Name] = types.StringValue(f.machines[i].Spec.Version)
	}
	return map[string]attr.Value{
		"conditions": types.MapValueMust(types.StringType, conditions),
		"machines":   types.MapValueMust(types.StringType, machines),
		"replicas":   f.readyReplicas(),
	}
}

func (f *facts) readyReplicas() types.Object {
	t, _ := attributeTypes["replicas"].(types.ObjectType)
	controlPlane := types.Int64Null()
	if f.controlPlane != nil {
		controlPlane = types.Int64PointerValue(countsOfControlPlane(f.controlPlane).ready)
	}
	byKind := map[string]map[string]attr.Value{kindMachineDeployment: {}, kindMachinePool: {}}
	for _, set := range f.workerSets() {
		if set.name != "" {
			byKind[set.kind][set.name] = types.Int64PointerValue(set.counts.ready)
		}
	}
	return types.ObjectValueMust(t.AttrTypes, map[string]attr.Value{
		"control_plane":       controlPlane,
		"machine_deployments": types.MapValueMust(types.Int64Type, byKind[kindMachineDeployment]),
		"machine_pools":       types.MapValueMust(types.Int64Type, byKind[kindMachinePool]),
	})
}

// machineStatus are the attributes that only change when something happens to
// machines, by name.
func (m *model) machineStatus() map[string]attr.Value {
	return map[string]attr.Value{
		"phase": m.Phase, "kubernetes_versions": m.KubernetesVersions,
		"conditions": m.Conditions, "machines": m.Machines, "replicas": m.Replicas,
	}
}

// keepPlanned takes back what was observed where the plan knew it.
func (m *model) keepPlanned(plan model) {
	if !plan.Conditions.IsUnknown() {
		m.Phase, m.KubernetesVersions = plan.Phase, plan.KubernetesVersions
		m.Conditions, m.Machines, m.Replicas = plan.Conditions, plan.Machines, plan.Replicas
	}
}
