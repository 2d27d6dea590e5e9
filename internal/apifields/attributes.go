// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package apifields

import (
	"context"
	"maps"

	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework-validators/listvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"

	"github.com/terraform-capi/terraform-provider-capi/internal/tfkit"
)

// inPlace ends the description of attributes whose change needs no replacement.
const inPlace = " Changes are made in place."

// Metadata is the metadata attribute of what a class or a topology makes.
func Metadata(what string) schema.SingleNestedAttribute {
	return schema.SingleNestedAttribute{
		MarkdownDescription: "Labels and annotations of " + what + "." + inPlace,
		Optional:            true,
		Attributes: map[string]schema.Attribute{
			"labels":      tfkit.LabelsAttribute(what),
			"annotations": tfkit.AnnotationsAttribute(what),
		},
	}
}

// Deletion is the attribute for how Machines are deleted. Only machine
// deployments choose an order.
func Deletion(withOrder bool) schema.SingleNestedAttribute {
	attributes := map[string]schema.Attribute{
		"node_drain_timeout_seconds":         seconds("For how long draining a node may take. Default: no limit."),
		"node_volume_detach_timeout_seconds": seconds("For how long to wait until all volumes are detached. Default: no limit."),
		"node_deletion_timeout_seconds":      seconds("For how long to try to delete the Node after its Machine; `0` tries for ever. Default: `10`."),
	}
	if withOrder {
		attributes["order"] = schema.StringAttribute{
			MarkdownDescription: "Which Machines go first when scaling down: `Random`, `Newest` or `Oldest`. Default: `Random`." + inPlace,
			Optional:            true,
			Validators:          []validator.String{stringvalidator.OneOf("Random", "Newest", "Oldest")},
		}
	}
	return schema.SingleNestedAttribute{
		MarkdownDescription: "How Machines are deleted." + inPlace,
		Optional:            true,
		Attributes:          attributes,
	}
}

func seconds(description string) schema.Int64Attribute {
	return schema.Int64Attribute{
		MarkdownDescription: description + " In seconds, at least `0`." + inPlace,
		Optional:            true,
		Validators:          []validator.Int64{int64validator.AtLeast(0)},
	}
}

// MinReadySeconds is how long a Machine has to be ready to count as available.
func MinReadySeconds() schema.Int64Attribute {
	return seconds("For how long a new Machine has to be ready before it counts as available. Default: `0`.")
}

// ReadinessGates are further conditions that make a Machine ready.
func ReadinessGates() schema.ListNestedAttribute {
	return schema.ListNestedAttribute{
		MarkdownDescription: "Further conditions of a Machine that have to hold before it is ready. At least one, if set." + inPlace,
		Optional:            true,
		Validators:          []validator.List{listvalidator.SizeAtLeast(1)},
		NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
			"condition_type": schema.StringAttribute{
				MarkdownDescription: "Type of the condition." + inPlace,
				Required:            true,
			},
			"polarity": schema.StringAttribute{
				MarkdownDescription: "`Positive` if the condition should be true, `Negative` if it should be false. Default: `Positive`." + inPlace,
				Optional:            true,
				Validators:          []validator.String{stringvalidator.OneOf("Positive", "Negative")},
			},
		}},
	}
}

// Rollout is how a machine deployment replaces its Machines.
func Rollout() schema.SingleNestedAttribute {
	amount := func(description string) schema.StringAttribute {
		return schema.StringAttribute{
			MarkdownDescription: description + " A number or a percentage, such as `1` or `25%`." + inPlace,
			Optional:            true,
		}
	}
	return schema.SingleNestedAttribute{
		MarkdownDescription: "How Machines are replaced when something about them changes." + inPlace,
		Optional:            true,
		Attributes: map[string]schema.Attribute{
			"strategy": schema.SingleNestedAttribute{
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
			},
		},
	}
}

// RolloutFields are the fields of Rollout, to be nested with Under.
func RolloutFields() Fields {
	return Fields{
		"strategy.rolling_update.max_surge":       IntOrString(),
		"strategy.rolling_update.max_unavailable": IntOrString(),
	}
}

// Variables are values for the variables that a class defines.
func Variables(description string) schema.DynamicAttribute {
	return schema.DynamicAttribute{
		MarkdownDescription: description + " An object, variable name = value, whose values have the form that the class's schema asks for. " +
			"Only the variables declared here are managed; Cluster API adds those that the class has a default for." + inPlace,
		Optional:      true,
		PlanModifiers: []planmodifier.Dynamic{KeepSameJSON()},
	}
}

// Under returns the fields with their paths moved below an attribute.
func (f Fields) Under(attribute string) Fields {
	moved := Fields{}
	for attributePath, field := range f {
		moved[join(attribute, attributePath)] = field
	}
	return moved
}

// Merge returns all the fields in one.
func Merge(all ...Fields) Fields {
	merged := Fields{}
	for _, fields := range all {
		maps.Copy(merged, fields)
	}
	return merged
}

// KeepSameJSON keeps the value in the state if the configured one means the same
// JSON, so that a list that becomes a tuple is no change.
func KeepSameJSON() planmodifier.Dynamic { return keepSameJSON{} }

type keepSameJSON struct{}

func (keepSameJSON) Description(context.Context) string {
	return "Values that mean the same JSON are the same."
}

func (m keepSameJSON) MarkdownDescription(ctx context.Context) string { return m.Description(ctx) }

func (keepSameJSON) PlanModifyDynamic(_ context.Context, req planmodifier.DynamicRequest, resp *planmodifier.DynamicResponse) {
	if !req.StateValue.IsNull() && !req.ConfigValue.IsNull() && tfkit.SameJSON(req.StateValue, req.PlanValue) {
		resp.PlanValue = req.StateValue
	}
}
