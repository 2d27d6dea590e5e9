// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"time"

	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework-validators/listvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/mapvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/booldefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/objectplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringdefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/terraform-capi/terraform-provider-capi/internal/apifields"
	"github.com/terraform-capi/terraform-provider-capi/internal/tfkit"
)

// Bringing up or rolling many machines takes its time, and a wait that ends too
// early is only a warning: these are for when something is stuck.
var defaultTimeouts = tfkit.Timeouts{Create: 30 * time.Minute, Update: 60 * time.Minute, Delete: 30 * time.Minute}

// What to do when a wait times out.
const (
	onTimeoutWarn  = "warn"
	onTimeoutError = "error"
)

// cniKindnet is the CNI plugin that node images bring along.
const cniKindnet = "kindnet"

// fields says where the attributes stand in a Cluster object.
var fields = apifields.Merge(
	apifields.Fields{
		"name":                                 apifields.At("metadata", "name"),
		"namespace":                            apifields.At("metadata", "namespace"),
		"labels":                               apifields.At("metadata", "labels"),
		"annotations":                          apifields.At("metadata", "annotations"),
		"paused":                               apifields.At("spec", "paused"),
		"cluster_network":                      apifields.At("spec", "clusterNetwork"),
		"cluster_network.pods":                 apifields.At("pods", "cidrBlocks"),
		"cluster_network.services":             apifields.At("services", "cidrBlocks"),
		"topology":                             apifields.At("spec", "topology"),
		"topology.class":                       apifields.At("classRef", "name"),
		"topology.class_namespace":             apifields.At("classRef", "namespace"),
		"topology.variables":                   apifields.NamedValues("variables"),
		"topology.control_plane.variables":     apifields.NamedValues("variables", "overrides"),
		"topology.workers.machine_deployments": apifields.NamedList("name"),
		machineDeployment("variables"):         apifields.NamedValues("variables", "overrides"),
	},
	apifields.HealthCheckFields().Under("topology.control_plane.health_check"),
	apifields.HealthCheckFields().Under(machineDeployment("health_check")),
	apifields.RolloutFields().Under(machineDeployment("rollout")),
)

func machineDeployment(attribute string) string {
	return "topology.workers.machine_deployments.*." + attribute
}

// Schema describes the resource.
func (r *Resource) Schema(ctx context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "A Kubernetes cluster that Cluster API makes from a ClusterClass and keeps as declared here. " +
			"A change of version, replicas, variables or class rolls the cluster in place, the control plane first; " +
			"only `name`, `namespace` and `management_cluster` replace it. " +
			"What Cluster API, defaulting and other people add to the Cluster object is left alone and is never a difference.",
		Attributes: map[string]schema.Attribute{
			"id":                 tfkit.IDAttribute("`[MANAGEMENT_CLUSTER_ID/]NAMESPACE/NAME`"),
			"management_cluster": tfkit.ManagementClusterAttribute(),
			"namespace":          tfkit.NamespaceAttribute(),
			"name": schema.StringAttribute{
				MarkdownDescription: "Name of the cluster: at most 63 lower case letters, digits and dashes. A change replaces the cluster.",
				Required:            true,
				Validators:          []validator.String{tfkit.DNSLabel(tfkit.MaxDNSLabel)},
				PlanModifiers:       []planmodifier.String{stringplanmodifier.RequiresReplace()},
			},
			"labels":      tfkit.LabelsAttribute("the Cluster object"),
			"annotations": tfkit.AnnotationsAttribute("the Cluster object"),
			"paused": schema.BoolAttribute{
				MarkdownDescription: "Stops Cluster API from working on the cluster, and Terraform from waiting for it. Default: not paused. Changes are made in place.",
				Optional:            true,
			},
			"cluster_network": clusterNetworkAttribute(),
			"topology":        topologyAttribute(),
			"cni":             cniAttribute(),
			"wait": schema.BoolAttribute{
				MarkdownDescription: "Whether to wait until the cluster is as declared: the control plane available, every machine up to date " +
					"and its node ready. Default: `true`. A change touches nothing.",
				Optional: true,
				Computed: true,
				Default:  booldefault.StaticBool(true),
			},
			"on_timeout": schema.StringAttribute{
				MarkdownDescription: "What a wait that takes too long is: with `warn` a warning, `ready` is false and the next apply resumes the wait; " +
					"with `error` an error, which on creation makes Terraform replace the cluster next time. Default: `warn`. A change touches nothing.",
				Optional:   true,
				Computed:   true,
				Default:    stringdefault.StaticString(onTimeoutWarn),
				Validators: []validator.String{stringvalidator.OneOf(onTimeoutWarn, onTimeoutError)},
			},
			"timeouts": defaultTimeouts.Attribute(ctx),
			"uid": schema.StringAttribute{
				MarkdownDescription: "UID of the Cluster object.",
				Computed:            true,
				PlanModifiers:       []planmodifier.String{stringplanmodifier.UseStateForUnknown()},
			},
			"endpoint": schema.SingleNestedAttribute{
				MarkdownDescription: "Where the control plane is reached, as Cluster API knows it; null until it is known. " +
					"For an address that works from this machine see `capi_kubeconfig`.",
				Computed:      true,
				PlanModifiers: []planmodifier.Object{objectplanmodifier.UseNonNullStateForUnknown()},
				Attributes: map[string]schema.Attribute{
					"host": schema.StringAttribute{MarkdownDescription: "Name or address.", Computed: true},
					"port": schema.Int64Attribute{MarkdownDescription: "Port.", Computed: true},
				},
			},
			"phase": schema.StringAttribute{
				MarkdownDescription: "Phase of the cluster: `Pending`, `Provisioning`, `Provisioned`, `Deleting`, `Failed` or `Unknown`.",
				Computed:            true,
			},
			"ready": schema.BoolAttribute{
				MarkdownDescription: "Whether everything that is declared here has come about, machines and nodes included.",
				Computed:            true,
			},
			"kubernetes_versions": schema.ListAttribute{
				MarkdownDescription: "The Kubernetes versions of the cluster's machines, oldest first: one, unless an upgrade is under way.",
				ElementType:         types.StringType,
				Computed:            true,
			},
		},
	}
}

