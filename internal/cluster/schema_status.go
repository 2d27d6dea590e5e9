// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/objectplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/terraform-capi/terraform-provider-capi/internal/tfkit"
)

// Values of a machine's role.
const (
	roleControlPlane = "control_plane"
	roleWorker       = "worker"
)

// statusAttributes describe what facts.status returns.
func statusAttributes() map[string]schema.Attribute {
	return map[string]schema.Attribute{
		"endpoint": schema.SingleNestedAttribute{
			MarkdownDescription: "Where the control plane is reached, as Cluster API knows it; null until it is known. " +
				"For an address that works from this machine see `capi_kubeconfig`.",
			Computed:      true,
			PlanModifiers: []planmodifier.Object{objectplanmodifier.UseNonNullStateForUnknown()},
			Attributes: map[string]schema.Attribute{
				"host": schema.StringAttribute{MarkdownDescription: "Name or address.", Computed: true},
				"port": schema.Int64Attribute{MarkdownDescription: "Port.", Computed: true},
			},
		},
		"phase": schema.StringAttribute{
			MarkdownDescription: "Phase of the cluster: `Pending`, `Provisioning`, `Provisioned`, `Deleting`, `Failed` or `Unknown`.",
			Computed:            true,
		},
		"ready": schema.BoolAttribute{
			MarkdownDescription: "Whether everything that is declared here has come about, machines and nodes included, whatever `wait_for` waits for.",
			Computed:            true,
		},
		"kubernetes_versions": schema.ListAttribute{
			MarkdownDescription: "The Kubernetes versions of the cluster's machines, oldest first: one, unless an upgrade is under way.",
			ElementType:         types.StringType,
			Computed:            true,
		},
		"conditions": tfkit.ConditionsAttribute("the Cluster object"),
		"machines": schema.MapNestedAttribute{
			MarkdownDescription: "The Machines of the cluster, by name. Infrastructure whose machine pools have no Machines is not listed.",
			Computed:            true,
			NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
				"version":     schema.StringAttribute{MarkdownDescription: "Kubernetes version.", Computed: true},
				"role":        schema.StringAttribute{MarkdownDescription: "`" + roleControlPlane + "` or `" + roleWorker + "`.", Computed: true},
				"machine_set": schema.StringAttribute{MarkdownDescription: "Name of the machine deployment or pool in the topology; null for the control plane.", Computed: true},
				"node":        schema.StringAttribute{MarkdownDescription: "Name of the node; null until it has joined.", Computed: true},
				"phase":       schema.StringAttribute{MarkdownDescription: "Phase of the Machine, such as `Provisioning`, `Running` or `Deleting`.", Computed: true},
				"ready":       schema.BoolAttribute{MarkdownDescription: "Whether the machine and its node are ready.", Computed: true},
			}},
		},
		"replicas": schema.SingleNestedAttribute{
			MarkdownDescription: "Numbers of machines, as the management cluster counts them.",
			Computed:            true,
			Attributes: map[string]schema.Attribute{
				"control_plane": schema.SingleNestedAttribute{
					MarkdownDescription: "Of the control plane; null until there is one.",
					Computed:            true,
					Attributes:          replicasAttributes(),
				},
				"machine_deployments": schema.MapNestedAttribute{
					MarkdownDescription: "Of the machine deployments, by their name in the topology.",
					Computed:            true,
					NestedObject:        schema.NestedAttributeObject{Attributes: replicasAttributes()},
				},
				"machine_pools": schema.MapNestedAttribute{
					MarkdownDescription: "Of the machine pools, by their name in the topology.",
					Computed:            true,
					NestedObject:        schema.NestedAttributeObject{Attributes: replicasAttributes()},
				},
			},
		},
	}
}

func replicasAttributes() map[string]schema.Attribute {
	count := func(description string) schema.Int64Attribute {
		return schema.Int64Attribute{MarkdownDescription: description + " Null if it is not reported.", Computed: true}
	}
	return map[string]schema.Attribute{
		"desired":    count("Machines that there should be."),
		"replicas":   count("Machines that exist."),
		"ready":      count("Machines that are ready."),
		"available":  count("Machines that have been ready for long enough."),
		"up_to_date": count("Machines that are as declared."),
	}
}
