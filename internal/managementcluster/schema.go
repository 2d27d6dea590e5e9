// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package managementcluster

import (
	"context"
	"time"

	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework-validators/listvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/mapvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/booldefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/boolplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/listplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/mapplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringdefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/terraform-capi/terraform-provider-capi/internal/management/kind"
	"github.com/terraform-capi/terraform-provider-capi/internal/tfkit"
)

// Most of the time goes into pulling the node image, where it is not here yet.
var defaultTimeouts = tfkit.Timeouts{Create: 10 * time.Minute, Delete: 5 * time.Minute}

const (
	// DefaultNodeImage is the image of management clusters that do not name one.
	DefaultNodeImage = "kindest/node:v1.35.0"

	// maxNameLength leaves room for "-control-plane" in the node's host name.
	maxNameLength = 50
)

// Schema describes the resource.
func (r *Resource) Schema(ctx context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "A KinD cluster in this machine's Docker engine, for Cluster API to run in. " +
			"It has one node. KinD cannot change a cluster that exists, so every change of what it is made from replaces it.\n\n" +
			"A KinD cluster that exists already is not taken over, but can be imported. " +
			"A management cluster refuses to be destroyed while Clusters exist in it, or if it cannot be asked. Its credentials are not in the state: " +
			"other resources refer to it by `id`, and `kubeconfig_path` writes a kubeconfig for people.",
		Attributes: map[string]schema.Attribute{
			"id": tfkit.IDAttribute("`kind://NAME`"),
			"name": schema.StringAttribute{
				MarkdownDescription: "Name of the cluster: at most 50 lower case letters, digits and dashes. " +
					"The node's container is called `NAME-control-plane`. A change replaces the cluster.",
				Required:      true,
				Validators:    []validator.String{tfkit.DNSLabel(maxNameLength)},
				PlanModifiers: []planmodifier.String{stringplanmodifier.RequiresReplace()},
			},
			"node_image": schema.StringAttribute{
				MarkdownDescription: "Image of the node; it decides the Kubernetes version. It is pulled if the Docker engine does not have it. " +
					"Default: `" + DefaultNodeImage + "`. A change replaces the cluster.",
				Optional:      true,
				Computed:      true,
				Default:       stringdefault.StaticString(DefaultNodeImage),
				Validators:    []validator.String{tfkit.ImageReference()},
				PlanModifiers: []planmodifier.String{stringplanmodifier.RequiresReplace()},
			},
			"mount_docker_socket": schema.BoolAttribute{
				MarkdownDescription: "Whether the host's `" + kind.DockerSocket + "` is mounted into the node at the same path. " +
					"The provider `infrastructure-docker` needs it. Default: `true`. A change replaces the cluster.",
				Optional:      true,
				Computed:      true,
				Default:       booldefault.StaticBool(true),
				PlanModifiers: []planmodifier.Bool{boolplanmodifier.RequiresReplace()},
			},
			"extra_port_mappings": schema.ListNestedAttribute{
				MarkdownDescription: "Ports of the host that lead to ports of the node. Default: none. A change replaces the cluster.",
				Optional:            true,
				PlanModifiers:       []planmodifier.List{listplanmodifier.RequiresReplace()},
				NestedObject:        schema.NestedAttributeObject{Attributes: portMappingAttributes()},
			},
			"extra_mounts": schema.ListNestedAttribute{
				MarkdownDescription: "Paths of the host that are mounted into the node. Default: none. A change replaces the cluster.",
				Optional:            true,
				PlanModifiers:       []planmodifier.List{listplanmodifier.RequiresReplace()},
				NestedObject:        schema.NestedAttributeObject{Attributes: mountAttributes()},
			},
			"feature_gates": schema.MapAttribute{
				MarkdownDescription: "Kubernetes feature gates to switch on or off, by name, in all components. Default: none. A change replaces the cluster.",
				ElementType:         types.BoolType,
				Optional:            true,
				PlanModifiers:       []planmodifier.Map{mapplanmodifier.RequiresReplace()},
			},
			"kubeadm_config_patches": schema.ListAttribute{
				MarkdownDescription: "Merge patches of the kubeadm configuration, as YAML documents with a `kind` each, " +
					"applied in this order. Default: none. A change replaces the cluster.",
				ElementType:   types.StringType,
				Optional:      true,
				Validators:    []validator.List{listvalidator.ValueStringsAre(tfkit.YAMLObject())},
				PlanModifiers: []planmodifier.List{listplanmodifier.RequiresReplace()},
			},
			"labels": schema.MapAttribute{
				MarkdownDescription: "Labels of the node, in Kubernetes. Default: none. A change replaces the cluster.",
				ElementType:         types.StringType,
				Optional:            true,
				Validators: []validator.Map{
					mapvalidator.KeysAre(tfkit.LabelKey()),
					mapvalidator.ValueStringsAre(tfkit.LabelValue()),
				},
				PlanModifiers: []planmodifier.Map{mapplanmodifier.RequiresReplace()},
			},
			"kubeconfig_path": schema.StringAttribute{
				MarkdownDescription: "File that the cluster's kubeconfig is merged into, as context `kind-NAME`; a context of that name is replaced. " +
					"It becomes the current context if the file has none. " +
					"A leading `~` is the home directory. Default: no file is written. A change is made in place.",
				Optional:   true,
				Validators: []validator.String{stringvalidator.LengthAtLeast(1)},
			},
			"timeouts": defaultTimeouts.Attribute(ctx),
			"endpoint": computedString("URL of the Kubernetes API, for this machine."),
			"cluster_ca_certificate": computedString("Certificate of the authority that the Kubernetes API's certificate " +
				"comes from, in PEM. It is not a secret."),
			"kubernetes_version": computedString("Kubernetes version of the node, such as `v1.35.0`."),
			"status": computedString("`running`; or `stopped` or `paused` if the node's container is, and `unreachable` if the API does not answer, " +
				"which the next apply repairs in place."),
		},
	}
}