func clusterNetworkAttribute() schema.SingleNestedAttribute {
	cidrs := func(what, example string) schema.ListAttribute {
		return schema.ListAttribute{
			MarkdownDescription: "CIDR ranges of " + what + ", such as `" + example + "`; two for dual stack. Default: the class's. Cluster API applies a change to new objects only.",
			ElementType:         types.StringType,
			Optional:            true,
			Validators:          []validator.List{listvalidator.ValueStringsAre(tfkit.CIDR())},
		}
	}
	return schema.SingleNestedAttribute{
		MarkdownDescription: "The cluster's network. Changes are made in place.",
		Optional:            true,
		Attributes: map[string]schema.Attribute{
			"pods":     cidrs("pods", "10.10.0.0/16"),
			"services": cidrs("services", "10.20.0.0/16"),
			"service_domain": schema.StringAttribute{
				MarkdownDescription: "DNS domain of services. Default: `cluster.local`. Changes are made in place.",
				Optional:            true,
				Validators:          []validator.String{tfkit.DNSSubdomain()},
			},
			"api_server_port": schema.Int64Attribute{
				MarkdownDescription: "Port that API servers listen on. Default: `6443`. Changes are made in place.",
				Optional:            true,
				Validators:          []validator.Int64{int64validator.Between(1, 65535)},
			},
		},
	}
}

func topologyAttribute() schema.SingleNestedAttribute {
	return schema.SingleNestedAttribute{
		MarkdownDescription: "What the cluster consists of. Changes are made in place.",
		Required:            true,
		Attributes: map[string]schema.Attribute{
			"class": schema.StringAttribute{
				MarkdownDescription: "Name of the ClusterClass. A change moves the cluster to the other class in place, if Cluster API finds the two compatible.",
				Required:            true,
				Validators:          []validator.String{tfkit.DNSSubdomain()},
			},
			"class_namespace": schema.StringAttribute{
				MarkdownDescription: "Namespace of the ClusterClass. Default: the cluster's. Changes are made in place.",
				Optional:            true,
				Validators:          []validator.String{tfkit.DNSLabel(tfkit.MaxDNSLabel)},
			},
			"version": schema.StringAttribute{
				MarkdownDescription: "Kubernetes version, with a leading v, such as `v1.35.0`. A higher one rolls the cluster in place, control plane first: " +
					"by one minor version at a time, or along the versions that the class lists. It cannot be lowered.",
				Required:   true,
				Validators: []validator.String{tfkit.KubernetesVersion()},
			},
			"control_plane": controlPlaneAttribute(),
			"workers": schema.SingleNestedAttribute{
				MarkdownDescription: "The worker nodes. Changes are made in place.",
				Optional:            true,
				Attributes:          map[string]schema.Attribute{"machine_deployments": machineDeploymentsAttribute()},
			},
			"variables": apifields.Variables("Values for the class's variables."),
		},
	}
}

