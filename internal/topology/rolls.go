// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package topology

import (
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/intstr"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
	"sigs.k8s.io/cluster-api/core/reconcilers/machinedeployment/mdutil"
	"sigs.k8s.io/cluster-api/exp/topology/scope"
)

// Kind is what a set of machines is.
type Kind string

const (
	// ControlPlane is a cluster's control plane.
	ControlPlane Kind = "control plane"
	// MachineDeployment is one of its machine deployments.
	MachineDeployment Kind = "machine deployment"
	// MachinePool is one of its machine pools.
	MachinePool Kind = "machine pool"
)

// Set is a set of machines of a cluster.
type Set struct {
	Kind Kind
	// Name is the one in the cluster's topology; that of the control plane is
	// empty.
	Name string
	// Replicas is the number of machines that is declared, or nil.
	Replicas *int32
}

// String returns the set as in: machine deployment md-0 (3 machines).
func (s Set) String() string {
	text := s.Label()
	switch {
	case s.Replicas == nil:
	case *s.Replicas == 1:
		text += " (1 machine)"
	default:
		text += fmt.Sprintf(" (%d machines)", *s.Replicas)
	}
	return text
}

// Label returns the set without its size, as in: machine deployment md-0.
func (s Set) Label() string {
	if s.Kind == ControlPlane {
		return string(s.Kind)
	}
	return fmt.Sprintf("%s %s", s.Kind, s.Name)
}

// Roll is a set of machines that is replaced machine by machine.
type Roll struct {
	Set
	// Strategy is RollingUpdate, or OnDelete, where machines stay until somebody
	// deletes them. It is empty if the set's provider decides.
	Strategy string
	// MaxSurge and MaxUnavailable are how many machines there are at most in
	// addition, and how many may be missing, as numbers or in percent. They are
	// empty where the set's provider decides.
	MaxSurge, MaxUnavailable string
	// Reasons say why, for people. No value of a field is in them.
	Reasons []string
}

// String returns the roll in one line.
func (r Roll) String() string {
	return fmt.Sprintf("%s: %s", r.Set, strings.Join(r.Reasons, ", "))
}

// Compare returns which sets of machines are replaced when a cluster that is
// rendered as before, and settled, becomes rendered as after; in the order in
// which Cluster API goes about it. Sets that are new or removed are in Created
// and Deleted. Both renderings must be known. Problems say what is not known; then
// there are no rolls.
//
// What machines are replaced for is decided by upstream's code where upstream
// exports it. Machine pools and control planes of other providers than kubeadm
// decide by themselves, so that everything that could make them do it counts.
func Compare(before, after *Rendering) (rolled []Roll, problems []Problem) {
	defer guardProblems("Cluster API's comparison of machines", &problems)
	if problems := conversions(before, after); len(problems) > 0 {
		return nil, problems
	}
	var rolls []Roll
	add := func(set Set, reasons []string, strategy, surge, unavailable string) {
		if len(reasons) > 0 {
			rolls = append(rolls, Roll{Set: set, Reasons: reasons, Strategy: strategy, MaxSurge: surge, MaxUnavailable: unavailable})
		}
	}
	for _, set := range after.sets() {
		switch set.Kind {
		case ControlPlane:
			strategy, surge, unavailable := controlPlaneStrategy(after.state.ControlPlane.Object)
			add(set, controlPlaneReasons(before, after), strategy, surge, unavailable)
		case MachineDeployment:
			if old, found := before.state.MachineDeployments[set.Name]; found {
				md := after.state.MachineDeployments[set.Name]
				strategy, surge, unavailable := deploymentStrategy(md.Object.Spec.Rollout.Strategy)
				add(set, machineDeploymentReasons(before.Cluster, after.Cluster, set.Name, old, md), strategy, surge, unavailable)
			}
		case MachinePool:
			if old, found := before.state.MachinePools[set.Name]; found {
				add(set, machinePoolReasons(before.Cluster, after.Cluster, set.Name, old, after.state.MachinePools[set.Name]), "", "", "")
			}
		}
	}
	return rolls, nil
}

