// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package topology

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/sets"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
	"sigs.k8s.io/cluster-api/exp/topology/scope"
)

// alike finds machine deployments for which the patches of a class make templates of
// the same specs, and returns for all but the first of them the first one's name. The
// patch engine works for each machine deployment and patch, about a millisecond for a
// pair, and of many machine deployments few differ.
//
// Specs of templates come of the class's templates, the patches that select them and
// the variables. With the same of these they are the same, if no patch asks for builtin
// variables in which machine deployments differ.
func alike(blueprint *scope.ClusterBlueprint, topology *clusterv1.Topology) map[string]string {
	asked, known := deploymentBuiltins(blueprint.ClusterClass)
	// The version is the topology's.
	if !known || len(blueprint.ClusterClass.Spec.Patches) == 0 || !sets.New("class", "replicas", "version").IsSuperset(asked) {
		return nil
	}
	first, like := map[string]string{}, map[string]string{}
	for i := range topology.Workers.MachineDeployments {
		md := &topology.Workers.MachineDeployments[i]
		content := []any{md.Variables.Overrides}
		if asked.Has("replicas") {
			content = append(content, md.Replicas)
		}
		if asked.Has("class") {
			content = append(content, md.Class)
		}
		// Types of the API always encode.
		key, _ := json.Marshal(append(content, contentOf(blueprint, md.Class)...))
		name, found := first[string(key)]
		switch {
		case like[md.Name] != "" || name == md.Name:
			// A name that is there twice. Cluster API decides what becomes of it.
			return nil
		case found:
			like[md.Name] = name
		default:
			first[string(key)] = md.Name
		}
	}
	return like
}

// deploymentBuiltins returns which builtin variables of machine deployments the patches
// of a class ask for, if that is known.
func deploymentBuiltins(class *clusterv1.ClusterClass) (asked sets.Set[string], known bool) {
	asked = sets.New[string]()
	for _, use := range usesOfVariables(class) {
		switch {
		case len(use.path) == 0:
			return nil, false
		case use.path[0] != builtin:
		case len(use.path) == 1:
			return nil, false
		case use.path[1] == "machineDeployment":
			// Without a third step it is all of them, and no name is empty.
			asked.Insert(strings.Join(use.path[2:min(3, len(use.path))], ""))
		}
	}
	return asked, true
}

// contentOf is what decides about the specs of a worker class's templates, but for
// variables: what the templates are, and which patches select the class.
func contentOf(blueprint *scope.ClusterBlueprint, class string) []any {
	workers, found := blueprint.MachineDeployments[class]
	if !found {
		return []any{class}
	}
	content := []any{}
	for i := range blueprint.ClusterClass.Spec.Patches {
		for _, definition := range blueprint.ClusterClass.Spec.Patches[i].Definitions {
			classes := definition.Selector.MatchResources.MachineDeploymentClass
			if classes == nil {
				continue
			}
			if slices.ContainsFunc(classes.Names, func(name string) bool { return name != "*" && strings.Contains(name, "*") }) {
				// Which names begin or end like this Cluster API decides.
				return []any{class}
			}
			content = append(content, slices.Contains(classes.Names, "*") || slices.Contains(classes.Names, class))
		}
	}
	for _, template := range []*unstructured.Unstructured{workers.BootstrapTemplate, workers.InfrastructureMachineTemplate} {
		content = append(content, template.GetAPIVersion(), template.GetKind(), template.Object["spec"])
	}
	return content
}

// generateAlike does what generate does, and has the patch engine work on one of those
// machine deployments that are alike. The others are generated without patches, and
// get the specs of its templates.
func generateAlike(ctx context.Context, cluster *clusterv1.Cluster, blueprint *scope.ClusterBlueprint, names *Rendering, like map[string]string) (*scope.ClusterState, error) {
	if len(like) == 0 {
		return generate(ctx, newScope(cluster, blueprint, names))
	}
	isAlike := func(md clusterv1.MachineDeploymentTopology) bool { return like[md.Name] != "" }
	all := blueprint.Topology.Workers.MachineDeployments
	patched, plain := *blueprint, *blueprint
	plain.ClusterClass = blueprint.ClusterClass.DeepCopy()
	plain.ClusterClass.Spec.Patches = nil
	patched.Topology.Workers.MachineDeployments = slices.DeleteFunc(slices.Clone(all), isAlike)
	plain.Topology.Workers.MachineDeployments = slices.DeleteFunc(slices.Clone(all), func(md clusterv1.MachineDeploymentTopology) bool { return !isAlike(md) })
	// First, because the patch engine writes into the templates that it is given.
	others, err := generate(ctx, newScope(cluster, &plain, names))
	if err != nil {
		return nil, err
	}
	state, err := generate(ctx, newScope(cluster, &patched, names))
	if err != nil {
		return nil, err
	}
	for name, md := range others.MachineDeployments {
		first := state.MachineDeployments[like[name]]
		md.BootstrapTemplate.Object["spec"] = first.BootstrapTemplate.Object["spec"]
		md.InfrastructureMachineTemplate.Object["spec"] = first.InfrastructureMachineTemplate.Object["spec"]
		state.MachineDeployments[name] = md
	}
	return state, nil
}
