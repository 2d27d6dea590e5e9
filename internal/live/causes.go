// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package live

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
	"sigs.k8s.io/cluster-api/util"

	"github.com/terraform-capi/terraform-provider-capi/controllers/docker/advice"
)

// Causes names the likely reasons for which the cluster does not get on, and the
// commands that tell more.
func (f *Facts) Causes(declaresCNI bool) []string {
	messages := strings.Join(f.messages(), "\n")
	texts := advice.Remedies(messages)
	if nodes := f.nodesNotReady(); len(nodes) > 0 && !declaresCNI {
		texts = append(texts, fmt.Sprintf("Nodes are not ready (%s), and no cni is declared: without a network plugin nodes do not become ready. "+
			"Set cni = { name = \"kindnet\" }, or install a plugin with the credentials of capi_kubeconfig; "+
			"with wait_for = \"control_plane\" the apply goes on before.", listed(nodes)))
	} else if failed := f.resourceSetFailure(); failed != nil {
		texts = append(texts, fmt.Sprintf("The network plugin is not applied to the cluster (%s): %s\nCorrect cni.manifests.", failed.Object, failed.Message))
	} else if strings.Contains(messages, "cni plugin not initialized") {
		texts = append(texts, "The network plugin that cni declares does not run in the cluster: look at the pods of its kube-system namespace with the credentials of capi_kubeconfig.")
	}
	texts = append(texts, f.blockedDrains()...)
	if going := f.goingMachines(); len(going) > 0 {
		texts = append(texts, fmt.Sprintf("Machines are being deleted that are as declared: %s. Cluster API makes others in their place; to have fewer, declare fewer replicas.", listed(going)))
	}
	return append(texts, f.lookAt()...)
}

// messages are those of all conditions that say why something is not so.
func (f *Facts) messages() []string {
	var lists [][]metav1.Condition
	lists = append(lists, f.Cluster.Status.Conditions)
	for _, obj := range []*unstructured.Unstructured{f.infrastructure, f.ControlPlane} {
		if obj != nil {
			lists = append(lists, []metav1.Condition{conditionOf(obj, clusterv1.ReadyCondition), conditionOf(obj, clusterv1.AvailableCondition)})
		}
	}
	for i := range f.Machines {
		lists = append(lists, f.Machines[i].Status.Conditions)
	}
	var messages []string
	for _, c := range slices.Concat(lists...) {
		messages = append(messages, c.Message)
	}
	return messages
}

// nodesNotReady are the nodes that have joined and are not ready.
func (f *Facts) nodesNotReady() []string {
	var names []string
	for i := range f.Machines {
		machine := &f.Machines[i]
		if machine.Status.NodeRef.IsDefined() && machine.DeletionTimestamp.IsZero() &&
			!meta.IsStatusConditionTrue(machine.Status.Conditions, clusterv1.MachineNodeReadyCondition) {
			names = append(names, machine.Status.NodeRef.Name)
		}
	}
	return names
}

// goingMachines are the machines that are being deleted although they are as
// declared, and their set has no more than declared.
func (f *Facts) goingMachines() []string {
	var names []string
	for i := range f.Machines {
		machine := &f.Machines[i]
		if !machine.DeletionTimestamp.IsZero() && machine.Spec.Version == f.Cluster.Spec.Topology.Version &&
			meta.IsStatusConditionTrue(machine.Status.Conditions, clusterv1.MachineUpToDateCondition) && !f.isSuperfluous(machine) {
			names = append(names, machine.Name)
		}
	}
	return names
}

// isSuperfluous says whether a machine that is being deleted is one too many: its
// set is to have no more machines than there are without those that go, or is not
// declared.
func (f *Facts) isSuperfluous(machine *clusterv1.Machine) bool {
	var want *int32
	declared := util.IsControlPlaneMachine(machine)
	if declared {
		want = f.Cluster.Spec.Topology.ControlPlane.Replicas
	}
	for _, set := range f.declaredSets() {
		if !util.IsControlPlaneMachine(machine) && set.name == SetName(machine) {
			want, declared = set.replicas, true
		}
	}
	staying := int32(0)
	for i := range f.Machines {
		other := &f.Machines[i]
		if other.DeletionTimestamp.IsZero() && util.IsControlPlaneMachine(other) == util.IsControlPlaneMachine(machine) && SetName(other) == SetName(machine) {
			staying++
		}
	}
	return !declared || want != nil && staying >= *want
}

// disruptionBudget finds the PodDisruptionBudget in the message of a drain that it
// blocks, as an API server words it and Cluster API puts it behind the pods.
var disruptionBudget = regexp.MustCompile(`Pods? (([^\s/]+)/[^\n]*?): cannot evict pod as it would violate the pod's disruption budget\. The disruption budget (\S+) ([^\n]*)`)

// blockedDrains names the PodDisruptionBudgets that keep machines from being
// deleted.
func (f *Facts) blockedDrains() []string {
	var texts []string
	for i := range f.Machines {
		deleting := meta.FindStatusCondition(f.Machines[i].Status.Conditions, clusterv1.MachineDeletingCondition)
		if deleting == nil {
			continue
		}
		for _, match := range disruptionBudget.FindAllStringSubmatch(deleting.Message, -1) {
			pods, namespace, budget, why := match[1], match[2], match[3], match[4]
			texts = append(texts, fmt.Sprintf("PodDisruptionBudget %s/%s keeps the node of Machine %s from being drained of %s: it %s.",
				namespace, budget, f.Machines[i].Name, pods, strings.TrimSuffix(why, ".")))
		}
	}
	if len(texts) > 0 {
		texts = append(texts, "Let the workload have more pods than its budget asks for, or change the budget, in the workload cluster. "+
			"With deletion.node_drain_timeout_seconds of the control plane or the machine deployment, Cluster API gives up draining after that time.")
	}
	return slices.Compact(texts)
}

// lookAt gives the commands for the first machine that hangs before its node is
// ready: the others mostly hang for the same reason.
func (f *Facts) lookAt() []string {
	for _, machine := range f.byCause() {
		if !machine.DeletionTimestamp.IsZero() || meta.IsStatusConditionTrue(machine.Status.Conditions, clusterv1.MachineNodeReadyCondition) {
			continue
		}
		describe := fmt.Sprintf("kubectl describe machine %s -n %s", machine.Name, machine.Namespace)
		commands := advice.Commands(machine.Spec.ProviderID)
		if commands == nil {
			return []string{"More about the first machine that hangs, in the management cluster:\n\n  " + describe}
		}
		return []string{"More about the first machine that hangs (it is a container: there is no SSH), in the management cluster and on the Docker host:\n\n  " +
			strings.Join(append([]string{describe}, commands...), "\n  ")}
	}
	return nil
}

func listed(names []string) string {
	if more := len(names) - treeNames; more > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:treeNames], ", "), more)
	}
	return strings.Join(names, ", ")
}
