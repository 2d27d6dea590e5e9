// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

// Both attributes below are for the person who reads a plan. Once they have come
// true the next refresh drops them, so that no later plan shows them going away.

func upgradeAttribute() schema.SingleNestedAttribute {
	text := func(description string) schema.StringAttribute {
		return schema.StringAttribute{MarkdownDescription: description, Computed: true}
	}
	texts := func(description string) schema.ListAttribute {
		return schema.ListAttribute{MarkdownDescription: description, ElementType: types.StringType, Computed: true}
	}
	return schema.SingleNestedAttribute{
		MarkdownDescription: "What a change of `topology.version` does, as its plan announces it. Null if there is no such change, and again once it has been carried out.",
		Computed:            true,
		Attributes: map[string]schema.Attribute{
			"from":     text("Kubernetes version before."),
			"to":       text("Kubernetes version after."),
			"versions": texts("The versions that the control plane goes through, `to` included. More than one only if the class lists the versions in between."),
			"steps":    texts("What happens, in this order."),
			"machines_replaced": schema.Int64Attribute{
				MarkdownDescription: "How many Machines are replaced in all. Null if the number of machines of a set is not declared.",
				Computed:            true,
			},
			"surge":     text("How many more Machines than declared there are meanwhile, per machine set."),
			"untouched": texts("The machine sets that stay as they are."),
		},
	}
}

func rolloutAttribute() schema.ListNestedAttribute {
	text := func(description string) schema.StringAttribute {
		return schema.StringAttribute{MarkdownDescription: description, Computed: true}
	}
	return schema.ListNestedAttribute{
		MarkdownDescription: "The sets of Machines that a change replaces, and why, as its plan announces it, in the order in which they roll. " +
			"Empty if the change replaces no Machine, known after apply if the plan cannot tell, and null once it has been carried out.",
		Computed: true,
		NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
			"machine_set": text("`control plane`, `machine deployment NAME` or `machine pool NAME`."),
			"reasons": schema.ListAttribute{
				MarkdownDescription: "Why the Machines are replaced.",
				ElementType:         types.StringType,
				Computed:            true,
			},
			"machines": schema.Int64Attribute{
				MarkdownDescription: "How many Machines are replaced. Null if their number is not declared.",
				Computed:            true,
			},
			"strategy":        text("`RollingUpdate`, or `OnDelete` if only Machines that somebody deletes are replaced."),
			"max_surge":       text("How many Machines there may be above the wanted number. Null if the set has no such limit."),
			"max_unavailable": text("How many Machines may be missing below the wanted number. Null if the set has no such limit."),
		}},
	}
}
