// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package clusterclass

import (
	"context"
	"time"

	"github.com/hashicorp/terraform-plugin-framework-validators/listvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/mapvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/terraform-capi/terraform-provider-capi/internal/apifields"
	"github.com/terraform-capi/terraform-provider-capi/internal/tfkit"
)

// A class is reconciled in a second or two; these are for controllers that are
// still starting, and for clusters that are still going away.
var defaultTimeouts = tfkit.Timeouts{Create: 5 * time.Minute, Update: 5 * time.Minute, Delete: 10 * time.Minute}

// fields says where the attributes stand in a ClusterClass object. A template's
// content stands in its reference, from where render moves it to an object of its
// own.
var fields = apifields.Merge(
	apifields.Fields{
		"name":                    apifields.At("metadata", "name"),
		"namespace":               apifields.At("metadata", "namespace"),
		"labels":                  apifields.At("metadata", "labels"),
		"annotations":             apifields.At("metadata", "annotations"),
		"infrastructure":          apifields.At("spec", "infrastructure"),
		"infrastructure.template": apifields.At("templateRef"),
		"control_plane":           apifields.At("spec", "controlPlane"),
		"control_plane.template":  apifields.At("templateRef"),
		"control_plane.machine_infrastructure.template": apifields.At("templateRef"),
		"workers":                                    apifields.At("spec", "workers"),
		"workers.machine_deployments":                apifields.NamedList("class"),
		machineDeployment("bootstrap.template"):      apifields.At("templateRef"),
		machineDeployment("infrastructure.template"): apifields.At("templateRef"),
		"variables":                                  apifields.NamedList("name", "spec", "variables"),
		"variables.*.schema":                         apifields.At("schema", "openAPIV3Schema"),
		"patches":                                    apifields.At("spec", "patches"),
		"kubernetes_versions":                        apifields.At("spec", "kubernetesVersions"),
	},
	apifields.HealthCheckFields().Under("control_plane.health_check"),
	apifields.HealthCheckFields().Under(machineDeployment("health_check")),
	apifields.RolloutFields().Under(machineDeployment("rollout")),
)

func machineDeployment(attribute string) string {
	return "workers.machine_deployments.*." + attribute
}

// Schema describes the resource.
func (r *Resource) Schema(ctx context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "A ClusterClass: what clusters are made of. Its templates are made with it, as objects whose names end in a hash of their content. " +
			"Editing a template makes a new object and rolls the machines of the clusters that use it; the old one is removed. " +
			"Only `name`, `namespace` and `management_cluster` replace the class.",
		Attributes: map[string]schema.Attribute{
			"id":                 tfkit.IDAttribute("`[MANAGEMENT_CLUSTER_ID/]NAMESPACE/NAME`"),
			"management_cluster": tfkit.ManagementClusterAttribute(),
			"namespace":          tfkit.NamespaceAttribute(),
			"name": schema.StringAttribute{
				MarkdownDescription: "Name of the class: at most 63 lower case letters, digits and dashes. A change replaces the class.",
				Required:            true,
				Validators:          []validator.String{tfkit.DNSLabel(tfkit.MaxDNSLabel)},
				PlanModifiers:       []planmodifier.String{stringplanmodifier.RequiresReplace()},
			},
			"labels":      tfkit.LabelsAttribute("the ClusterClass object"),
			"annotations": tfkit.AnnotationsAttribute("the ClusterClass object"),
			"infrastructure": schema.SingleNestedAttribute{
				MarkdownDescription: "What a cluster has besides machines: network, load balancer. Changes are made in place.",
				Required:            true,
				Attributes: map[string]schema.Attribute{
					"template": templateAttribute("the infrastructure cluster, such as a DockerClusterTemplate"),
					"naming":   namingAttribute("the infrastructure cluster", ".cluster.name"),
				},
			},
			"control_plane": controlPlaneAttribute(),
			"workers": schema.SingleNestedAttribute{
				MarkdownDescription: "The kinds of worker nodes that clusters can have. Changes are made in place.",
				Optional:            true,
				Attributes:          map[string]schema.Attribute{"machine_deployments": machineDeploymentsAttribute()},
			},
			"variables": variablesAttribute(),
			"patches":   patchesAttribute(),
			"kubernetes_versions": schema.ListAttribute{
				MarkdownDescription: "The Kubernetes versions that clusters may have, oldest first, with no minor version missing in between. " +
					"With it, clusters can be upgraded over several minor versions in one go. Default: any version, one minor version at a time. Changes are made in place.",
				ElementType: types.StringType,
				Optional:    true,
				Validators:  []validator.List{listvalidator.SizeAtLeast(1), listvalidator.ValueStringsAre(tfkit.KubernetesVersion())},
			},
			"timeouts": defaultTimeouts.Attribute(ctx),
			"templates": schema.MapAttribute{
				MarkdownDescription: "Names of the template objects by the part that they play. A change of a name means that the template's content changed.",
				ElementType:         types.StringType,
				Computed:            true,
			},
			"ready": schema.BoolAttribute{
				MarkdownDescription: "Whether Cluster API has accepted the class and its variables. A wait for it that times out is a warning; the next apply resumes it.",
				Computed:            true,
			},
		},
	}
}

