// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package topology

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"k8s.io/utils/ptr"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
	"sigs.k8s.io/cluster-api/core/webhooks/admission"
)

// ValidateBlueprint returns what is wrong about a class and its templates: what
// ValidateClass returns; templates that are not there; patches that do not
// apply, or read variables that there never are. If old is not nil the blueprint replaces it, and clusters are those that
// use it. Fields are those of the ClusterClass.
//
// A patch that fails is a problem only where it fails for every cluster. It may
// well fail for one that declares nothing, and be meant for those that give a
// variable a value.
func ValidateBlueprint(ctx context.Context, old *Blueprint, blueprint Blueprint, clusters []clusterv1.Cluster) []Problem {
	_, problems := Sample(ctx, old, blueprint, clusters)
	return problems
}

// Sample returns what ValidateBlueprint does, and the rendering of a cluster that
// declares nothing but one machine deployment and pool of each class. There is none if
// the class cannot make such a cluster, or if that is not known.
func Sample(ctx context.Context, old *Blueprint, blueprint Blueprint, clusters []clusterv1.Cluster) (sample *Rendering, problems []Problem) {
	defer guardProblems("Cluster API's code for ClusterClasses", &problems)
	var oldClass *clusterv1.ClusterClass
	if old != nil {
		oldClass = old.Class
	}
	problems = ValidateClass(ctx, oldClass, blueprint.Class, clusters)
	_, missing := blueprint.resolve()
	problems = append(problems, missing...)
	if problems = append(problems, misspelt(blueprint.Class)...); len(problems) > 0 {
		return nil, problems
	}
	sample, failures := Render(ctx, blueprint, sampleCluster(blueprint.Class), nil)
	if len(failures) > 0 {
		return nil, certain(blueprint.Class, failures)
	}
	if sample != nil {
		sample.sample = true
	}
	return sample, nil
}

// ValidateUse returns why a class that is changed no longer makes a cluster that
// it makes so far. Cluster API lets the change pass, and gets stuck at the cluster
// until that is changed as well; so this is worth a warning, unless the cluster
// is known not to change. Fields are those of the ClusterClass or none.
func ValidateUse(ctx context.Context, old, blueprint Blueprint, cluster *clusterv1.Cluster) (problems []Problem) {
	defer guardProblems(clusterAdmission, &problems)
	before, problems := Render(ctx, old, cluster, nil)
	if before == nil || len(problems) > 0 {
		return Unknown(problems)
	}
	if class := Reconciled(blueprint.Class); !isPatchedExternally(class) {
		// Defaults of the old class are written into the cluster by now.
		variables := (&admission.Cluster{}).DefaultAndValidateVariables(ctx, before.Cluster.DeepCopy(), nil, class)
		problems = fieldProblems(variables)
	}
	if len(problems) == 0 {
		_, problems = Render(ctx, blueprint, before.Cluster, before)
	}
	for i := range problems {
		problem := &problems[i]
		if problem.Unknown {
			continue
		}
		if !problem.Class {
			problem.Message = strings.TrimPrefix(problem.Field+": "+problem.Message, ": ")
			problem.Field, problem.Class = "", true
		}
		problem.Message = fmt.Sprintf("cluster %s/%s uses the class: %s", cluster.Namespace, cluster.Name, problem.Message)
	}
	return problems
}

// sampleCluster has one machine deployment and pool of each class, and declares
// no variables.
func sampleCluster(class *clusterv1.ClusterClass) *clusterv1.Cluster {
	cluster := &clusterv1.Cluster{}
	cluster.Namespace, cluster.Name = class.Namespace, "sample"
	cluster.Spec.Topology.ClassRef.Name = class.Name
	cluster.Spec.Topology.ControlPlane.Replicas = ptr.To[int32](1)
	cluster.Spec.Topology.Version = "v1.35.0"
	if len(class.Spec.KubernetesVersions) > 0 {
		cluster.Spec.Topology.Version = class.Spec.KubernetesVersions[0]
	}
	workers := &cluster.Spec.Topology.Workers
	for _, md := range class.Spec.Workers.MachineDeployments {
		workers.MachineDeployments = append(workers.MachineDeployments,
			clusterv1.MachineDeploymentTopology{Name: md.Class, Class: md.Class, Replicas: ptr.To[int32](1)})
	}
	for _, mp := range class.Spec.Workers.MachinePools {
		workers.MachinePools = append(workers.MachinePools,
			clusterv1.MachinePoolTopology{Name: mp.Class, Class: mp.Class, Replicas: ptr.To[int32](1)})
	}
	return cluster
}

// certain leaves of a sample's problems what is not known, and those that every
// cluster has: the values of a patch are known but the template has no place for
// them, and neither this patch nor one before it, which could have made the place,
// depends on a variable.
func certain(class *clusterv1.ClusterClass, problems []Problem) []Problem {
	return slices.DeleteFunc(problems, func(p Problem) bool {
		if p.Unknown {
			return false
		}
		i := slices.IndexFunc(class.Spec.Patches, func(patch clusterv1.ClusterClassPatch) bool {
			return strings.HasPrefix(p.Message, fmt.Sprintf("patch %q: failed to apply patch", patch.Name))
		})
		return i < 0 || slices.ContainsFunc(class.Spec.Patches[:i+1], dependsOnVariables)
	})
}

func dependsOnVariables(patch clusterv1.ClusterClassPatch) bool {
	return patch.EnabledIf != "" || patch.External != nil || slices.ContainsFunc(patch.Definitions, func(d clusterv1.PatchDefinition) bool {
		return slices.ContainsFunc(d.JSONPatches, func(p clusterv1.JSONPatch) bool { return p.ValueFrom != nil })
	})
}

// ValidateRebase returns why a cluster cannot go from one class to another: what
// the classes make has to be of the same kinds. That the cluster fits its new
// class is ValidateCluster's to say.
func ValidateRebase(ctx context.Context, oldClass, class *clusterv1.ClusterClass) (problems []Problem) {
	defer guardProblems(clusterAdmission, &problems)
	if err := enableFeatures(); err != nil {
		return Problems(err)
	}
	// Of the cluster itself nothing matters here. Its version stays, so that the
	// admission code does not ask whether the last upgrade is finished.
	cluster := sampleCluster(class)
	old := cluster.DeepCopy()
	old.Namespace, old.Spec.Topology.ClassRef.Name = oldClass.Namespace, oldClass.Name
	cluster.Spec.Topology.ClassRef.Namespace, old.Spec.Topology.ClassRef.Namespace = class.Namespace, oldClass.Namespace
	webhook := &admission.Cluster{Client: snapshot{classes: []*clusterv1.ClusterClass{oldClass, asReconciled(class.DeepCopy())}}}
	_, err := webhook.ValidateUpdate(ctx, old, cluster)
	for _, problem := range Problems(err) {
		if strings.HasPrefix(problem.Field, "spec.topology") || strings.HasPrefix(problem.Field, "metadata") {
			continue
		}
		problems = append(problems, Problem{Field: "spec.topology.classRef", Message: fmt.Sprintf(
			"a cluster of class %q cannot become one of class %q, whose %s differs: %s", oldClass.Name, class.Name, problem.Field, problem.Message)})
	}
	return problems
}
