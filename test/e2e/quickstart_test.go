// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/client-go/tools/clientcmd"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/terraform-capi/terraform-provider-capi/internal/acctest"
	"github.com/terraform-capi/terraform-provider-capi/internal/management"
	"github.com/terraform-capi/terraform-provider-capi/internal/management/kind"
)

const (
	managementName = "capi-acc"
	clusterName    = "quickstart-acc"
	oldVersion     = "v1.34.3"
	newVersion     = "v1.35.0"
	example        = "../../examples/quickstart"
)

// story is what the chapters of a test remember from each other.
type story struct {
	t          *testing.T
	workspace  *acctest.Workspace
	kubeconfig string
	machines   sets.Set[string]
}

// TestAccQuickstart is the main job, with the configuration that `make quickstart` applies and the executable that is
// released: create, scale, upgrade, import, destroy.
func TestAccQuickstart(t *testing.T) {
	acctest.NeedDocker(t)
	acctest.NeedTerraform(t)
	for _, version := range []string{oldVersion, newVersion} {
		acctest.NeedImage(t, "kindest/node:"+version)
	}
	acctest.NoLeaks(t, managementName)
	acctest.NoLeaks(t, clusterName)
	s := newStory(t)

	s.apply(variables{oldVersion, 1}, "capi_cluster.quickstart", "create")
	t.Cleanup(func() { s.workspace.Terraform("destroy", "-auto-approve") })
	s.expect(s.expectNodes(2, oldVersion), s.expectNetwork, s.expectClusterctl, s.remember)

	s.apply(variables{oldVersion, 2}, "capi_cluster.quickstart", "update")
	s.expect(s.expectNodes(3, oldVersion), s.expectSameMachines, s.remember)

	s.apply(variables{newVersion, 2}, "capi_cluster.quickstart", "update")
	s.expect(s.expectNodes(3, newVersion), s.expectNewMachines, s.expectSystemPods,
		s.expectOldKubeconfigWorks(3, newVersion), s.expectNetwork)

	s.reimport()
}

func newStory(t *testing.T) *story {
	t.Helper()
	s := &story{t: t, workspace: acctest.NewWorkspace(t)}
	files, err := filepath.Glob(filepath.Join(example, "*.tf"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no configuration in %s: %v", example, err)
	}
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		s.workspace.Write(filepath.Base(file), string(content))
	}
	// The example names the provider itself.
	s.workspace.Write("versions.tf", "")
	return s
}

// variables are what changes in the course of the story.
type variables struct {
	version string
	workers int
}

// apply plans, checks that the plan does the action to the resource and, after creation, nothing to any other,
// applies it, and checks that nothing is left to do.
func (s *story) apply(v variables, address, action string) {
	s.t.Helper()
	s.workspace.Write("terraform.tfvars", fmt.Sprintf(
		"management_cluster_name = %q\ncluster_name = %q\nkubernetes_version = %q\nworker_replicas = %d\n",
		managementName, clusterName, v.version, v.workers))
	s.workspace.Terraform("plan", "-out=plan")
	for changed, actions := range s.plannedActions() {
		if changed == address && !slices.Equal(actions, []string{action}) {
			s.t.Fatalf("the plan does %v to %s, want %s", actions, changed, action)
		}
		if changed != address && action != "create" && !slices.Equal(actions, []string{"no-op"}) {
			s.t.Fatalf("the plan does %v to %s, which does not change", actions, changed)
		}
	}
	s.workspace.Terraform("apply", "plan")
	s.workspace.NeedEmptyPlan()
}

func (s *story) plannedActions() map[string][]string {
	s.t.Helper()
	var plan struct {
		ResourceChanges []struct {
			Address string `json:"address"`
			Change  struct {
				Actions []string `json:"actions"`
			} `json:"change"`
		} `json:"resource_changes"`
	}
	if err := json.Unmarshal([]byte(s.workspace.Terraform("show", "-json", "plan")), &plan); err != nil {
		s.t.Fatal(err)
	}
	actions := map[string][]string{}
	for _, change := range plan.ResourceChanges {
		actions[change.Address] = change.Change.Actions
	}
	return actions
}

// reimport forgets every resource and imports it again; then nothing is left to do.
func (s *story) reimport() {
	s.t.Helper()
	id := management.KindID(managementName)
	for _, i := range []struct{ address, id string }{
		{"capi_kubeconfig.quickstart", id + "/default/" + clusterName},
		{"capi_cluster.quickstart", id + "/default/" + clusterName},
		{"capi_cluster_class.quickstart", id + "/default/quick-start"},
		{`capi_provider.this["infrastructure-docker"]`, id + "/infrastructure-docker"},
		{"capi_management_cluster.this", managementName},
	} {
		s.workspace.Terraform("state", "rm", i.address)
		s.workspace.Terraform("import", i.address, i.id)
	}
	s.workspace.NeedEmptyPlan()
}