func controlPlaneAttribute() schema.SingleNestedAttribute {
	return schema.SingleNestedAttribute{
		MarkdownDescription: "The control plane. Changes are made in place.",
		Optional:            true,
		Attributes: map[string]schema.Attribute{
			"replicas": schema.Int64Attribute{
				MarkdownDescription: "Number of control plane machines; odd, for etcd's quorum. Default: not managed, which is `1` for a new cluster. Changes are made in place.",
				Optional:            true,
				Validators:          []validator.Int64{int64validator.AtLeast(0)},
			},
			"metadata":        apifields.Metadata("the control plane and its Machines"),
			"health_check":    apifields.HealthCheck(apifields.HealthCheckOf{InTopology: true}),
			"deletion":        apifields.Deletion(false),
			"readiness_gates": apifields.ReadinessGates(),
			"variables":       apifields.Variables("Values that override the cluster's variables for the control plane."),
		},
	}
}

func machineDeploymentsAttribute() apifields.Structured {
	return apifields.NewStructured(schema.MapNestedAttribute{
		MarkdownDescription: "Machine deployments by name: sets of equal worker nodes. One can be added or removed in place; another name is another set.",
		Optional:            true,
		Validators:          []validator.Map{mapvalidator.KeysAre(tfkit.DNSLabel(tfkit.MaxDNSLabel))},
		NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
			"class": schema.StringAttribute{
				MarkdownDescription: "Name of the machine deployment class in the ClusterClass. Cluster API refuses a change.",
				Required:            true,
			},
			"replicas": schema.Int64Attribute{
				MarkdownDescription: "Number of machines. Default: not managed, which is `1` for a new set and leaves the number to an autoscaler. Changes are made in place.",
				Optional:            true,
				Validators:          []validator.Int64{int64validator.AtLeast(0)},
			},
			"failure_domain": schema.StringAttribute{
				MarkdownDescription: "Failure domain of the machines. Default: the class's. A change rolls the machines in place.",
				Optional:            true,
			},
			"min_ready_seconds": apifields.MinReadySeconds(),
			"metadata":          apifields.Metadata("the MachineDeployment and its Machines"),
			"health_check":      apifields.HealthCheck(apifields.HealthCheckOf{MachineDeployment: true, InTopology: true}),
			"deletion":          apifields.Deletion(true),
			"readiness_gates":   apifields.ReadinessGates(),
			"rollout":           apifields.Rollout(),
			"variables":         apifields.Variables("Values that override the cluster's variables for this machine deployment."),
		}},
	})
}

func cniAttribute() schema.SingleNestedAttribute {
	return schema.SingleNestedAttribute{
		MarkdownDescription: "The network plugin that is installed into the cluster; exactly one of `name` and `manifests`. " +
			"Default: none is, and nodes stay not ready until something else installs one. " +
			"A change is made in place, but a plugin that was installed before is not removed.",
		Optional: true,
		Attributes: map[string]schema.Attribute{
			"name": schema.StringAttribute{
				MarkdownDescription: "`" + cniKindnet + "`: the plugin that ships in the node image, installed by the Docker infrastructure provider; nothing is downloaded. Changes are made in place.",
				Optional:            true,
				Validators: []validator.String{
					stringvalidator.OneOf(cniKindnet),
					stringvalidator.ExactlyOneOf(path.MatchRelative().AtParent().AtName("manifests")),
				},
			},
			"manifests": schema.ListAttribute{
				MarkdownDescription: "YAML documents that Cluster API applies to the cluster through a ClusterResourceSet, and again whenever they change. Changes are made in place.",
				ElementType:         types.StringType,
				Optional:            true,
				Validators:          []validator.List{listvalidator.SizeAtLeast(1)},
			},
		},
	}
}
