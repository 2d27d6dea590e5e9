// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package live

import (
	"fmt"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/utils/ptr"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"

	"github.com/terraform-capi/terraform-provider-capi/internal/acctest"
	"github.com/terraform-capi/terraform-provider-capi/internal/live/livetest"
)

// What a diagnostic shows when a wait has timed out, as a person reads it.
//
// The guide's common mistake "Ignoring clusterctl describe output": it is in the diagnostic.
func TestTree(t *testing.T) {
	var transcript strings.Builder
	for _, stage := range stages {
		f := finished()
		f.infrastructure = &unstructured.Unstructured{Object: map[string]any{
			"kind": "DockerCluster", "metadata": map[string]any{"name": "web-abcde"},
			"status": map[string]any{"initialization": map[string]any{"provisioned": true}},
		}}
		stage.change(f)
		fmt.Fprintf(&transcript, "# %s\n%s\n\n", stage.name, f.Tree(Goal{Until: LevelRollout}))
	}
	acctest.Golden(t, "tree", transcript.String())
}

// However many machines hang, and however much is said about each, the tree fits
// on a screen.
func TestTreeIsCompact(t *testing.T) {
	f := finished()
	f.Cluster.Spec.Topology.Workers.MachineDeployments[0].Replicas = ptr.To[int32](200)
	for i := range 200 {
		m := livetest.Machine(fmt.Sprintf("web-md-0-%d", i), clusterv1.ClusterTopologyMachineDeploymentNameLabel, "md-0")
		livetest.SetCondition(&m.Status.Conditions, clusterv1.MachineInfrastructureReadyCondition, metav1.ConditionFalse, "NotReady",
			fmt.Sprintf("* reason %d: %s", i%60, strings.Repeat("and so on ", 100)), 1)
		f.Machines = append(f.Machines, m)
	}
	tree := f.Tree(Goal{Until: LevelRollout})
	lines := strings.Split(tree, "\n")
	if len(lines) > treeLines+2 || !strings.Contains(lines[len(lines)-1], "clusterctl describe cluster web -n default") {
		t.Errorf("%d lines, of which the last is %q", len(lines), lines[len(lines)-1])
	}
	for _, line := range lines {
		if width := len([]rune(line)); width > treeLineWidth+2*len("├─ ") {
			t.Errorf("a line is %d wide: %s", width, line)
		}
	}
	if !strings.Contains(tree, "Machines web-md-0-0, web-md-0-60, web-md-0-120 and 1 more: InfrastructureReady is False") {
		t.Errorf("machines with the same reason are not on one line:\n%s", tree)
	}
}

// blockedDrain is what Cluster API 1.14 says of a node whose pods it may not evict.
const blockedDrain = "Drain not completed yet (started at 2026-01-01T00:00:00Z):\n" +
	"* Pods shop/db-0, shop/db-1: cannot evict pod as it would violate the pod's disruption budget. The disruption budget db needs 2 healthy pods and has 2 currently\n" +
	"After above Pods have been removed from the Node, the following Pods will be evicted: default/web"

// Terraform's own changes are never taken for what somebody did: a set that is made smaller or taken out deletes machines.
func TestDeclaredDeletionsAreNoCause(t *testing.T) {
	for name, change := range map[string]func(*Facts){
		"fewer replicas": func(f *Facts) { f.Cluster.Spec.Topology.Workers.MachineDeployments[0].Replicas = ptr.To[int32](1) },
		"a set less":     func(f *Facts) { f.Cluster.Spec.Topology.Workers = clusterv1.WorkersTopology{} },
	} {
		f := finished()
		change(f)
		f.Machines[2].DeletionTimestamp = ptr.To(metav1.Now())
		if got := f.Causes(true); len(got) > 0 {
			t.Errorf("%s: %s", name, got)
		}
	}
}

