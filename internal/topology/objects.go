// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package topology

import (
	"context"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// noSuchField is what ValidateFields says of a field that a kind does not have.
const noSuchField = "there is no such field"

// Objects are what Cluster API makes of the rendered cluster from templates: the
// infrastructure, the control plane, and the templates of its machines.
func (r *Rendering) Objects() []*unstructured.Unstructured {
	objects := []*unstructured.Unstructured{
		r.state.InfrastructureCluster, r.state.ControlPlane.Object, r.state.ControlPlane.InfrastructureMachineTemplate,
	}
	for _, topology := range r.Cluster.Spec.Topology.Workers.MachineDeployments {
		md := r.state.MachineDeployments[topology.Name]
		objects = append(objects, md.BootstrapTemplate, md.InfrastructureMachineTemplate)
	}
	for _, topology := range r.Cluster.Spec.Topology.Workers.MachinePools {
		mp := r.state.MachinePools[topology.Name]
		objects = append(objects, mp.BootstrapObject, mp.InfrastructureMachinePoolObject)
	}
	var list []*unstructured.Unstructured
	for _, obj := range objects {
		if obj != nil {
			obj = obj.DeepCopy()
			// It refers to a Cluster that may not exist.
			obj.SetOwnerReferences(nil)
			list = append(list, obj)
		}
	}
	return list
}

// SampleObjects are the objects of a cluster that declares nothing but one machine
// deployment and pool of each class; nil if the class cannot make such a cluster,
// or it is not known whether it can: ValidateBlueprint says so.
func SampleObjects(ctx context.Context, blueprint Blueprint) []*unstructured.Unstructured {
	rendering, problems := Render(ctx, blueprint, sampleCluster(blueprint.Class), nil)
	if rendering == nil || len(problems) > 0 {
		return nil
	}
	return rendering.Objects()
}

// UndeclaredFields are the fields of an object that its kind does not have, and
// what is not known about them. Other rules are left to when the object is
// complete: controllers fill in what templates must not say. There is nothing to
// say about kinds that are not bundled.
func UndeclaredFields(ctx context.Context, obj *unstructured.Unstructured) (fields []string, unknown []Problem) {
	problems := ValidateFields(ctx, obj)
	for _, problem := range Known(problems) {
		if problem.Message == noSuchField {
			fields = append(fields, problem.Field)
		}
	}
	return fields, Unknown(problems)
}
