// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package tfkit

import (
	"context"
	"fmt"
	"time"

	"github.com/hashicorp/terraform-plugin-framework-timeouts/resource/timeouts"
	"github.com/hashicorp/terraform-plugin-framework-validators/mapvalidator"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringdefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

// DefaultNamespace is where objects live that say nothing about it.
const DefaultNamespace = "default"

// MaxDNSLabel is the length of the longest DNS label.
const MaxDNSLabel = 63

// IDAttribute is the computed id of a resource that keeps it for life.
func IDAttribute(form string) schema.StringAttribute {
	return schema.StringAttribute{
		MarkdownDescription: "Identifies the object: " + form + ". Also the id to import it by.",
		Computed:            true,
		PlanModifiers:       []planmodifier.String{stringplanmodifier.UseStateForUnknown()},
	}
}

// TextOrNull is null for an empty text.
func TextOrNull(text string) types.String {
	if text == "" {
		return types.StringNull()
	}
	return types.StringValue(text)
}

// ManagementClusterAttribute says in which management cluster an object lives.
func ManagementClusterAttribute() schema.StringAttribute {
	return schema.StringAttribute{
		MarkdownDescription: "Id of the management cluster that the object lives in: the `id` of a " +
			"`capi_management_cluster`, or `kind://NAME` of any KinD cluster on this machine. " +
			"Default: the management cluster of the provider block. A change replaces the object.",
		Optional:      true,
		Validators:    []validator.String{ManagementClusterID()},
		PlanModifiers: []planmodifier.String{stringplanmodifier.RequiresReplace()},
	}
}

// NamespaceAttribute says in which namespace an object lives.
func NamespaceAttribute() schema.StringAttribute {
	return schema.StringAttribute{
		MarkdownDescription: "Namespace that the object lives in. It must exist. Default: `default`. A change replaces the object.",
		Optional:            true,
		Computed:            true,
		Default:             stringdefault.StaticString(DefaultNamespace),
		Validators:          []validator.String{DNSLabel(MaxDNSLabel)},
		PlanModifiers:       []planmodifier.String{stringplanmodifier.RequiresReplace()},
	}
}

// LabelsAttribute holds the labels of an object that the configuration declares.
// what names the object in the description, as in "the Cluster".
func LabelsAttribute(what string) schema.MapAttribute {
	return schema.MapAttribute{
		MarkdownDescription: fmt.Sprintf("Labels of %s. Only the labels declared here are managed; "+
			"others that it carries are left alone. Default: none. Changes are made in place.", what),
		ElementType: types.StringType,
		Optional:    true,
		Validators: []validator.Map{
			mapvalidator.KeysAre(LabelKey()),
			mapvalidator.ValueStringsAre(LabelValue()),
		},
	}
}

// AnnotationsAttribute holds the annotations of an object that the configuration
// declares.
func AnnotationsAttribute(what string) schema.MapAttribute {
	return schema.MapAttribute{
		MarkdownDescription: fmt.Sprintf("Annotations of %s. Only the annotations declared here are managed; "+
			"others that it carries are left alone. Default: none. Changes are made in place.", what),
		ElementType: types.StringType,
		Optional:    true,
		Validators:  []validator.Map{mapvalidator.KeysAre(LabelKey())},
	}
}

// Timeouts are for how long the operations of a resource wait when the
// configuration does not say. The operations whose time is zero do not wait.
type Timeouts struct {
	Create, Update, Delete time.Duration
}

// Attribute is the timeouts attribute with these defaults. Its value is a
// timeouts.Value.
func (t Timeouts) Attribute(ctx context.Context) schema.Attribute {
	attribute := timeouts.Attributes(ctx, timeouts.Opts{
		Create:            t.Create > 0,
		Update:            t.Update > 0,
		Delete:            t.Delete > 0,
		CreateDescription: timeoutDescription("creation", t.Create),
		UpdateDescription: timeoutDescription("an update", t.Update),
		DeleteDescription: timeoutDescription("deletion", t.Delete),
	})
	if nested, ok := attribute.(schema.SingleNestedAttribute); ok {
		nested.MarkdownDescription = "For how long operations wait. Changes concern Terraform only and touch nothing."
		for name, timeout := range nested.Attributes {
			if timeout, ok := timeout.(schema.StringAttribute); ok {
				timeout.Validators = []validator.String{Duration()}
				nested.Attributes[name] = timeout
			}
		}
		return nested
	}
	return attribute
}

func timeoutDescription(operation string, value time.Duration) string {
	return fmt.Sprintf("For how long %s may take, as a positive duration such as `90s` or `1h30m`. Default: `%s`.", operation, short(value))
}

// short writes 20m for what Go writes as 20m0s.
func short(d time.Duration) string {
	if d%time.Minute == 0 {
		return fmt.Sprintf("%dm", d/time.Minute)
	}
	return d.String()
}