// Common errors are recognised, with what helps. The messages are those of the
// Docker provider (controllers/docker) and of Cluster API.
//
// The guide's common errors "WaitForControlPlaneAvailable", "nodes are not ready", "container name is already in use" and
// "timed out waiting for the condition on machines"; its common mistakes about CNI, containers, Machines, SSH and memory.
func TestCauses(t *testing.T) {
	infrastructure := func(message string) func(*Facts) {
		return func(f *Facts) {
			m := &f.Machines[1]
			m.Status.NodeRef.Name = ""
			m.Spec.ProviderID = "docker:////" + m.Name
			livetest.SetCondition(&m.Status.Conditions, clusterv1.MachineNodeReadyCondition, metav1.ConditionUnknown, "NodeDoesNotExist", "", 1)
			livetest.SetCondition(&m.Status.Conditions, clusterv1.MachineInfrastructureReadyCondition, metav1.ConditionFalse, "NotReady", message, 1)
		}
	}
	notReady := func(f *Facts) {
		livetest.SetCondition(&f.Machines[1].Status.Conditions, clusterv1.MachineNodeReadyCondition, metav1.ConditionFalse, "NodeNotReady",
			"container runtime network not ready: cni plugin not initialized", 1)
	}
	for name, test := range map[string]struct {
		change      func(*Facts)
		declaresCNI bool
		want        []string
	}{
		"WaitForControlPlaneAvailable": {infrastructure("* BootstrapCompleted: Bootstrap command \"kubeadm init\" failed with exit code 1"), true,
			[]string{"kubectl describe machine web-md-0-a -n default", "docker logs web-md-0-a", "docker exec web-md-0-a journalctl -u kubelet"}},
		"timed out waiting for the condition on machines": {infrastructure("* ContainerProvisioned: image kindest/node:v1.35.0 is not on the Docker host and cannot be pulled: EOF"), true,
			[]string{"docker pull", "customImage", "topology.version"}},
		"port in use": {infrastructure("* ContainerProvisioned: starting container web-md-0-a: conflict: the host port is taken: port is already allocated"), true,
			[]string{"hostPort in extraPortMappings", "rollout.strategy.rolling_update.max_surge = 0"}},
		"out of memory":                     {infrastructure("* ContainerProvisioned: Container web-md-0-a ended with exit code 137 and is being restarted"), true, []string{"4 GB"}},
		"container name already in use":     {infrastructure("* ContainerProvisioned: Container web-md-0-a (0123) exists and does not belong to this machine"), true, []string{"orphans"}},
		"deleting Docker containers":        {infrastructure("* ContainerProvisioned: Container web-md-0-a was removed and its data with it"), true, []string{"but not by Cluster API", "health_check", "destroy the resource"}},
		"SSH into containers":               {infrastructure("* BootstrapCompleted: no"), true, []string{"there is no SSH", "docker exec"}},
		"nodes are not ready: no CNI":       {notReady, false, []string{"Nodes are not ready (web-md-0-a), and no cni is declared", `cni = { name = "kindnet" }`, "control_plane"}},
		"nodes are not ready: CNI declared": {notReady, true, []string{"The network plugin that cni declares does not run"}},
		"kubectl delete machine": {func(f *Facts) { f.Machines[1].DeletionTimestamp = ptr.To(metav1.Now()) }, true,
			[]string{"Machines are being deleted that are as declared: web-md-0-a", "Cluster API makes others in their place", "fewer replicas"}},
		"drain": {func(f *Facts) {
			livetest.SetCondition(&f.Machines[1].Status.Conditions, clusterv1.MachineDeletingCondition, metav1.ConditionTrue, "DrainingNode", blockedDrain, 1)
		}, true, []string{
			"PodDisruptionBudget shop/db keeps the node of Machine web-md-0-a from being drained of shop/db-0, shop/db-1: it needs 2 healthy pods and has 2 currently.",
			"deletion.node_drain_timeout_seconds",
		}},
		"network plugin not applied": {func(f *Facts) {
			notReady(f)
			f.resourceSet = failedResourceSet()
		}, true, []string{"(ClusterResourceSet web-cni): failed to apply object apps/v1, Kind=DaemonSet kube-system/cni", "cni.manifests"}},
		"other infrastructure": {func(f *Facts) {
			infrastructure("")(f)
			f.Machines[1].Spec.ProviderID = "aws:///eu-central-1a/i-0"
		}, true, []string{"kubectl describe machine web-md-0-a"}},
	} {
		t.Run(name, func(t *testing.T) {
			f := finished()
			if before := f.Causes(test.declaresCNI); len(before) > 0 {
				t.Fatalf("a finished cluster has causes: %s", before)
			}
			test.change(f)
			got := strings.Join(f.Causes(test.declaresCNI), "\n")
			for _, want := range test.want {
				if !strings.Contains(got, want) {
					t.Errorf("%q is not in:\n%s", want, got)
				}
			}
			if strings.Contains(got, "docker ") && f.Machines[1].Spec.InfrastructureRef.Kind == "AWSMachine" {
				t.Errorf("Docker commands for other infrastructure:\n%s", got)
			}
		})
	}
}