func templateAttribute(what string) schema.SingleNestedAttribute {
	return schema.SingleNestedAttribute{
		MarkdownDescription: "Template of " + what + ". A change makes a new template object, and rolls what is made from it.",
		Required:            true,
		Attributes: map[string]schema.Attribute{
			"api_version": schema.StringAttribute{
				MarkdownDescription: "API group and version of the template, such as `infrastructure.cluster.x-k8s.io/v1beta2`.",
				Required:            true,
			},
			"kind": schema.StringAttribute{
				MarkdownDescription: "Kind of the template, such as `DockerClusterTemplate`. Cluster API refuses to change it to another provider's.",
				Required:            true,
				Validators:          []validator.String{stringvalidator.LengthAtLeast(1)},
			},
			"spec": schema.DynamicAttribute{
				MarkdownDescription: "What stands in the template object's `spec.template.spec`, with the API's own field names. " +
					"Fields that are not set here are not managed. It may be empty, but for kubeadm's templates, " +
					"which can say what holds anyway: `{ format = \"cloud-config\" }`, in a control plane's `kubeadmConfigSpec`.",
				Required:      true,
				PlanModifiers: []planmodifier.Dynamic{apifields.KeepSameJSON()},
			},
			"metadata": apifields.Metadata("what is made from the template (`spec.template.metadata`)"),
		},
	}
}

func namingAttribute(what, example string) schema.SingleNestedAttribute {
	return schema.SingleNestedAttribute{
		MarkdownDescription: "How " + what + " is named. Changes are made in place and concern new objects.",
		Optional:            true,
		Attributes: map[string]schema.Attribute{
			"template": schema.StringAttribute{
				MarkdownDescription: "Go template of the name, such as `{{ " + example + " }}-{{ .random }}`. Default: Cluster API's.",
				Required:            true,
			},
		},
	}
}

func controlPlaneAttribute() schema.SingleNestedAttribute {
	return schema.SingleNestedAttribute{
		MarkdownDescription: "The control plane. Changes are made in place.",
		Required:            true,
		Attributes: map[string]schema.Attribute{
			"template": templateAttribute("the control plane, such as a KubeadmControlPlaneTemplate"),
			"machine_infrastructure": schema.SingleNestedAttribute{
				MarkdownDescription: "The control plane's machines, for control planes that consist of machines. Changes are made in place.",
				Optional:            true,
				Attributes: map[string]schema.Attribute{
					"template": templateAttribute("the machines, such as a DockerMachineTemplate"),
				},
			},
			"metadata":        apifields.Metadata("the control plane and its Machines"),
			"health_check":    apifields.HealthCheck(apifields.HealthCheckOf{}),
			"naming":          namingAttribute("the control plane object", ".cluster.name"),
			"deletion":        apifields.Deletion(false),
			"readiness_gates": apifields.ReadinessGates(),
		},
	}
}

func machineDeploymentsAttribute() apifields.Structured {
	return apifields.NewStructured(schema.MapNestedAttribute{
		MarkdownDescription: "Machine deployment classes by name. A class that a cluster uses cannot be removed.",
		Optional:            true,
		Validators:          []validator.Map{mapvalidator.KeysAre(tfkit.DNSLabel(tfkit.MaxDNSLabel))},
		NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
			"bootstrap": schema.SingleNestedAttribute{
				MarkdownDescription: "How machines become nodes. Changes are made in place.",
				Required:            true,
				Attributes: map[string]schema.Attribute{
					"template": templateAttribute("the bootstrap configuration, such as a KubeadmConfigTemplate"),
				},
			},
			"infrastructure": schema.SingleNestedAttribute{
				MarkdownDescription: "The machines themselves. Changes are made in place.",
				Required:            true,
				Attributes: map[string]schema.Attribute{
					"template": templateAttribute("the machines, such as a DockerMachineTemplate"),
				},
			},
			"failure_domain": schema.StringAttribute{
				MarkdownDescription: "Failure domain of the machines. Default: none. A change rolls the machines in place.",
				Optional:            true,
			},
			"min_ready_seconds": apifields.MinReadySeconds(),
			"metadata":          apifields.Metadata("MachineDeployments of the class and their Machines"),
			"health_check":      apifields.HealthCheck(apifields.HealthCheckOf{MachineDeployment: true}),
			"naming":            namingAttribute("a MachineDeployment", ".cluster.name"),
			"deletion":          apifields.Deletion(true),
			"readiness_gates":   apifields.ReadinessGates(),
			"rollout":           apifields.Rollout(),
		}},
	})
}

