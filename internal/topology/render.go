// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package topology

import (
	"context"
	"fmt"
	"slices"

	"github.com/go-logr/logr"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
	"sigs.k8s.io/cluster-api/core/webhooks/admission"
	"sigs.k8s.io/cluster-api/exp/topology/desiredstate"
	"sigs.k8s.io/cluster-api/exp/topology/scope"
	ctrl "sigs.k8s.io/controller-runtime"
)

// Rendering is all that Cluster API makes of a Cluster: the control plane, the
// machine deployments and pools, and their templates, with patches applied.
type Rendering struct {
	// Cluster is what was rendered, with its variables defaulted.
	Cluster   *clusterv1.Cluster
	blueprint Blueprint
	state     *scope.ClusterState
	// like are machine deployments whose templates have the specs of another's, by
	// their names.
	like map[string]string
	// before is how the cluster was rendered so far, nil if it is new.
	before *Rendering
	// sample says that the cluster is one that stands for all of the class.
	sample bool
}

const topologyGenerator = "Cluster API's topology generator"

// Render returns what Cluster API makes of a cluster of the blueprint's class,
// and why it makes nothing of it. It validates neither the class nor the
// cluster: ValidateBlueprint and ValidateCluster do.
//
// The cluster is the whole object, as it stands in the API or will: with the
// variables that were defaulted once, because Cluster API writes defaults into it
// and a class that changes them later does not change the cluster.
//
// If names is not nil it is how the cluster is rendered so far. Names that
// Cluster API would make up are then taken from there, so that two renderings
// differ in nothing that is random, and what cannot become of the present objects
// is a problem too. There may be a rendering along with problems, of objects that
// would be refused.
//
// The rendering is nil without a problem if it cannot be known, because runtime
// extensions have a say in it; and with an unknown problem if Cluster API's code
// panicked.
func Render(ctx context.Context, blueprint Blueprint, cluster *clusterv1.Cluster, names *Rendering) (_ *Rendering, problems []Problem) {
	defer guardProblems(topologyGenerator, &problems)
	rendering, problems := render(ctx, blueprint, cluster, names)
	if rendering == nil {
		return nil, problems
	}
	if names != nil {
		problems = rendering.incompatibleWith(names)
	}
	return rendering, append(problems, rendering.refused(ctx, names)...)
}

// render renders without a look at what comes out.
func render(ctx context.Context, blueprint Blueprint, cluster *clusterv1.Cluster, names *Rendering) (*Rendering, []Problem) {
	if err := enableFeatures(); err != nil {
		return nil, Problems(err)
	}
	if isPatchedExternally(blueprint.Class) {
		return nil, nil
	}
	blueprint.Class = Reconciled(blueprint.Class)
	cluster = cluster.DeepCopy()
	if errs := admission.DefaultVariables(cluster, blueprint.Class); len(errs) > 0 {
		return nil, fieldProblems(errs)
	}
	resolved, problems := blueprint.resolve()
	if len(problems) > 0 {
		return nil, problems
	}
	resolved.Topology = cluster.Spec.Topology
	rendering := &Rendering{Cluster: cluster, blueprint: blueprint, before: names, like: alike(resolved, &cluster.Spec.Topology)}
	var err error
	if rendering.state, err = generateAlike(ctx, cluster, resolved, names, rendering.like); err != nil {
		return nil, []Problem{renderProblem(blueprint.Class, cluster, err)}
	}
	return rendering, nil
}

// newScope is what upstream's generator is given, and what rendering of names there
// is so far, nil if there is none.
func newScope(cluster *clusterv1.Cluster, blueprint *scope.ClusterBlueprint, names *Rendering) *scope.Scope {
	world := scope.New(cluster)
	world.Blueprint = blueprint
	// The topology controller sets it before there is any: the generator looks into
	// it, for its object, if the control plane follows the contract v1beta1.
	world.Current.ControlPlane = &scope.ControlPlaneState{}
	if names != nil {
		names.lend(world)
	}
	return world
}

func isPatchedExternally(class *clusterv1.ClusterClass) bool {
	return slices.ContainsFunc(class.Spec.Patches, func(p clusterv1.ClusterClassPatch) bool { return p.External != nil })
}

// generate runs upstream's generator, which the topology controller runs. Its
// log would contain values of variables, which may be secret.
func generate(ctx context.Context, world *scope.Scope) (*scope.ClusterState, error) {
	versions := []string{world.Blueprint.ControlPlane.Template.GroupVersionKind().Version}
	if current := world.Current.ControlPlane.Object; current != nil {
		versions = append(versions, current.GroupVersionKind().Version)
	}
	generator, err := desiredstate.NewGenerator(offlineClient{versions: versions}, offlineClusterCache{}, nil, nil, nil)
	if err != nil {
		return nil, err
	}
	return generator.Generate(ctrl.LoggerInto(ctx, logr.Discard()), world)
}

