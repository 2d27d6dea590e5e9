// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package apifields

import (
	"context"
	"maps"
	"math"

	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework-validators/listvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

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
		CustomType:          tfkit.WholeNumberType{},
		MarkdownDescription: description + " In seconds, at least `0`." + inPlace,
		Optional:            true,
		Validators:          []validator.Int64{int64validator.Between(0, math.MaxInt32)},
	}
}

// Replicas is how many Machines there are.
func Replicas(description string) schema.Int64Attribute {
	return schema.Int64Attribute{
		CustomType:          tfkit.WholeNumberType{},
		MarkdownDescription: "Number of machines. " + description + inPlace,
		Optional:            true,
		Validators:          []validator.Int64{int64validator.Between(0, math.MaxInt32)},
	}
}

// FailureDomains are where the machines of a pool are.
func FailureDomains(defaultValue string) schema.ListAttribute {
	return schema.ListAttribute{
		MarkdownDescription: "Failure domains that the machines are spread over. Default: " + defaultValue + "." + inPlace,
		ElementType:         types.StringType,
		Optional:            true,
		Validators:          []validator.List{listvalidator.SizeBetween(1, 100)},
	}
}

// MinReadySeconds is how long a Machine has to be ready to count as available.
func MinReadySeconds() schema.Int64Attribute {
	return seconds("For how long a new Machine has to be ready before it counts as available. Default: `0`.")
}

// Variables are values for the variables that a class defines.
func Variables(description string) schema.DynamicAttribute {
	return schema.DynamicAttribute{
		MarkdownDescription: description + " An object, variable name = value, whose values have the form that the class's schema asks for. " +
			"Only the variables declared here are managed; Cluster API adds those that the class has a default for. " +
			"They are in the state, in plans and in the Cluster object as they are: give the name of a Secret, not a secret. Default: none." + inPlace,
		Optional:      true,
		Validators:    []validator.Dynamic{IsObject()},
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
