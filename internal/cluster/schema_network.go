// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework-validators/listvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/terraform-capi/terraform-provider-capi/internal/tfkit"
)

// settled ends the description of what a control plane is initialised with.
const settled = "A change is made in place until the control plane is initialised, and is an error from then on."

func clusterNetworkAttribute() schema.SingleNestedAttribute {
	cidrs := func(description string) schema.ListAttribute {
		return schema.ListAttribute{
			MarkdownDescription: description + " " + settled,
			ElementType:         types.StringType,
			Optional:            true,
			Validators:          []validator.List{listvalidator.SizeAtMost(100), listvalidator.ValueStringsAre(tfkit.CIDR())},
		}
	}
	return schema.SingleNestedAttribute{
		MarkdownDescription: "The cluster's network. Networks of pods and of services must not overlap, and need an IP family in common. " +
			"kubeadm takes one network of each, or for dual stack one of IPv4 and one of IPv6. " + settled,
		Optional: true,
		Attributes: map[string]schema.Attribute{
			"pods": cidrs("CIDR ranges of pods, such as `10.10.0.0/16`. kubeadm gives each node a /24 of it (IPv6: a /64), and takes at most 16 bits more. " +
				"Default: with `cni = { name = \"" + cniKindnet + "\" }` as in kind, `10.244.0.0/16` and for IPv6 services `fd00:10:244::/56`; else none, and what the network plugin needs is up to it."),
			"services": cidrs("CIDR ranges of services, such as `10.20.0.0/16`. kubeadm takes at most 20 bits (a /12; IPv6: a /108). " +
				"Default: the control plane provider's, which is `10.96.0.0/12` for kubeadm."),
			"service_domain": schema.StringAttribute{
				MarkdownDescription: "DNS domain of services. Default: `cluster.local`. " + settled,
				Optional:            true,
				Validators:          []validator.String{tfkit.DNSSubdomain()},
			},
			"api_server_port": schema.Int64Attribute{
				CustomType:          tfkit.WholeNumberType{},
				MarkdownDescription: "Port that API servers listen on. Default: `6443`. " + settled,
				Optional:            true,
				Validators:          []validator.Int64{int64validator.Between(1, 65535)},
			},
		},
	}
}

func controlPlaneEndpointAttribute() schema.SingleNestedAttribute {
	return schema.SingleNestedAttribute{
		MarkdownDescription: "Where the control plane is to be reached, for infrastructure that does not decide that itself. " +
			"Default: what the infrastructure provider reports, which is in `endpoint`. Changes are made in place; nodes and certificates that exist keep the old endpoint.",
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
