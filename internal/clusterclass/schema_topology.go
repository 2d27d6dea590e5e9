// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package clusterclass

import (
	"github.com/hashicorp/terraform-plugin-framework-validators/mapvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"

	"github.com/terraform-capi/terraform-provider-capi/internal/apifields"
	"github.com/terraform-capi/terraform-provider-capi/internal/tfkit"
)

// nameTemplate is how Cluster API names what a cluster has one of.
const nameTemplate = "{{ .cluster.name }}-{{ .random }}"

func infrastructureAttribute() schema.SingleNestedAttribute {
	return schema.SingleNestedAttribute{
		MarkdownDescription: "What a cluster has besides machines: network, load balancer. Required, if there is no `manifest`. Changes are made in place.",
		Optional:            true,
		Attributes: map[string]schema.Attribute{
			"template": templateAttribute("the infrastructure cluster, such as a DockerClusterTemplate"),
			"naming":   namingAttribute("the infrastructure cluster", nameTemplate),
		},
	}
}

func controlPlaneAttribute() schema.SingleNestedAttribute {
	return schema.SingleNestedAttribute{
		MarkdownDescription: "The control plane. Required, if there is no `manifest`. Changes are made in place.",
		Optional:            true,
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
			"naming":          namingAttribute("the control plane object", nameTemplate),
			"deletion":        apifields.Deletion(false),
			"taints":          apifields.Taints(),
			"readiness_gates": apifields.ReadinessGates(),
		},
	}
}

func workersAttribute() schema.SingleNestedAttribute {
	return schema.SingleNestedAttribute{
		MarkdownDescription: "The kinds of worker nodes that clusters can have. Changes are made in place.",
		Optional:            true,
		Attributes: map[string]schema.Attribute{
			"machine_deployments": machineDeploymentsAttribute(),
			"machine_pools":       machinePoolsAttribute(),
		},
	}
}

func machineDeploymentsAttribute() apifields.Structured {
	return apifields.NewStructured(schema.MapNestedAttribute{
		MarkdownDescription: "Machine deployment classes by name. A class that a cluster uses cannot be removed.",
		Optional:            true,
		Validators:          []validator.Map{mapvalidator.KeysAre(tfkit.DNSLabel(tfkit.MaxDNSLabel))},
		NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
			"bootstrap":      bootstrapAttribute(),
			"infrastructure": machineInfrastructureAttribute("the machines, such as a DockerMachineTemplate"),
			"failure_domain": schema.StringAttribute{
				MarkdownDescription: "Failure domain of the machines. Default: none. A change rolls the machines in place.",
				Optional:            true,
				Validators:          []validator.String{stringvalidator.LengthBetween(1, 256)},
			},
			"min_ready_seconds": apifields.MinReadySeconds(),
			"metadata":          apifields.Metadata("MachineDeployments of the class and their Machines"),
			"health_check":      apifields.HealthCheck(apifields.HealthCheckOf{MachineDeployment: true}),
			"naming":            namingAttribute("a MachineDeployment", "{{ .cluster.name }}-{{ .machineDeployment.topologyName }}-{{ .random }}"),
			"deletion":          apifields.Deletion(true),
			"taints":            apifields.Taints(),
			"readiness_gates":   apifields.ReadinessGates(),
			"rollout":           apifields.Rollout(apifields.RolloutOf{MachineDeployment: true}),
		}},
	})
}

func machinePoolsAttribute() apifields.Structured {
	return apifields.NewStructured(schema.MapNestedAttribute{
		MarkdownDescription: "Machine pool classes by name, for infrastructure that keeps machines as a group, which Docker does not. " +
			"A class that a cluster uses cannot be removed.",
		Optional:   true,
		Validators: []validator.Map{mapvalidator.KeysAre(tfkit.DNSLabel(tfkit.MaxDNSLabel))},
		NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
			"bootstrap":         bootstrapAttribute(),
			"infrastructure":    machineInfrastructureAttribute("the pool, such as a DevMachinePoolTemplate"),
			"failure_domains":   apifields.FailureDomains("none"),
			"min_ready_seconds": apifields.MinReadySeconds(),
			"metadata":          apifields.Metadata("MachinePools of the class and their Machines"),
			"naming":            namingAttribute("a MachinePool", "{{ .cluster.name }}-{{ .machinePool.topologyName }}-{{ .random }}"),
			"deletion":          apifields.Deletion(false),
			"taints":            apifields.Taints(),
		}},
	})
}

func bootstrapAttribute() schema.SingleNestedAttribute {
	return schema.SingleNestedAttribute{
		MarkdownDescription: "How machines become nodes. Changes are made in place.",
		Required:            true,
		Attributes: map[string]schema.Attribute{
			"template": templateAttribute("the bootstrap configuration, such as a KubeadmConfigTemplate"),
		},
	}
}

func machineInfrastructureAttribute(what string) schema.SingleNestedAttribute {
	return schema.SingleNestedAttribute{
		MarkdownDescription: "The machines themselves. Changes are made in place.",
		Required:            true,
		Attributes:          map[string]schema.Attribute{"template": templateAttribute(what)},
	}
}