func variablesAttribute() apifields.Structured {
	return apifields.NewStructured(schema.MapNestedAttribute{
		MarkdownDescription: "Variables by name, for which clusters give values and which patches use. Changes are made in place.",
		Optional:            true,
		NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
			"required": schema.BoolAttribute{
				MarkdownDescription: "Whether every cluster has to give a value. Default: `false`. Changes are made in place.",
				Optional:            true,
			},
			"schema": schema.DynamicAttribute{
				MarkdownDescription: "OpenAPI v3 schema of the value, with the API's own field names, such as `{ type = \"string\", default = \"\" }`. " +
					"Labels and annotations for tools go into its `x-metadata`. Changes are made in place.",
				Required:      true,
				PlanModifiers: []planmodifier.Dynamic{apifields.KeepSameJSON()},
			},
		}},
	})
}

func patchesAttribute() apifields.Structured {
	return apifields.NewStructured(schema.ListNestedAttribute{
		MarkdownDescription: "Patches that customize the templates for a cluster, applied in this order. A change rolls what it changes.",
		Optional:            true,
		NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
			"name": schema.StringAttribute{
				MarkdownDescription: "Name of the patch, unique in the class.",
				Required:            true,
				Validators:          []validator.String{stringvalidator.LengthAtLeast(1)},
			},
			"description": schema.StringAttribute{
				MarkdownDescription: "What the patch is for. Default: none.",
				Optional:            true,
			},
			"enabled_if": schema.StringAttribute{
				MarkdownDescription: "Go template that enables the patch where it renders to `true`. Default: always enabled.",
				Optional:            true,
			},
			"definitions": schema.ListNestedAttribute{
				MarkdownDescription: "What the patch changes; at least one.",
				Required:            true,
				Validators:          []validator.List{listvalidator.SizeAtLeast(1)},
				NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
					"selector":     selectorAttribute(),
					"json_patches": jsonPatchesAttribute(),
				}},
			},
		}},
	})
}

func selectorAttribute() schema.SingleNestedAttribute {
	flag := func(description string) schema.BoolAttribute {
		return schema.BoolAttribute{MarkdownDescription: description + " Default: `false`.", Optional: true}
	}
	return schema.SingleNestedAttribute{
		MarkdownDescription: "The templates that the definition is for. It has to match at least one.",
		Required:            true,
		Attributes: map[string]schema.Attribute{
			"api_version": schema.StringAttribute{MarkdownDescription: "API version of the templates.", Required: true},
			"kind":        schema.StringAttribute{MarkdownDescription: "Kind of the templates.", Required: true},
			"match_resources": schema.SingleNestedAttribute{
				MarkdownDescription: "Where the templates are referred to; any of these.",
				Required:            true,
				Attributes: map[string]schema.Attribute{
					"control_plane":          flag("In `control_plane`, its machine infrastructure included."),
					"infrastructure_cluster": flag("In `infrastructure`."),
					"machine_deployment_class": schema.SingleNestedAttribute{
						MarkdownDescription: "In machine deployment classes. Default: in none.",
						Optional:            true,
						Attributes: map[string]schema.Attribute{
							"names": schema.ListAttribute{
								MarkdownDescription: "Names of the classes; a `*` at the beginning or end matches anything.",
								ElementType:         types.StringType,
								Required:            true,
							},
						},
					},
				},
			},
		},
	}
}

func jsonPatchesAttribute() schema.ListNestedAttribute {
	return schema.ListNestedAttribute{
		MarkdownDescription: "JSON patches, applied in this order; at least one.",
		Required:            true,
		Validators:          []validator.List{listvalidator.SizeAtLeast(1)},
		NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
			"op": schema.StringAttribute{
				MarkdownDescription: "`add`, `replace` or `remove`.",
				Required:            true,
				Validators:          []validator.String{stringvalidator.OneOf("add", "replace", "remove")},
			},
			"path": schema.StringAttribute{
				MarkdownDescription: "JSON pointer into the template object; begins with `/spec/`.",
				Required:            true,
			},
			"value": schema.DynamicAttribute{
				MarkdownDescription: "The value, for `add` and `replace`. Conflicts with `value_from`.",
				Optional:            true,
				PlanModifiers:       []planmodifier.Dynamic{apifields.KeepSameJSON()},
			},
			"value_from": schema.SingleNestedAttribute{
				MarkdownDescription: "Where the value comes from, for `add` and `replace`; exactly one of `variable` and `template`.",
				Optional:            true,
				Attributes: map[string]schema.Attribute{
					"variable": schema.StringAttribute{
						MarkdownDescription: "A variable of the class, a part of one (`name.part`), or one of Cluster API's own (`builtin.cluster.name`).",
						Optional:            true,
					},
					"template": schema.StringAttribute{
						MarkdownDescription: "Go template that renders to YAML or JSON and may use variables.",
						Optional:            true,
					},
				},
			},
		}},
	}
}
