// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

// Both attributes below are for the person who reads a plan. They keep what the
// last change was until the next one: a plan without changes shows nothing.

func upgradeAttribute() schema.SingleNestedAttribute {
	text := func(description string) schema.StringAttribute {
		return schema.StringAttribute{MarkdownDescription: description, Computed: true}
	}
	texts := func(description string) schema.ListAttribute {
		return schema.ListAttribute{MarkdownDescription: description, ElementType: types.StringType, Computed: true}
	}
	return schema.SingleNestedAttribute{
		MarkdownDescription: "The upgrade that the last change of `topology.version` is, as its plan announced it. Null if the last change was none.",
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
		MarkdownDescription: "The sets of Machines that the last change replaces, as its plan announced it, in the order in which they roll. " +
			"Empty if the change replaces no Machine; null for a new cluster; known after apply if the plan cannot tell.",
		Computed: true,
		NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
			"machine_set": text("`control plane`, `machine deployment \"NAME\"` or `machine pool \"NAME\"`."),
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
