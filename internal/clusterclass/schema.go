// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package clusterclass

import (
	"context"
	"time"

	"github.com/hashicorp/terraform-plugin-framework-validators/listvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/terraform-capi/terraform-provider-capi/internal/apifields"
	"github.com/terraform-capi/terraform-provider-capi/internal/tfkit"
)

// A class is reconciled in a second or two; these are for controllers that are
// still starting, and for clusters that are still going away.
var defaultTimeouts = tfkit.Timeouts{Create: 5 * time.Minute, Update: 5 * time.Minute, Delete: 10 * time.Minute}

const (
	machineDeployments = "workers.machine_deployments"
	machinePools       = "workers.machine_pools"
)

// maxClassName is the length of the longest value of a label, because the templates
// of a class have its name in one.
const maxClassName = validation.LabelValueMaxLength

// fields says where the attributes stand in a ClusterClass object. A template's
// content stands in its reference, from where render moves it to an object of its
// own.
var fields = apifields.Merge(
	apifields.Fields{
		"name":                    apifields.At("metadata", "name"),
		"namespace":               apifields.At("metadata", "namespace"),
		"labels":                  apifields.At("metadata", "labels"),
		"annotations":             apifields.At("metadata", "annotations"),
		"availability_gates":      apifields.Gates().At("spec", "availabilityGates"),
		"infrastructure":          apifields.At("spec", "infrastructure"),
		"infrastructure.template": apifields.At("templateRef"),
		"control_plane":           apifields.At("spec", "controlPlane"),
		"control_plane.template":  apifields.At("templateRef"),
		"control_plane.machine_infrastructure.template":   apifields.At("templateRef"),
		"control_plane.taints":                            apifields.TaintKeys(),
		"control_plane.readiness_gates":                   apifields.Gates(),
		"workers":                                         apifields.At("spec", "workers"),
		machineDeployments:                                apifields.NamedList("class"),
		machineDeployments + ".*.bootstrap.template":      apifields.At("templateRef"),
		machineDeployments + ".*.infrastructure.template": apifields.At("templateRef"),
		machineDeployments + ".*.taints":                  apifields.TaintKeys(),
		machineDeployments + ".*.readiness_gates":         apifields.Gates(),
		machinePools:                                      apifields.NamedList("class"),
		machinePools + ".*.bootstrap.template":            apifields.At("templateRef"),
		machinePools + ".*.infrastructure.template":       apifields.At("templateRef"),
		machinePools + ".*.taints":                        apifields.TaintKeys(),
		"variables":                                       apifields.NamedList("name", "spec", "variables"),
		"variables.*.deprecated_v1beta1_metadata":         apifields.At("deprecatedV1Beta1Metadata"),
		"variables.*.schema":                              apifields.At("schema", "openAPIV3Schema"),
		"patches":                                         apifields.KeyedList("name").At("spec", "patches"),
		"kubernetes_versions":                             apifields.At("spec", "kubernetesVersions"),
		"upgrade":                                         apifields.At("spec", "upgrade"),
	},
	apifields.HealthCheckFields().Under("control_plane.health_check"),
	apifields.HealthCheckFields().Under(machineDeployments+".*.health_check"),
	apifields.RolloutFields().Under(machineDeployments+".*.rollout"),
)

// Schema describes the resource.
func (r *Resource) Schema(ctx context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "A ClusterClass: what clusters are made of. Its templates are made with it, as objects that it owns and whose names end in a hash of their content. " +
			"Editing a template makes a new object and rolls the machines of the clusters that use it; the old one is removed. " +
			"Only `name`, `namespace` and `management_cluster` replace the class.",
		Attributes: map[string]schema.Attribute{
			"id":                 tfkit.IDAttribute("`[MANAGEMENT_CLUSTER_ID/]NAMESPACE/NAME`"),
			"management_cluster": tfkit.ManagementClusterAttribute(),
			"namespace":          namespaceAttribute(),
			"name": schema.StringAttribute{
				MarkdownDescription: "Name of the class: at most 63 lower case letters, digits, dashes and dots. Default: that of the ClusterClass in `manifest`. " +
					"Required, if there is no `manifest`. A change replaces the class.",
				Optional:      true,
				Computed:      true,
				Validators:    []validator.String{tfkit.DNSSubdomain(), stringvalidator.LengthAtMost(maxClassName)},
				PlanModifiers: []planmodifier.String{fromManifest{"name"}},
			},
			"labels":               tfkit.LabelsAttribute("the ClusterClass object"),
			"annotations":          tfkit.AnnotationsAttribute("the ClusterClass object"),
			"availability_gates":   apifields.AvailabilityGates("Further conditions of clusters that have to hold before they are available. A cluster can have others."),
			"manifest":             manifestAttribute(),
			variablesAttributeName: manifestVariablesAttribute(),
			classAttributeName:     manifestClassAttribute(),
			classOnlyAttributeName: manifestClassOnlyAttribute(),
			"left_out":             leftOutAttribute(),
			"infrastructure":       infrastructureAttribute(),
			"control_plane":        controlPlaneAttribute(),
			"workers":              workersAttribute(),
			"variables":            variablesAttribute(),
			"patches":              patchesAttribute(),
			"kubernetes_versions": schema.ListAttribute{
				MarkdownDescription: "The Kubernetes versions that clusters may have, oldest first, with no minor version missing in between. " +
					"With it, clusters can be upgraded over several minor versions in one go. Default: any version, one minor version at a time. Changes are made in place.",
				ElementType: types.StringType,
				Optional:    true,
				Validators:  []validator.List{listvalidator.SizeAtLeast(1), listvalidator.ValueStringsAre(tfkit.KubernetesVersion())},
			},
			"upgrade": schema.SingleNestedAttribute{
				MarkdownDescription: "How clusters are upgraded. Changes are made in place.",
				Optional:            true,
				Attributes: map[string]schema.Attribute{
					"external": schema.SingleNestedAttribute{
						MarkdownDescription: "Leaves the plan of an upgrade to a runtime extension. Changes are made in place.",
						Required:            true,
						Attributes: map[string]schema.Attribute{
							"generate_upgrade_plan_extension": extensionAttribute("says which versions an upgrade goes through", true),
						},
					},
				},
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

func namespaceAttribute() schema.StringAttribute {
	attribute := tfkit.NamespaceAttribute()
	attribute.MarkdownDescription = "Namespace that the class lives in. It must exist. " +
		"Default: that of the ClusterClass in `manifest`, if it says one, else `default`. A change replaces the class."
	attribute.PlanModifiers = []planmodifier.String{fromManifest{"namespace"}}
	return attribute
}
