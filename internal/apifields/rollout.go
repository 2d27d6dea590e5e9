// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package apifields

import (
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"

	"github.com/terraform-capi/terraform-provider-capi/internal/tfkit"
)

// RolloutOf says whose rollout is declared and where.
type RolloutOf struct {
	// MachineDeployment rollouts have a strategy.
	MachineDeployment bool
	// InTopology rollouts can be asked for.
	InTopology bool
}

// Rollout is how Machines are replaced.
func Rollout(of RolloutOf) schema.SingleNestedAttribute {
	attributes := map[string]schema.Attribute{}
	if of.InTopology {
		attributes["after"] = schema.StringAttribute{
			MarkdownDescription: "Replaces, from this time on, all Machines that are older than it: a time as in RFC 3339, such as `2026-01-31T10:00:00Z`. " +
				"A new time in the past rolls the Machines once. Default: none. A change rolls the machines in place.",
			Optional:   true,
			Validators: []validator.String{tfkit.Timestamp()},
		}
	}
	if of.MachineDeployment {
		attributes["strategy"] = rolloutStrategy()
	}
	return schema.SingleNestedAttribute{
		MarkdownDescription: "How Machines are replaced when something about them changes." + inPlace,
		Optional:            true,
		Attributes:          attributes,
	}
}

// RolloutFields are the fields of Rollout, to be nested with Under.
func RolloutFields() Fields {
	return Fields{
		"strategy.rolling_update.max_surge":       IntOrString(),
		"strategy.rolling_update.max_unavailable": IntOrString(),
	}
}

func rolloutStrategy() schema.SingleNestedAttribute {
	amount := func(description string) schema.StringAttribute {
		return schema.StringAttribute{
			MarkdownDescription: description + " A number or a percentage, such as `1` or `25%`." + inPlace,
			Optional:            true,
			Validators:          []validator.String{tfkit.IntOrPercent()},
		}
	}
	return schema.SingleNestedAttribute{
		MarkdownDescription: "The strategy of replacement." + inPlace,
		Optional:            true,
		Attributes: map[string]schema.Attribute{
			"type": schema.StringAttribute{
				MarkdownDescription: "`RollingUpdate`, or `OnDelete` to replace only Machines that somebody deletes. Default: `RollingUpdate`." + inPlace,
				Required:            true,
				Validators:          []validator.String{stringvalidator.OneOf("RollingUpdate", "OnDelete")},
			},
			"rolling_update": schema.SingleNestedAttribute{
				MarkdownDescription: "Limits of a rolling update." + inPlace,
				Optional:            true,
				Attributes: map[string]schema.Attribute{
					"max_surge":       amount("How many Machines there may be above the wanted number. Default: `1`."),
					"max_unavailable": amount("How many Machines may be missing below the wanted number. Default: `0`."),
				},
			},
		},
	}
}
