// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package topology

import (
	"context"
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	bootstrapv1 "sigs.k8s.io/cluster-api/api/bootstrap/kubeadm/v1beta2"
	bootstrapadmission "sigs.k8s.io/cluster-api/bootstrap/kubeadm/webhooks/admission"
	"sigs.k8s.io/cluster-api/controlplane/kubeadm/webhooks/admission"
)

// refused returns what the webhooks of kubeadm's kinds would refuse about the
// objects of the rendering, if not nil in place of those before. The API admits
// such a Cluster, and then its topology controller gets stuck.
func (r *Rendering) refused(ctx context.Context, before *Rendering) []Problem {
	problems := r.refusedControlPlane(ctx, before)
	for i, topology := range r.Cluster.Spec.Topology.Workers.MachineDeployments {
		if _, isAlike := r.like[topology.Name]; isAlike {
			continue
		}
		problems = append(problems, refusedBootstrap(ctx, r.state.MachineDeployments[topology.Name].BootstrapTemplate,
			fmt.Sprintf("spec.topology.workers.machineDeployments[%d]", i), topology.Class)...)
	}
	problems = append(problems, r.unreadableObjects()...)
	return append(problems, r.refusedByDocker(ctx, before)...)
}

// fieldsOfCluster are fields of a control plane that come of the Cluster alone.
var fieldsOfCluster = map[string]string{
	"spec.replicas": "spec.topology.controlPlane.replicas",
	"spec.version":  versionField,
}

func (r *Rendering) refusedControlPlane(ctx context.Context, before *Rendering) []Problem {
	updated, ok := kubeadmControlPlane(r.state.ControlPlane.Object)
	if !ok {
		return nil
	}
	webhook := &admission.KubeadmControlPlane{}
	err := webhook.Default(ctx, updated)
	if err == nil {
		_, err = webhook.ValidateCreate(ctx, updated)
	}
	if err == nil && before != nil {
		if old, ok := kubeadmControlPlane(before.state.ControlPlane.Object); ok && webhook.Default(ctx, old) == nil {
			// On the way to a version that is far, the control plane takes small steps.
			old.Spec.Version = updated.Spec.Version
			_, err = webhook.ValidateUpdate(ctx, old, updated)
		}
	}
	var problems []Problem
	for _, problem := range Problems(err) {
		if field, found := fieldsOfCluster[problem.Field]; found {
			problems = append(problems, Problem{Field: field, Message: problem.Message})
			continue
		}
		problems = append(problems, invalidIn("spec.topology.controlPlane", theClass, kubeadmControlPlaneKind.Kind, problem))
	}
	return problems
}

func refusedBootstrap(ctx context.Context, obj *unstructured.Unstructured, field, class string) []Problem {
	if obj = inHub(obj); obj.GroupVersionKind() != kubeadmConfigTemplateKind {
		return nil
	}
	template := &bootstrapv1.KubeadmConfigTemplate{}
	err := runtime.DefaultUnstructuredConverter.FromUnstructured(obj.Object, template)
	if err == nil {
		_, err = (&bootstrapadmission.KubeadmConfigTemplate{}).ValidateCreate(ctx, template)
	}
	var problems []Problem
	for _, problem := range Problems(err) {
		problems = append(problems, invalidIn(field, workerClass(class), kubeadmConfigTemplateKind.Kind, problem))
	}
	return problems
}

// theClass is what belongs to no worker class.
const theClass = "the class"

func workerClass(name string) string { return fmt.Sprintf("machine deployment class %q", name) }

// invalidIn is a problem of an object that comes of a class, as one of the Cluster.
func invalidIn(fieldOfCluster, class, kind string, problem Problem) Problem {
	return Problem{Field: fieldOfCluster, Unknown: problem.Unknown, Message: fmt.Sprintf("the %s that comes of %s and its variables is invalid: %s",
		kind, class, strings.TrimPrefix(problem.Field+": "+problem.Message, ": "))}
}
