// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package apifields

import (
	"regexp"

	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework-validators/listvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"

	"github.com/terraform-capi/terraform-provider-capi/internal/tfkit"
)

// HealthCheckOf says whose Machines are checked and where the check is written.
type HealthCheckOf struct {
	// MachineDeployment checks remediate several Machines at a time.
	MachineDeployment bool
	// InTopology checks override those of the class, or switch them off.
	InTopology bool
}

// HealthCheck is the attribute for a MachineHealthCheck.
func HealthCheck(of HealthCheckOf) schema.SingleNestedAttribute {
	attributes := map[string]schema.Attribute{"checks": healthChecks(), "remediation": remediation(of)}
	description := "A MachineHealthCheck for the Machines: those that are unhealthy are replaced. Default: no check."
	if of.InTopology {
		description = "Overrides or switches off the MachineHealthCheck that the class has. Default: as in the class."
		attributes["enabled"] = schema.BoolAttribute{
			MarkdownDescription: "`false` switches the check off, `true` insists on one. Default: checks if a check is defined here or in the class." + inPlace,
			Optional:            true,
		}
	}
	return schema.SingleNestedAttribute{
		MarkdownDescription: description + inPlace,
		Optional:            true,
		Attributes:          attributes,
	}
}

// HealthCheckFields are the fields of HealthCheck, to be nested with Under.
func HealthCheckFields() Fields {
	return Fields{
		"remediation.trigger_if.unhealthy_less_than_or_equal_to": IntOrString(),
		"remediation.max_in_flight":                              IntOrString(),
	}
}

func healthChecks() schema.SingleNestedAttribute {
	return schema.SingleNestedAttribute{
		MarkdownDescription: "What makes a Machine unhealthy." + inPlace,
		Optional:            true,
		Attributes: map[string]schema.Attribute{
			"node_startup_timeout_seconds": seconds("For how long a new Machine may have no Node; `0` is for ever. Default: `600`."),
			"unhealthy_node_conditions": conditions("Conditions of the Node that make its Machine unhealthy, any of them.",
				stringvalidator.LengthAtLeast(1)),
			"unhealthy_machine_conditions": conditions("Conditions of the Machine that make it unhealthy, any of them.",
				stringvalidator.NoneOf("Ready", "Available", "HealthCheckSucceeded", "OwnerRemediated", "ExternallyRemediated")),
		},
	}
}

func conditions(description string, typeValidator validator.String) schema.ListNestedAttribute {
	return schema.ListNestedAttribute{
		MarkdownDescription: description + " At least one, if set." + inPlace,
		Optional:            true,
		Validators:          []validator.List{listvalidator.SizeAtLeast(1)},
		NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
			"type": schema.StringAttribute{
				MarkdownDescription: "Type of the condition." + inPlace,
				Required:            true,
				Validators:          []validator.String{typeValidator},
			},
			"status": schema.StringAttribute{
				MarkdownDescription: "The status that is unhealthy: `True`, `False` or `Unknown`." + inPlace,
				Required:            true,
				Validators:          []validator.String{stringvalidator.OneOf("True", "False", "Unknown")},
			},
			"timeout_seconds": schema.Int64Attribute{
				CustomType:          tfkit.WholeNumberType{},
				MarkdownDescription: "For how long the condition has to have the status, in seconds, at least `0`." + inPlace,
				Required:            true,
				Validators:          []validator.Int64{int64validator.AtLeast(0)},
			},
		}},
	}
}

func remediation(of HealthCheckOf) schema.SingleNestedAttribute {
	attributes := map[string]schema.Attribute{
		"trigger_if": schema.SingleNestedAttribute{
			MarkdownDescription: "When to remediate. Default: always." + inPlace,
			Optional:            true,
			Attributes: map[string]schema.Attribute{
				"unhealthy_less_than_or_equal_to": schema.StringAttribute{
					MarkdownDescription: "Only while at most this many Machines are unhealthy: a number or a percentage, such as `1` or `40%`. Default: no limit." + inPlace,
					Optional:            true,
					Validators:          []validator.String{tfkit.IntOrPercent()},
				},
				"unhealthy_in_range": schema.StringAttribute{
					MarkdownDescription: "Only while the number of unhealthy Machines is in this range, such as `[3-5]`. Goes before `unhealthy_less_than_or_equal_to`. Default: no range." + inPlace,
					Optional:            true,
					Validators: []validator.String{
						stringvalidator.RegexMatches(regexp.MustCompile(`^\[[0-9]+-[0-9]+\]$`), "must be a range such as [3-5]"),
					},
				},
			},
		},
		"template_ref": schema.SingleNestedAttribute{
			MarkdownDescription: "A remediation template of an infrastructure provider, which then remediates instead of Cluster API." + inPlace,
			Optional:            true,
			Attributes:          templateRefAttributes,
		},
	}
	if of.MachineDeployment {
		attributes["max_in_flight"] = schema.StringAttribute{
			MarkdownDescription: "How many Machines may be remediated at a time: a number or a percentage. Default: no limit." + inPlace,
			Optional:            true,
			Validators:          []validator.String{tfkit.IntOrPercent()},
		}
	}
	return schema.SingleNestedAttribute{
		MarkdownDescription: "When and how unhealthy Machines are replaced." + inPlace,
		Optional:            true,
		Attributes:          attributes,
	}
}

var templateRefAttributes = map[string]schema.Attribute{
	"api_version": schema.StringAttribute{MarkdownDescription: "API version of the template." + inPlace, Required: true},
	"kind":        schema.StringAttribute{MarkdownDescription: "Kind of the template." + inPlace, Required: true},
	"name":        schema.StringAttribute{MarkdownDescription: "Name of the template." + inPlace, Required: true},
}
