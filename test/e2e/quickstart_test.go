// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"context"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/sets"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/terraform-capi/terraform-provider-capi/internal/management"
)

// TestAccQuickstart is the main job, with the configuration that `make quickstart` applies and the executable that is
// released: create, scale, edit the class, upgrade, import, destroy. What rolls is what the plan announced.
func TestAccQuickstart(t *testing.T) {
	s := newStory(t, "capi-acc", "quickstart-acc")

	g := NewWithT(t)
	s.set(variables{oldVersion, 1, 1})
	s.apply("create", clusterAddress)
	t.Cleanup(func() { s.workspace.Terraform("destroy", "-auto-approve") })
	s.expect(s.expectNodes(2, oldVersion), s.expectNetwork, s.expectClusterctl, s.remember)

	s.set(variables{oldVersion, 1, 2})
	planned := s.apply("update", clusterAddress)
	g.Expect(planned[clusterAddress].announced()).To(BeEmpty())
	s.expect(s.expectNodes(3, oldVersion), s.expectSameMachines, s.remember)

	s.edit(`spec        = { format = "cloud-config" }`, `spec        = { format = "cloud-config", preKubeadmCommands = ["true"] }`)
	planned = s.apply("update", classAddress, clusterAddress)
	g.Expect(planned[clusterAddress].announced()).To(Equal([]string{"machine deployment md-0"}))
	s.expect(s.expectNodes(3, oldVersion), s.expectNewWorkers, s.remember)

	s.set(variables{newVersion, 1, 2})
	planned = s.apply("update", clusterAddress)
	g.Expect(planned[clusterAddress].announced()).To(Equal([]string{"control plane", "machine deployment md-0"}))
	g.Expect(planned[clusterAddress].After["upgrade"]).To(HaveKeyWithValue("machines_replaced", BeEquivalentTo(3)))
	s.expect(s.expectNodes(3, newVersion), s.expectNewMachines, s.expectSystemPods,
		s.expectOldKubeconfigWorks(3, newVersion), s.expectNetwork)

	s.reimport()
}

const (
	clusterAddress = "capi_cluster.quickstart"
	classAddress   = "capi_cluster_class.quickstart"
)

// edit changes the configuration.
func (s *story) edit(before, after string) {
	s.t.Helper()
	content := s.workspace.Read("main.tf")
	if strings.Count(content, before) != 1 {
		s.t.Fatalf("the configuration does not have %q once", before)
	}
	s.workspace.Write("main.tf", strings.Replace(content, before, after, 1))
}

// reimport forgets every resource and imports it again; then nothing is left to do.
func (s *story) reimport() {
	s.t.Helper()
	id := management.KindID(s.managementName)
	for _, i := range []struct{ address, id string }{
		{"capi_kubeconfig.quickstart", id + "/default/" + s.clusterName},
		{"capi_cluster.quickstart", id + "/default/" + s.clusterName},
		{"capi_cluster_class.quickstart", id + "/default/quick-start"},
		{`capi_provider.this["infrastructure-docker"]`, id + "/infrastructure-docker"},
		{"capi_management_cluster.this", s.managementName},
	} {
		s.workspace.Terraform("state", "rm", i.address)
		s.workspace.Terraform("import", i.address, i.id)
	}
	s.workspace.NeedEmptyPlan()
}

func (s *story) machineNames(g Gomega) sets.Set[string] {
	machines := &clusterv1.MachineList{}
	g.Expect(s.management(g).List(s.t.Context(), machines)).To(Succeed())
	names := sets.New[string]()
	for _, machine := range machines.Items {
		names.Insert(machine.Name)
	}
	g.Expect(names).NotTo(BeEmpty())
	return names
}

func (s *story) remember(g Gomega, _ client.Client) { s.machines = s.machineNames(g) }

func (s *story) expectNetwork(_ Gomega, workload client.Client) { expectPodsTalk(s.t, workload) }

