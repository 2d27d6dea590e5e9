// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package topology

import (
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
	"sigs.k8s.io/cluster-api/exp/topology/scope"
)

// Blueprint is all that clusters of a class are made from: the ClusterClass, and
// the templates that it refers to.
type Blueprint struct {
	Class *clusterv1.ClusterClass
	// Templates are in no order; the references in Class name them.
	Templates []*unstructured.Unstructured
}

// resolve puts the templates where the class refers to them. What is missing is
// a problem even of a worker class that no cluster uses: Cluster API then makes
// no cluster of the class.
func (b Blueprint) resolve() (*scope.ClusterBlueprint, []Problem) {
	r := &resolver{templates: b.Templates}
	return r.resolve(b.Class), r.problems
}

func (r *resolver) resolve(class *clusterv1.ClusterClass) *scope.ClusterBlueprint {
	spec := &class.Spec
	resolved := &scope.ClusterBlueprint{
		ClusterClass:                  class,
		InfrastructureClusterTemplate: r.find("spec.infrastructure.templateRef", spec.Infrastructure.TemplateRef),
		ControlPlane:                  &scope.ControlPlaneBlueprint{Template: r.find("spec.controlPlane.templateRef", spec.ControlPlane.TemplateRef)},
		MachineDeployments:            map[string]*scope.MachineDeploymentBlueprint{},
		MachinePools:                  map[string]*scope.MachinePoolBlueprint{},
	}
	if resolved.HasControlPlaneInfrastructureMachine() {
		resolved.ControlPlane.InfrastructureMachineTemplate = r.find(
			"spec.controlPlane.machineInfrastructure.templateRef", spec.ControlPlane.MachineInfrastructure.TemplateRef)
		resolved.ControlPlane.HealthCheck = spec.ControlPlane.HealthCheck
	}
	for i := range spec.Workers.MachineDeployments {
		workers, path := &spec.Workers.MachineDeployments[i], fmt.Sprintf("spec.workers.machineDeployments[%d]", i)
		resolved.MachineDeployments[workers.Class] = &scope.MachineDeploymentBlueprint{
			Metadata:                      *workers.Metadata.DeepCopy(),
			BootstrapTemplate:             r.find(path+".bootstrap.templateRef", workers.Bootstrap.TemplateRef),
			InfrastructureMachineTemplate: r.find(path+".infrastructure.templateRef", workers.Infrastructure.TemplateRef),
			HealthCheck:                   workers.HealthCheck,
		}
	}
	for i := range spec.Workers.MachinePools {
		workers, path := &spec.Workers.MachinePools[i], fmt.Sprintf("spec.workers.machinePools[%d]", i)
		resolved.MachinePools[workers.Class] = &scope.MachinePoolBlueprint{
			Metadata:                          *workers.Metadata.DeepCopy(),
			BootstrapTemplate:                 r.find(path+".bootstrap.templateRef", workers.Bootstrap.TemplateRef),
			InfrastructureMachinePoolTemplate: r.find(path+".infrastructure.templateRef", workers.Infrastructure.TemplateRef),
		}
	}
	return resolved
}

// TemplateRefs are the references of a class to templates of which clusters get copies.
func TemplateRefs(class *clusterv1.ClusterClass) []clusterv1.ClusterClassTemplateReference {
	r := &resolver{}
	r.resolve(class)
	// A pool of machines need not have one.
	return slices.DeleteFunc(r.refs, func(ref clusterv1.ClusterClassTemplateReference) bool { return !ref.IsDefined() })
}

// resolver finds templates and notes down what it looked for, and what it did not find.
type resolver struct {
	templates []*unstructured.Unstructured
	refs      []clusterv1.ClusterClassTemplateReference
	problems  []Problem
}

// find returns a copy of the template, because Cluster API's patch engine writes
// into what it is given, or nil. The copy is made by way of JSON, so that it has
// the types of numbers that Cluster API expects, wherever the template came from.
func (r *resolver) find(field string, ref clusterv1.ClusterClassTemplateReference) *unstructured.Unstructured {
	r.refs = append(r.refs, ref)
	for _, template := range r.templates {
		if template.GroupVersionKind() != ref.GroupVersionKind() || template.GetName() != ref.Name {
			continue
		}
		found := &unstructured.Unstructured{}
		raw, err := template.MarshalJSON()
		if err == nil {
			err = found.UnmarshalJSON(raw)
		}
		if err != nil {
			r.problems = append(r.problems, Problem{Field: field, Class: true, Message: fmt.Sprintf("%s %q cannot be read: %s", ref.Kind, ref.Name, err)})
			return nil
		}
		return found
	}
	r.problems = append(r.problems, Problem{Field: field, Class: true, Message: fmt.Sprintf(
		"there is no %s (%s) named %q beside the class", ref.Kind, ref.APIVersion, ref.Name)})
	return nil
}
