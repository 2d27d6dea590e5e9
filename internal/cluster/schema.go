// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"maps"
	"strings"
	"time"

	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework-validators/listvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/terraform-capi/terraform-provider-capi/internal/apifields"
	"github.com/terraform-capi/terraform-provider-capi/internal/tfkit"
)

// Bringing up or rolling many machines takes its time, and a wait that ends too
// early is only a warning: these are for when something is stuck.
var defaultTimeouts = tfkit.Timeouts{Create: 30 * time.Minute, Update: 60 * time.Minute, Delete: 30 * time.Minute}

// cniKindnet is the CNI plugin that node images bring along.
const cniKindnet = "kindnet"

// fields says where the attributes stand in a Cluster object.
var fields = apifields.Merge(
	apifields.Fields{
		"name":                     apifields.At("metadata", "name"),
		"namespace":                apifields.At("metadata", "namespace"),
		"labels":                   apifields.At("metadata", "labels"),
		"annotations":              apifields.At("metadata", "annotations"),
		"paused":                   apifields.At("spec", "paused"),
		"availability_gates":       apifields.Gates().At("spec", "availabilityGates"),
		"control_plane_endpoint":   apifields.At("spec", "controlPlaneEndpoint"),
		"cluster_network":          apifields.At("spec", "clusterNetwork"),
		"cluster_network.pods":     apifields.At("pods", "cidrBlocks"),
		"cluster_network.services": apifields.At("services", "cidrBlocks"),
		"topology":                 apifields.At("spec", "topology"),
	},
	topologyFields.Under("topology"),
)

// Schema describes the resource.
func (r *Resource) Schema(ctx context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "A Kubernetes cluster that Cluster API makes from a ClusterClass and keeps as declared here. " +
			"A change of version, replicas, variables or class rolls the cluster in place, the control plane first; " +
			"only `name`, `namespace` and `management_cluster` replace it, unless it was moved there already. " +
			"What Cluster API, defaulting and other people add to the Cluster object is left alone and is never a difference.",
		Attributes: map[string]schema.Attribute{
			"id":                 tfkit.IDAttribute("`[MANAGEMENT_CLUSTER_ID/]NAMESPACE/NAME`"),
			"management_cluster": movable(tfkit.ManagementClusterAttribute()),
			"namespace":          movable(tfkit.NamespaceAttribute()),
			"name": schema.StringAttribute{
				MarkdownDescription: "Name of the cluster: at most 63 lower case letters, digits and dashes. A change replaces the cluster.",
				Required:            true,
				Validators:          []validator.String{tfkit.DNSLabel(tfkit.MaxDNSLabel)},
			},
			"labels":      tfkit.LabelsAttribute("the Cluster object"),
			"annotations": tfkit.AnnotationsAttribute("the Cluster object"),
			"paused": schema.BoolAttribute{
				MarkdownDescription: "Stops Cluster API from working on the cluster, and Terraform from waiting for it. A paused cluster cannot be destroyed. " +
					"The annotation `cluster.x-k8s.io/paused` in `annotations` does the same. Default: not paused. Changes are made in place.",
				Optional: true,
			},
			"availability_gates": apifields.AvailabilityGates("Further conditions of the Cluster that have to hold before it is available. " +
				"They take the place of those of the class."),
			"control_plane_endpoint": controlPlaneEndpointAttribute(),
			"cluster_network":        clusterNetworkAttribute(),
			"topology":               topologyAttribute(),
			"cni":                    cniAttribute(),
			"timeouts":               defaultTimeouts.Attribute(ctx),
			"rollout":                rolloutAttribute(),
			"upgrade":                upgradeAttribute(),
			"uid": schema.StringAttribute{
				MarkdownDescription: "UID of the Cluster object.",
				Computed:            true,
				PlanModifiers:       []planmodifier.String{stringplanmodifier.UseStateForUnknown()},
			},
		},
	}
	maps.Copy(resp.Schema.Attributes, lifecycleAttributes())
	maps.Copy(resp.Schema.Attributes, statusAttributes())
	maps.Copy(resp.Schema.Attributes, summaryAttributes())
}

// movable is an attribute whose change replaces the cluster only if it was not moved
// there already, which the plan finds out (planPlace).
func movable(attribute schema.StringAttribute) schema.StringAttribute {
	attribute.PlanModifiers = nil
	attribute.MarkdownDescription = strings.TrimSuffix(attribute.MarkdownDescription, ".") + ", unless the cluster was moved there already, as by `clusterctl move`: then it is managed there from now on."
	return attribute
}

func cniAttribute() schema.SingleNestedAttribute {
	return schema.SingleNestedAttribute{
		MarkdownDescription: "The network plugin that is installed into the cluster; exactly one of `name`, `manifests` and `manifests_wo`. " +
			"Default: none is, and nodes stay not ready until something else installs one. " +
			"A change is made in place, but a plugin that was installed before is not removed.",
		Optional: true,
		Attributes: map[string]schema.Attribute{
			"name": schema.StringAttribute{
				MarkdownDescription: "`" + cniKindnet + "`: the plugin that ships in the node image, installed by the Docker infrastructure provider; nothing is downloaded. " +
					"It needs `cluster_network.pods`, and gives it a default. Default: none. Changes are made in place.",
				Optional: true,
				Validators: []validator.String{
					stringvalidator.OneOf(cniKindnet),
					stringvalidator.ExactlyOneOf(path.MatchRelative().AtParent().AtName("manifests"), path.MatchRelative().AtParent().AtName("manifests_wo")),
				},
			},
			"manifests": schema.ListAttribute{
				MarkdownDescription: "Manifests that Cluster API applies to the cluster through a ClusterResourceSet, and again whenever they change. " +
					"Each is YAML of one or more objects, whose documents may have 1 MiB each, and not a path or an address: use `file()` or `data \"http\"`. " +
					"They are in the state and in plans; with a secret in one of them, use `manifests_wo`. Default: none. Changes are made in place.",
				ElementType: types.StringType,
				Optional:    true,
				Validators:  []validator.List{listvalidator.SizeAtLeast(1)},
			},
			"manifests_wo": schema.ListAttribute{
				MarkdownDescription: "As `manifests`, but neither in the state nor in plans (write-only, which needs Terraform 1.11 or newer), and may come from ephemeral values. " +
					"They are applied when `manifests_wo_version` changes, and when the next plan finds that they were changed or removed outside of Terraform. " +
					"Default: none. Changes are made in place.",
				ElementType: types.StringType,
				Optional:    true,
				WriteOnly:   true,
				Validators: []validator.List{
					listvalidator.SizeAtLeast(1),
					listvalidator.AlsoRequires(path.MatchRelative().AtParent().AtName("manifests_wo_version")),
				},
			},
			"manifests_wo_version": schema.Int64Attribute{
				CustomType:          tfkit.WholeNumberType{},
				MarkdownDescription: "Version of `manifests_wo`, which needs one: any number, to be changed with them. Terraform cannot see their changes. Default: none. Changes are made in place.",
				Optional:            true,
				Validators:          []validator.Int64{int64validator.AlsoRequires(path.MatchRelative().AtParent().AtName("manifests_wo"))},
			},
		},
	}
}
