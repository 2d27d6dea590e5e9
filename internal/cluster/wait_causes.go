// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"

	"github.com/terraform-capi/terraform-provider-capi/controllers/docker/identity"
)

// knownCauses are messages that tell why a cluster does not come up, and what
// helps. Nothing but the message tells these cases apart from outside.
var knownCauses = []struct{ says, remedy string }{
	{"cannot be pulled", "An image is missing: docker pull it on the Docker host, or docker load it there, or name one that exists (spec.customImage of the machine template)."},
	{"does not belong to", "A container of another cluster has the name, left behind perhaps by a management cluster that was deleted. " +
		"\"terraform-provider-capi orphans\" lists what is left of such clusters, and removes it with --remove."},
	{"was removed and its data with it", "Somebody removed the container by hand. Delete its Machine in the management cluster, which replaces it; " +
		"a health_check does so by itself. To be rid of a cluster, destroy the resource, not its containers."},
	{"exit code 137", "The container was killed, mostly for want of memory: give Docker more of it (4 GB for a management cluster and a small cluster), or declare fewer machines."},
	{"cannot evict", "Pods do not let their node be drained: look at their PodDisruptionBudgets, or set deletion.node_drain_timeout_seconds of the machine set."},
}

// causes names the likely reasons for which the cluster does not get on, and the
// commands that tell more.
func (f *facts) causes(plan model) []string {
	messages := strings.Join(f.messages(), "\n")
	var texts []string
	for _, cause := range knownCauses {
		if strings.Contains(messages, cause.says) {
			texts = append(texts, cause.remedy)
		}
	}
	if nodes := f.nodesNotReady(); len(nodes) > 0 && plan.CNI.IsNull() {
		texts = append(texts, fmt.Sprintf("Nodes are not ready (%s), and no cni is declared: without a network plugin nodes do not become ready. "+
			"Set cni = { name = \"kindnet\" }, or install a plugin with the credentials of capi_kubeconfig; "+
			"with wait_for = \"control_plane\" the apply goes on before.", listed(nodes)))
	} else if strings.Contains(messages, "cni plugin not initialized") {
		texts = append(texts, "The network plugin that cni declares does not run in the cluster: look at the pods of its kube-system namespace with the credentials of capi_kubeconfig.")
	}
	if going := f.goingMachines(); len(going) > 0 {
		texts = append(texts, fmt.Sprintf("Machines are being deleted: %s. Cluster API replaces a Machine that somebody deletes; to have fewer, declare fewer replicas.", listed(going)))
	}
	return append(texts, f.lookAt()...)
}

// messages are those of all conditions that say why something is not so.
func (f *facts) messages() []string {
	var lists [][]metav1.Condition
	lists = append(lists, f.cluster.Status.Conditions)
	for _, obj := range []*unstructured.Unstructured{f.infrastructure, f.controlPlane} {
		if obj != nil {
			lists = append(lists, []metav1.Condition{conditionOf(obj, clusterv1.ReadyCondition), conditionOf(obj, clusterv1.AvailableCondition)})
		}
	}
	for i := range f.machines {
		lists = append(lists, f.machines[i].Status.Conditions)
	}
	var messages []string
	for _, c := range slices.Concat(lists...) {
		messages = append(messages, c.Message)
	}
	return messages
}

// nodesNotReady are the nodes that have joined and are not ready.
func (f *facts) nodesNotReady() []string {
	var names []string
	for i := range f.machines {
		machine := &f.machines[i]
		if machine.Status.NodeRef.IsDefined() && machine.DeletionTimestamp.IsZero() &&
			!meta.IsStatusConditionTrue(machine.Status.Conditions, clusterv1.MachineNodeReadyCondition) {
			names = append(names, machine.Status.NodeRef.Name)
		}
	}
	return names
}

// goingMachines are the machines that are being deleted although they are as
// declared.
func (f *facts) goingMachines() []string {
	var names []string
	for i := range f.machines {
		machine := &f.machines[i]
		if !machine.DeletionTimestamp.IsZero() && machine.Spec.Version == f.cluster.Spec.Topology.Version &&
			meta.IsStatusConditionTrue(machine.Status.Conditions, clusterv1.MachineUpToDateCondition) {
			names = append(names, machine.Name)
		}
	}
	return names
}

// lookAt gives the commands for the first machine that hangs before its node is
// ready: the others mostly hang for the same reason.
func (f *facts) lookAt() []string {
	for i := range f.machines {
		machine := &f.machines[i]
		if !machine.DeletionTimestamp.IsZero() || meta.IsStatusConditionTrue(machine.Status.Conditions, clusterv1.MachineNodeReadyCondition) {
			continue
		}
		describe := fmt.Sprintf("kubectl describe machine %s -n %s", machine.Name, machine.Namespace)
		container := identity.ContainerName(machine.Spec.ProviderID)
		if container == "" {
			return []string{"More about the first machine that hangs, in the management cluster:\n\n  " + describe}
		}
		return []string{fmt.Sprintf("More about the first machine that hangs (it is a container: there is no SSH), in the management cluster and on the Docker host:\n\n"+
			"  %s\n  docker logs %s\n  docker exec %s journalctl -u kubelet --no-pager -n 50", describe, container, container)}
	}
	return nil
}

func listed(names []string) string {
	if more := len(names) - treeNames; more > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:treeNames], ", "), more)
	}
	return strings.Join(names, ", ")
}
