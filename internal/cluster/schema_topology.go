// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"github.com/hashicorp/terraform-plugin-framework-validators/mapvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"

	"github.com/terraform-capi/terraform-provider-capi/internal/apifields"
	"github.com/terraform-capi/terraform-provider-capi/internal/tfkit"
)

const (
	machineDeployments = "workers.machine_deployments"
	machinePools       = "workers.machine_pools"
)

// topologyFields say where the attributes stand in a topology.
var topologyFields = apifields.Merge(
	apifields.Fields{
		"class":                                   apifields.At("classRef", "name"),
		"class_namespace":                         apifields.At("classRef", "namespace"),
		"variables":                               apifields.NamedValues("variables"),
		"control_plane.taints":                    apifields.TaintKeys(),
		"control_plane.readiness_gates":           apifields.Gates(),
		"control_plane.variables":                 apifields.NamedValues("variables", "overrides"),
		machineDeployments:                        apifields.NamedList("name"),
		machineDeployments + ".*.taints":          apifields.TaintKeys(),
		machineDeployments + ".*.readiness_gates": apifields.Gates(),
		machineDeployments + ".*.variables":       apifields.NamedValues("variables", "overrides"),
		machinePools:                              apifields.NamedList("name"),
		machinePools + ".*.taints":                apifields.TaintKeys(),
		machinePools + ".*.variables":             apifields.NamedValues("variables", "overrides"),
	},
	apifields.HealthCheckFields().Under("control_plane.health_check"),
	apifields.HealthCheckFields().Under(machineDeployments+".*.health_check"),
	apifields.RolloutFields().Under(machineDeployments+".*.rollout"),
	apifields.AutoscalerFields().Under(machineDeployments+".*"),
	apifields.AutoscalerFields().Under(machinePools+".*"),
)

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
					"by one minor version at a time, or along the versions that the class lists. It cannot be lowered below what machines run: " +
					"one that no machine has ever run can be corrected. The annotation `unsafe.topology.cluster.x-k8s.io/disable-update-version-check` in `annotations` switches all of this off.",
				Required:   true,
				Validators: []validator.String{tfkit.KubernetesVersion()},
			},
			"control_plane": controlPlaneAttribute(),
			"workers": schema.SingleNestedAttribute{
				MarkdownDescription: "The worker nodes. Changes are made in place.",
				Optional:            true,
				Attributes: map[string]schema.Attribute{
					"machine_deployments": machineDeploymentsAttribute(),
					"machine_pools":       machinePoolsAttribute(),
				},
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
			"replicas":        apifields.Replicas("Odd, for etcd's quorum. Default: not managed, which is `1` for a new cluster."),
			"metadata":        apifields.Metadata("the control plane and its Machines"),
			"rollout":         apifields.Rollout(apifields.RolloutOf{InTopology: true}),
			"health_check":    apifields.HealthCheck(apifields.HealthCheckOf{InTopology: true}),
			"deletion":        apifields.Deletion(false),
			"taints":          apifields.Taints(),
			"readiness_gates": apifields.ReadinessGates(),
			"variables":       apifields.Variables("Values that override the cluster's variables for the control plane."),
		},
	}
}

const unmanagedReplicas = "Default: not managed, which is `1` for a new set and leaves the number to others. Conflicts with `autoscaler`."

func machineDeploymentsAttribute() apifields.Structured {
	return apifields.NewStructured(schema.MapNestedAttribute{
		MarkdownDescription: "Machine deployments by name: sets of equal worker nodes. One can be added or removed in place; another name is another set.",
		Optional:            true,
		Validators:          []validator.Map{mapvalidator.KeysAre(tfkit.DNSLabel(tfkit.MaxDNSLabel))},
		NestedObject: schema.NestedAttributeObject{
			Attributes: map[string]schema.Attribute{
				"class": workerClass("machine deployment"),
				"failure_domain": schema.StringAttribute{
					MarkdownDescription: "Failure domain of the machines: one that the infrastructure declares, where that is known. Default: the class's. A change rolls the machines in place.",
					Optional:            true,
					Validators:          []validator.String{stringvalidator.LengthBetween(1, 256)},
				},
				"replicas":          apifields.Replicas(unmanagedReplicas),
				"autoscaler":        apifields.Autoscaler(),
				"min_ready_seconds": apifields.MinReadySeconds(),
				"metadata":          apifields.Metadata("the MachineDeployment and its Machines"),
				"health_check":      apifields.HealthCheck(apifields.HealthCheckOf{MachineDeployment: true, InTopology: true}),
				"deletion":          apifields.Deletion(true),
				"taints":            apifields.Taints(),
				"readiness_gates":   apifields.ReadinessGates(),
				"rollout":           apifields.Rollout(apifields.RolloutOf{MachineDeployment: true, InTopology: true}),
				"variables":         apifields.Variables("Values that override the cluster's variables for this machine deployment."),
			},
			Validators: []validator.Object{apifields.Exclusive("replicas", "autoscaler")},
		},
	})
}

func machinePoolsAttribute() apifields.Structured {
	return apifields.NewStructured(schema.MapNestedAttribute{
		MarkdownDescription: "Machine pools by name: sets of worker nodes that the infrastructure keeps as a group. " +
			"The Docker infrastructure provider has none. One can be added or removed in place; another name is another set.",
		Optional:   true,
		Validators: []validator.Map{mapvalidator.KeysAre(tfkit.DNSLabel(tfkit.MaxDNSLabel))},
		NestedObject: schema.NestedAttributeObject{
			Attributes: map[string]schema.Attribute{
				"class":             workerClass("machine pool"),
				"failure_domains":   apifields.FailureDomains("the class's"),
				"replicas":          apifields.Replicas(unmanagedReplicas),
				"autoscaler":        apifields.Autoscaler(),
				"min_ready_seconds": apifields.MinReadySeconds(),
				"metadata":          apifields.Metadata("the MachinePool and its Machines"),
				"deletion":          apifields.Deletion(false),
				"taints":            apifields.Taints(),
				"variables":         apifields.Variables("Values that override the cluster's variables for this machine pool."),
			},
			Validators: []validator.Object{apifields.Exclusive("replicas", "autoscaler")},
		},
	})
}

func workerClass(of string) schema.StringAttribute {
	return schema.StringAttribute{
		MarkdownDescription: "Name of the " + of + " class in the ClusterClass. Cluster API refuses a change.",
		Required:            true,
		Validators:          []validator.String{stringvalidator.LengthBetween(1, 256)},
	}
}