// lend makes the objects of the rendering the current ones of a scope. They are
// given the version that is wanted, because Cluster API delays what it makes of
// a cluster in whose upgrade it sees itself.
func (r *Rendering) lend(world *scope.Scope) {
	cluster, version := world.Current.Cluster, world.Blueprint.Topology.Version
	if cluster.UID == "" {
		cluster.UID = r.Cluster.UID
	}
	cluster.Spec.InfrastructureRef = r.state.Cluster.Spec.InfrastructureRef
	cluster.Spec.ControlPlaneRef = r.state.Cluster.Spec.ControlPlaneRef
	world.Current.ControlPlane = r.currentControlPlane(world.Blueprint)
	world.Current.MachineDeployments = scope.MachineDeploymentsStateMap{}
	for name, md := range r.state.MachineDeployments {
		current := *md
		current.Object = md.Object.DeepCopy()
		current.Object.Spec.Template.Spec.Version = version
		world.Current.MachineDeployments[name] = &current
	}
	world.Current.MachinePools = scope.MachinePoolsStateMap{}
	for name, mp := range r.state.MachinePools {
		current := *mp
		current.Object = mp.Object.DeepCopy()
		current.Object.Spec.Template.Spec.Version = version
		world.Current.MachinePools[name] = &current
	}
}

// currentControlPlane is the control plane as the topology controller reads it: in
// the version of the class's template, if that is another by now. The generator
// looks up no more in it than its version and the name of its machine template,
// which the contracts have in different places.
func (r *Rendering) currentControlPlane(blueprint *scope.ClusterBlueprint) *scope.ControlPlaneState {
	current := *r.state.ControlPlane
	current.Object = current.Object.DeepCopy()
	if template := blueprint.ControlPlane.Template.GroupVersionKind(); template.Group == current.Object.GroupVersionKind().Group {
		current.Object.SetAPIVersion(template.GroupVersion().String())
	}
	_ = unstructured.SetNestedField(current.Object.Object, blueprint.Topology.Version, "spec", "version")
	if machines := current.InfrastructureMachineTemplate; machines != nil {
		for _, path := range [][]string{{"spec", "machineTemplate", "infrastructureRef"}, {"spec", "machineTemplate", "spec", "infrastructureRef"}} {
			_ = unstructured.SetNestedMap(current.Object.Object, map[string]any{
				"apiVersion": machines.GetAPIVersion(), "apiGroup": machines.GroupVersionKind().Group,
				"kind": machines.GetKind(), "namespace": machines.GetNamespace(), "name": machines.GetName(),
			}, path...)
		}
	}
	return &current
}

// incompatibleWith returns what the topology controller refuses to change about
// objects that exist: their kinds. Only the bootstrap configuration of machine
// deployments may become one of another kind.
func (r *Rendering) incompatibleWith(before *Rendering) []Problem {
	var problems []Problem
	check := func(field, what string, before, after *unstructured.Unstructured) {
		if before == nil || after == nil || before.GroupVersionKind().GroupKind() == after.GroupVersionKind().GroupKind() {
			return
		}
		problems = append(problems, Problem{Field: field, Message: fmt.Sprintf(
			"%s is a %s, and cannot become a %s in place", what, before.GetKind(), after.GetKind())})
	}
	check("spec.topology.classRef", "the infrastructure", before.state.InfrastructureCluster, r.state.InfrastructureCluster)
	check("spec.topology.classRef", "the control plane", before.state.ControlPlane.Object, r.state.ControlPlane.Object)
	check("spec.topology.classRef", "the control plane's machine template",
		before.state.ControlPlane.InfrastructureMachineTemplate, r.state.ControlPlane.InfrastructureMachineTemplate)
	for i, topology := range r.Cluster.Spec.Topology.Workers.MachineDeployments {
		if old, found := before.state.MachineDeployments[topology.Name]; found {
			check(fmt.Sprintf("spec.topology.workers.machineDeployments[%d].class", i),
				fmt.Sprintf("the machine template of machine deployment %q", topology.Name),
				old.InfrastructureMachineTemplate, r.state.MachineDeployments[topology.Name].InfrastructureMachineTemplate)
		}
	}
	for i, topology := range r.Cluster.Spec.Topology.Workers.MachinePools {
		if old, found := before.state.MachinePools[topology.Name]; found {
			field := fmt.Sprintf("spec.topology.workers.machinePools[%d].class", i)
			check(field, fmt.Sprintf("the infrastructure of machine pool %q", topology.Name),
				old.InfrastructureMachinePoolObject, r.state.MachinePools[topology.Name].InfrastructureMachinePoolObject)
			check(field, fmt.Sprintf("the bootstrap configuration of machine pool %q", topology.Name),
				old.BootstrapObject, r.state.MachinePools[topology.Name].BootstrapObject)
		}
	}
	return problems
}