func (s *story) expectSameMachines(g Gomega, _ client.Client) {
	g.Expect(s.machineNames(g).IsSuperset(s.machines)).To(BeTrue(), "a machine was replaced by scaling")
}

// expectNewWorkers: all machines but the control plane's are new.
func (s *story) expectNewWorkers(g Gomega, _ client.Client) {
	kept := s.machineNames(g).Intersection(s.machines).UnsortedList()
	g.Expect(kept).To(ConsistOf(Not(ContainSubstring("-md-0-"))), "of one control plane machine and two workers")
}

func (s *story) expectNewMachines(g Gomega, _ client.Client) {
	g.Expect(s.machineNames(g).Intersection(s.machines)).To(BeEmpty(), "a machine survived the upgrade")
}

// expectSystemPods waits for the cluster's own add-ons, which kubelets start after the nodes are ready. Their images
// must all be in the nodes where no registry can be reached.
func (s *story) expectSystemPods(g Gomega, workload client.Client) {
	g.Eventually(func(g Gomega) {
		pods := &corev1.PodList{}
		g.Expect(workload.List(s.t.Context(), pods, client.InNamespace(metav1.NamespaceSystem))).To(Succeed())
		g.Expect(pods.Items).To(ContainElement(HaveField("Name", HavePrefix("coredns-"))))
		for _, pod := range pods.Items {
			g.Expect(pod.Status.Conditions).To(ContainElement(And(
				HaveField("Type", corev1.PodReady), HaveField("Status", corev1.ConditionTrue))), pod.Name)
		}
	}).WithTimeout(3 * time.Minute).WithPolling(time.Second).Should(Succeed())
}

func (s *story) expectOldKubeconfigWorks(count int, version string) func(Gomega, client.Client) {
	return func(g Gomega, _ client.Client) {
		workload, err := connect(s.kubeconfig)
		g.Expect(err).NotTo(HaveOccurred())
		s.expectNodes(count, version)(g, workload)
	}
}

// expectClusterctl uses unmodified clusterctl on what the provider installed.
func (s *story) expectClusterctl(g Gomega, _ client.Client) {
	if os.Getenv("CLUSTERCTL") == "" {
		s.t.Log("CLUSTERCTL does not name a clusterctl: compatibility with it is not checked")
		return
	}
	g.Expect(s.clusterctl(g, "describe", "cluster", s.clusterName)).To(And(ContainSubstring("DockerCluster default/"), ContainSubstring("KubeadmControlPlane default/"), ContainSubstring("MachineDeployment default/")))
	g.Expect(s.clusterctl(g, "get", "kubeconfig", s.clusterName)).To(ContainSubstring("client-certificate-data"))

	providers := exec.CommandContext(s.t.Context(), "docker", "exec", s.managementName+"-control-plane", "kubectl", "get", "providers.clusterctl.cluster.x-k8s.io", "--all-namespaces", "--no-headers")
	out, err := providers.CombinedOutput()
	g.Expect(err).NotTo(HaveOccurred(), string(out))
	for _, name := range []string{"cluster-api", "bootstrap-kubeadm", "control-plane-kubeadm", "infrastructure-docker"} {
		g.Expect(string(out)).To(ContainSubstring(name))
	}
}

// clusterctl runs the one that CLUSTERCTL names on the management cluster, and returns its output.
func (s *story) clusterctl(g Gomega, args ...string) string {
	args = append(args, "--kubeconfig", s.kubeconfigOf(g, s.managementName))
	command := exec.CommandContext(context.WithoutCancel(s.t.Context()), os.Getenv("CLUSTERCTL"), args...)
	command.Env = append(os.Environ(), "CLUSTERCTL_DISABLE_VERSIONCHECK=true")
	command.Stderr = os.Stderr
	out, err := command.Output()
	g.Expect(err).NotTo(HaveOccurred(), "clusterctl %v", args)
	return string(out)
}
