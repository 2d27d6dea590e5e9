// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package topology

import (
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
)

// Objects are what Cluster API makes of the rendered cluster from templates: the
// infrastructure, the control plane, and the templates of its machines. It applies
// exactly these, so that none of their fields is filled in before an API server
// validates them.
func (r *Rendering) Objects() []*unstructured.Unstructured {
	parts := r.parts(true)
	objects := make([]*unstructured.Unstructured, len(parts))
	for i := range parts {
		objects[i] = parts[i].copy()
	}
	return objects
}

// part is an object that is made from a template of the class.
type part struct {
	object *unstructured.Unstructured
	// field is the class's reference to the template.
	field string
	// place is where in the class that is, for people; empty if the kind says it.
	place string
	// overrides are the set's own values of variables.
	overrides []clusterv1.ClusterVariable
}

// String names the object, as in: DockerMachineTemplate in machine deployment class "small".
func (p part) String() string {
	if p.place == "" {
		return p.object.GetKind()
	}
	return p.object.GetKind() + " in " + p.place
}

// copy returns the object without what refers to a Cluster that may not exist.
func (p part) copy() *unstructured.Unstructured {
	object := p.object.DeepCopy()
	object.SetOwnerReferences(nil)
	return object
}

// controlPlaneTemplate is the class's reference to the template of the control plane.
const controlPlaneTemplate = "spec.controlPlane.templateRef"

// parts returns all that is made from templates, or all that differs: what alike
// machine deployments have is then there once.
func (r *Rendering) parts(all bool) []part {
	workers, class := &r.Cluster.Spec.Topology.Workers, &r.blueprint.Class.Spec.Workers
	controlPlane := r.Cluster.Spec.Topology.ControlPlane.Variables.Overrides
	parts := []part{
		{object: r.state.InfrastructureCluster, field: "spec.infrastructure.templateRef"},
		{object: r.state.ControlPlane.Object, field: controlPlaneTemplate, overrides: controlPlane},
		{object: r.state.ControlPlane.InfrastructureMachineTemplate, field: "spec.controlPlane.machineInfrastructure.templateRef",
			place: "the control plane", overrides: controlPlane},
	}
	for _, topology := range workers.MachineDeployments {
		if _, isAlike := r.like[topology.Name]; isAlike && !all {
			continue
		}
		i := slices.IndexFunc(class.MachineDeployments, func(c clusterv1.MachineDeploymentClass) bool { return c.Class == topology.Class })
		field, place := fmt.Sprintf("spec.workers.machineDeployments[%d]", i), fmt.Sprintf("machine deployment class %q", topology.Class)
		md := r.state.MachineDeployments[topology.Name]
		parts = append(parts, part{md.BootstrapTemplate, field + ".bootstrap.templateRef", place, topology.Variables.Overrides},
			part{md.InfrastructureMachineTemplate, field + ".infrastructure.templateRef", place, topology.Variables.Overrides})
	}
	for _, topology := range workers.MachinePools {
		i := slices.IndexFunc(class.MachinePools, func(c clusterv1.MachinePoolClass) bool { return c.Class == topology.Class })
		field, place := fmt.Sprintf("spec.workers.machinePools[%d]", i), fmt.Sprintf("machine pool class %q", topology.Class)
		mp := r.state.MachinePools[topology.Name]
		parts = append(parts, part{mp.BootstrapObject, field + ".bootstrap.templateRef", place, topology.Variables.Overrides},
			part{mp.InfrastructureMachinePoolObject, field + ".infrastructure.templateRef", place, topology.Variables.Overrides})
	}
	return slices.DeleteFunc(parts, func(p part) bool { return p.object == nil })
}