func portMappingAttributes() map[string]schema.Attribute {
	return map[string]schema.Attribute{
		"container_port": schema.Int64Attribute{
			CustomType:          tfkit.WholeNumberType{},
			MarkdownDescription: "Port of the node, 1 to 65535.",
			Required:            true,
			Validators:          []validator.Int64{int64validator.Between(1, 65535)},
		},
		"host_port": schema.Int64Attribute{
			CustomType:          tfkit.WholeNumberType{},
			MarkdownDescription: "Port of the host, 1 to 65535. It must be free when the cluster is created.",
			Required:            true,
			Validators:          []validator.Int64{int64validator.Between(1, 65535)},
		},
		"listen_address": schema.StringAttribute{
			MarkdownDescription: "Address of the host that the port is opened on. Default: `" + kind.DefaultListenAddress +
				"`, which only this machine reaches; `0.0.0.0` is every address.",
			Optional:   true,
			Computed:   true,
			Default:    stringdefault.StaticString(kind.DefaultListenAddress),
			Validators: []validator.String{tfkit.IPAddress()},
		},
		"protocol": schema.StringAttribute{
			MarkdownDescription: "`TCP`, `UDP` or `SCTP`. Default: `TCP`.",
			Optional:            true,
			Computed:            true,
			Default:             stringdefault.StaticString("TCP"),
			Validators:          []validator.String{stringvalidator.OneOf("TCP", "UDP", "SCTP")},
		},
	}
}

func mountAttributes() map[string]schema.Attribute {
	return map[string]schema.Attribute{
		"host_path": schema.StringAttribute{
			MarkdownDescription: "Absolute path on the host that runs the Docker engine.",
			Required:            true,
			Validators:          []validator.String{tfkit.AbsolutePath()},
		},
		"container_path": schema.StringAttribute{
			MarkdownDescription: "Absolute path in the node.",
			Required:            true,
			Validators:          []validator.String{tfkit.AbsolutePath()},
		},
		"read_only": schema.BoolAttribute{
			MarkdownDescription: "Whether the node may only read it. Default: `false`.",
			Optional:            true,
			Computed:            true,
			Default:             booldefault.StaticBool(false),
		},
	}
}

// computedString is an attribute that keeps its value as long as the cluster
// lives; plan.go says when it does not.
func computedString(description string) schema.StringAttribute {
	return schema.StringAttribute{
		MarkdownDescription: description,
		Computed:            true,
		PlanModifiers:       []planmodifier.String{stringplanmodifier.UseStateForUnknown()},
	}
}