// expect runs checks one after the other with the kubeconfig that the configuration puts out.
func (s *story) expect(checks ...func(g Gomega, workload client.Client)) {
	s.t.Helper()
	g := NewWithT(s.t)
	kubeconfig := s.workspace.Terraform("output", "-raw", "kubeconfig")
	if s.kubeconfig == "" {
		s.kubeconfig = kubeconfig
	}
	workload, err := connect(kubeconfig)
	g.Expect(err).NotTo(HaveOccurred())
	for _, check := range checks {
		check(g, workload)
	}
}

func connect(kubeconfig string) (client.Client, error) {
	restConfig, err := clientcmd.RESTConfigFromKubeConfig([]byte(kubeconfig))
	if err != nil {
		return nil, err
	}
	return client.New(restConfig, client.Options{})
}

func (s *story) management(g Gomega) *management.Cluster {
	resolver := management.NewResolver(management.Connection{}, kind.New())
	cluster, err := resolver.Connect(s.t.Context(), management.KindID(managementName))
	g.Expect(err).NotTo(HaveOccurred())
	return cluster
}

func (s *story) machineNames(g Gomega) sets.Set[string] {
	machines := &clusterv1.MachineList{}
	g.Expect(s.management(g).List(s.t.Context(), machines)).To(Succeed())
	names := sets.New[string]()
	for _, machine := range machines.Items {
		names.Insert(machine.Name)
	}
	return names
}

func (s *story) remember(g Gomega, _ client.Client) { s.machines = s.machineNames(g) }

// expectNodes does not wait: when the apply is over, the nodes are ready.
func (s *story) expectNodes(count int, version string) func(Gomega, client.Client) {
	return func(g Gomega, workload client.Client) {
		nodes := &corev1.NodeList{}
		g.Expect(workload.List(s.t.Context(), nodes)).To(Succeed())
		g.Expect(nodes.Items).To(HaveLen(count))
		for _, node := range nodes.Items {
			g.Expect(node.Status.NodeInfo.KubeletVersion).To(Equal(version), node.Name)
			g.Expect(node.Status.Conditions).To(ContainElement(And(
				HaveField("Type", corev1.NodeReady), HaveField("Status", corev1.ConditionTrue))), node.Name)
		}
	}
}

func (s *story) expectNetwork(_ Gomega, workload client.Client) { expectPodsTalk(s.t, workload) }

func (s *story) expectSameMachines(g Gomega, _ client.Client) {
	g.Expect(s.machineNames(g).IsSuperset(s.machines)).To(BeTrue(), "a machine was replaced by scaling")
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
	clusterctl := os.Getenv("CLUSTERCTL")
	if clusterctl == "" {
		s.t.Log("CLUSTERCTL does not name a clusterctl: compatibility with it is not checked")
		return
	}
	kubeconfig, err := kind.New().KubeConfig(s.t.Context(), managementName)
	g.Expect(err).NotTo(HaveOccurred())
	path := filepath.Join(s.t.TempDir(), "management.kubeconfig")
	g.Expect(os.WriteFile(path, []byte(kubeconfig), 0o600)).To(Succeed())
	run := func(args ...string) string {
		command := exec.CommandContext(context.WithoutCancel(s.t.Context()), clusterctl, append(args, "--kubeconfig", path)...)
		command.Env = append(os.Environ(), "CLUSTERCTL_DISABLE_VERSIONCHECK=true")
		command.Stderr = os.Stderr
		out, err := command.Output()
		g.Expect(err).NotTo(HaveOccurred(), "clusterctl %v", args)
		return string(out)
	}
	g.Expect(run("describe", "cluster", clusterName)).To(And(ContainSubstring("DockerCluster default/"), ContainSubstring("KubeadmControlPlane default/"), ContainSubstring("MachineDeployment default/")))
	g.Expect(run("get", "kubeconfig", clusterName)).To(ContainSubstring("client-certificate-data"))

	providers := exec.CommandContext(s.t.Context(), "docker", "exec", managementName+"-control-plane", "kubectl", "get", "providers.clusterctl.cluster.x-k8s.io", "--all-namespaces", "--no-headers")
	out, err := providers.CombinedOutput()
	g.Expect(err).NotTo(HaveOccurred(), string(out))
	for _, name := range []string{"cluster-api", "bootstrap-kubeadm", "control-plane-kubeadm", "infrastructure-docker"} {
		g.Expect(string(out)).To(ContainSubstring(name))
	}
}
