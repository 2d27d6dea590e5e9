// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"fmt"
	"net/netip"

	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework-validators/listvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/terraform-capi/terraform-provider-capi/internal/tfkit"
)

func clusterNetworkAttribute() schema.SingleNestedAttribute {
	cidrs := func(what, example string) schema.ListAttribute {
		return schema.ListAttribute{
			MarkdownDescription: "CIDR ranges of " + what + ", such as `" + example + "`; two for dual stack. Default: the class's. Cluster API applies a change to new objects only.",
			ElementType:         types.StringType,
			Optional:            true,
			Validators:          []validator.List{listvalidator.SizeAtMost(100), listvalidator.ValueStringsAre(tfkit.CIDR())},
		}
	}
	return schema.SingleNestedAttribute{
		MarkdownDescription: "The cluster's network. Changes are made in place.",
		Optional:            true,
		Validators:          []validator.Object{disjoint{}},
		Attributes: map[string]schema.Attribute{
			"pods":     cidrs("pods", "10.10.0.0/16"),
			"services": cidrs("services", "10.20.0.0/16"),
			"service_domain": schema.StringAttribute{
				MarkdownDescription: "DNS domain of services. Default: `cluster.local`. Changes are made in place.",
				Optional:            true,
				Validators:          []validator.String{tfkit.DNSSubdomain()},
			},
			"api_server_port": schema.Int64Attribute{
				CustomType:          tfkit.WholeNumberType{},
				MarkdownDescription: "Port that API servers listen on. Default: `6443`. Changes are made in place.",
				Optional:            true,
				Validators:          []validator.Int64{int64validator.Between(1, 65535)},
			},
		},
	}
}

func controlPlaneEndpointAttribute() schema.SingleNestedAttribute {
	return schema.SingleNestedAttribute{
		MarkdownDescription: "Where the control plane is to be reached, for infrastructure that does not decide that itself. " +
			"Default: what the infrastructure provider reports, which is in `endpoint`. Changes are made in place.",
		Optional: true,
		Attributes: map[string]schema.Attribute{
			"host": schema.StringAttribute{
				MarkdownDescription: "Name or address. Changes are made in place.",
				Required:            true,
				Validators:          []validator.String{stringvalidator.LengthBetween(1, 512)},
			},
			"port": schema.Int64Attribute{
				CustomType:          tfkit.WholeNumberType{},
				MarkdownDescription: "Port. Changes are made in place.",
				Required:            true,
				Validators:          []validator.Int64{int64validator.Between(1, 65535)},
			},
		},
	}
}

// disjoint refuses networks of pods and of services that have addresses in
// common: Cluster API takes them, and the cluster never works.
type disjoint struct{}

func (disjoint) Description(context.Context) string { return "pods and services do not overlap" }

func (v disjoint) MarkdownDescription(ctx context.Context) string { return v.Description(ctx) }

func (disjoint) ValidateObject(_ context.Context, req validator.ObjectRequest, resp *validator.ObjectResponse) {
	attributes := req.ConfigValue.Attributes()
	for i, pods := range prefixes(attributes["pods"]) {
		for _, services := range prefixes(attributes["services"]) {
			if pods.Overlaps(services) {
				resp.Diagnostics.AddAttributeError(req.Path.AtName("pods").AtListIndex(i), "Overlapping networks",
					fmt.Sprintf("The network of the pods, %s, and the network of the services, %s, have addresses in common. They must not overlap.", pods, services))
			}
		}
	}
}

// prefixes are those elements of a list that are valid and known.
func prefixes(value attr.Value) []netip.Prefix {
	list, _ := value.(types.List)
	var valid []netip.Prefix
	for _, element := range list.Elements() {
		text, _ := element.(types.String)
		if prefix, err := netip.ParsePrefix(text.ValueString()); err == nil {
			valid = append(valid, prefix)
		}
	}
	return valid
}