// conversions returns for which sets of machines it is not known whether they are
// replaced, because only their provider can tell what becomes of an object in another
// version of its API. The topology controller reads what there is in the version of the
// class's template, and compares the two (core/reconcilers/topology/cluster,
// alignRefAPIVersion, as of v1.14.2).
func conversions(before, after *Rendering) []Problem {
	var problems []Problem
	check := func(set Set, old, updated *unstructured.Unstructured, without ...[]string) {
		if isConverted(old, updated, without...) {
			problems = append(problems, Problem{Unknown: true, Message: fmt.Sprintf(
				"the %s of the %s goes from %s to %s, and only its provider, which converts it, knows whether that replaces machines",
				updated.GetKind(), set.Label(), old.GetAPIVersion(), updated.GetAPIVersion())})
		}
	}
	for _, set := range after.sets() {
		switch set.Kind {
		case ControlPlane:
			old, updated := before.state.ControlPlane, after.state.ControlPlane
			check(set, old.Object, updated.Object, inPlace...)
			check(set, old.InfrastructureMachineTemplate, updated.InfrastructureMachineTemplate)
		case MachineDeployment:
			if old, found := before.state.MachineDeployments[set.Name]; found {
				updated := after.state.MachineDeployments[set.Name]
				check(set, old.BootstrapTemplate, updated.BootstrapTemplate)
				check(set, old.InfrastructureMachineTemplate, updated.InfrastructureMachineTemplate)
			}
		case MachinePool:
			if old, found := before.state.MachinePools[set.Name]; found {
				updated := after.state.MachinePools[set.Name]
				check(set, old.BootstrapObject, updated.BootstrapObject)
				check(set, old.InfrastructureMachinePoolObject, updated.InfrastructureMachinePoolObject)
			}
		}
	}
	return problems
}

// Created returns the sets of machines that are new.
func Created(before, after *Rendering) []Set { return missing(before.sets(), after.sets()) }

// Deleted returns the sets of machines that are there no more.
func Deleted(before, after *Rendering) []Set { return missing(after.sets(), before.sets()) }

// Untouched returns the sets of machines that there are before and after and that
// do not roll. Their number of machines may change.
func Untouched(before, after *Rendering, rolls []Roll) []Set {
	touched := Created(before, after)
	for _, roll := range rolls {
		touched = append(touched, roll.Set)
	}
	return missing(touched, after.sets())
}

func missing(from, sets []Set) []Set {
	known := map[string]bool{}
	for _, set := range from {
		known[set.Label()] = true
	}
	var result []Set
	for _, set := range sets {
		if !known[set.Label()] {
			result = append(result, set)
		}
	}
	return result
}

// sets returns the cluster's sets of machines in the order in which Cluster API
// treats them.
func (r *Rendering) sets() []Set { return setsOf(r.Cluster) }

func setsOf(cluster *clusterv1.Cluster) []Set {
	topology := &cluster.Spec.Topology
	sets := []Set{{Kind: ControlPlane, Replicas: topology.ControlPlane.Replicas}}
	for _, md := range topology.Workers.MachineDeployments {
		sets = append(sets, Set{Kind: MachineDeployment, Name: md.Name, Replicas: md.Replicas})
	}
	for _, mp := range topology.Workers.MachinePools {
		sets = append(sets, Set{Kind: MachinePool, Name: mp.Name, Replicas: mp.Replicas})
	}
	return sets
}

func machineDeploymentReasons(before, after *clusterv1.Cluster, name string, old, updated *scope.MachineDeploymentState) []string {
	current, desired := old.Object.Spec.Template.DeepCopy(), updated.Object.Spec.Template.DeepCopy()
	version := workerVersion(before, after, MachineDeployment, name)
	if version.pending {
		// Nothing else is changed either while an upgrade is pending.
		return nil
	}
	reasons := version.reasons
	for _, template := range []struct {
		ref           *clusterv1.ContractVersionedObjectReference
		before, after *unstructured.Unstructured
	}{
		{&desired.Spec.Bootstrap.ConfigRef, old.BootstrapTemplate, updated.BootstrapTemplate},
		{&desired.Spec.InfrastructureRef, old.InfrastructureMachineTemplate, updated.InfrastructureMachineTemplate},
	} {
		if changes := templateReasons(template.before, template.after); len(changes) > 0 {
			template.ref.Name += "-rotated"
			reasons = append(reasons, changes...)
		}
	}
	if current.Spec.FailureDomain != desired.Spec.FailureDomain {
		reasons = append(reasons, fmt.Sprintf("failure domain %s", changeOf(current.Spec.FailureDomain, desired.Spec.FailureDomain)))
	}
	reasons = append(reasons, rolloutAfter(old.Object.Spec.Rollout.After, updated.Object.Spec.Rollout.After)...)
	if upToDate, _ := mdutil.MachineTemplateUpToDate(current, desired); !upToDate && len(reasons) == 0 {
		reasons = append(reasons, "its machine template changed")
	}
	return reasons
}

// machinePoolReasons: a pool's objects are changed in place, and its provider
// replaces machines for that as it sees fit.
func machinePoolReasons(before, after *clusterv1.Cluster, name string, old, updated *scope.MachinePoolState) []string {
	version := workerVersion(before, after, MachinePool, name)
	if version.pending {
		return nil
	}
	reasons := append(version.reasons, templateReasons(old.BootstrapObject, updated.BootstrapObject)...)
	reasons = append(reasons, templateReasons(old.InfrastructureMachinePoolObject, updated.InfrastructureMachinePoolObject)...)
	if strings.Join(old.Object.Spec.FailureDomains, ",") != strings.Join(updated.Object.Spec.FailureDomains, ",") {
		reasons = append(reasons, "failure domains "+changeOf(
			strings.Join(old.Object.Spec.FailureDomains, ","), strings.Join(updated.Object.Spec.FailureDomains, ",")))
	}
	return reasons
}

// templateReasons returns why the topology controller replaces a template. It
// does so if the spec that it asks for differs; metadata it changes in place.
func templateReasons(before, after *unstructured.Unstructured) []string {
	before, after = bothInHub(before, after)
	if before.GroupVersionKind().GroupKind() != after.GroupVersionKind().GroupKind() {
		return []string{fmt.Sprintf("%s instead of %s", kindOf(after), kindOf(before))}
	}
	if before.GroupVersionKind() != after.GroupVersionKind() {
		// They say the same (conversions).
		return nil
	}
	before, after = defaultedTemplate(before), defaultedTemplate(after)
	var reasons []string
	for _, path := range changedPaths("spec", before.Object["spec"], after.Object["spec"]) {
		reasons = append(reasons, fmt.Sprintf("%s %s changed", after.GetKind(), path))
	}
	return reasons
}

func kindOf(obj *unstructured.Unstructured) string {
	return obj.GetKind() + " (" + obj.GetAPIVersion() + ")"
}

func changeOf(before, after string) string {
	quote := func(value string) string {
		if value == "" {
			return "none"
		}
		return value
	}
	return quote(before) + " -> " + quote(after)
}

func deploymentStrategy(strategy clusterv1.MachineDeploymentRolloutStrategy) (name, surge, unavailable string) {
	if strategy.Type == clusterv1.OnDeleteMachineDeploymentStrategyType {
		return string(strategy.Type), "", ""
	}
	return string(clusterv1.RollingUpdateMachineDeploymentStrategyType),
		orDefault(strategy.RollingUpdate.MaxSurge, "1"), orDefault(strategy.RollingUpdate.MaxUnavailable, "0")
}

func orDefault(value *intstr.IntOrString, fallback string) string {
	if value == nil {
		return fallback
	}
	return value.String()
}
