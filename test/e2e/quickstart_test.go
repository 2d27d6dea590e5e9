// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-testing/config"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/terraform"
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
	"github.com/terraform-capi/terraform-provider-capi/internal/provider"
)

const (
	managementName = "capi-acc"
	clusterName    = "quickstart-acc"
	oldVersion     = "v1.34.3"
	newVersion     = "v1.35.0"
	example        = "../../examples/quickstart"
)

// story is what the steps of a test remember from each other.
type story struct {
	t          *testing.T
	kubeconfig string
	machines   sets.Set[string]
}

// TestAccQuickstart is the main job, with the configuration that `make quickstart` applies: create, scale, upgrade,
// import, destroy.
func TestAccQuickstart(t *testing.T) {
	acctest.NeedDocker(t)
	acctest.NeedTerraform(t)
	for _, version := range []string{oldVersion, newVersion} {
		acctest.NeedImage(t, "kindest/node:"+version)
	}
	acctest.NoLeaks(t, managementName)
	acctest.NoLeaks(t, clusterName)
	// The example names the provider by its source.
	t.Setenv("TF_ACC_PROVIDER_NAMESPACE", "terraform-capi")

	s := &story{t: t}
	create, scale, upgrade := variables(oldVersion, 1), variables(oldVersion, 2), variables(newVersion, 2)
	resource.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: acctest.Factories(provider.New("test")),
		// After each of these steps the framework plans again, and expects an empty plan.
		Steps: append([]resource.TestStep{
			{
				ConfigDirectory: config.StaticDirectory(example),
				ConfigVariables: create,
				Check:           s.check(s.expectNodes(2, oldVersion), s.expectNetwork, s.expectClusterctl, s.remember),
			},
			{
				ConfigDirectory:  config.StaticDirectory(example),
				ConfigVariables:  scale,
				ConfigPlanChecks: onlyClusterUpdates(),
				Check:            s.check(s.expectNodes(3, oldVersion), s.expectSameMachines, s.remember),
			},
			{
				ConfigDirectory:  config.StaticDirectory(example),
				ConfigVariables:  upgrade,
				ConfigPlanChecks: onlyClusterUpdates(),
				Check: s.check(s.expectNodes(3, newVersion), s.expectNewMachines, s.expectSystemPods,
					s.expectOldKubeconfigWorks(3, newVersion), s.expectNetwork),
			},
		}, importSteps(upgrade)...),
	})
}

func variables(version string, workers int) config.Variables {
	return config.Variables{
		"management_cluster_name": config.StringVariable(managementName),
		"cluster_name":            config.StringVariable(clusterName),
		"kubernetes_version":      config.StringVariable(version),
		"worker_replicas":         config.IntegerVariable(workers),
	}
}

func onlyClusterUpdates() resource.ConfigPlanChecks {
	return resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
		plancheck.ExpectResourceAction("capi_cluster.quickstart", plancheck.ResourceActionUpdate),
		plancheck.ExpectResourceAction("capi_management_cluster.this", plancheck.ResourceActionNoop),
		plancheck.ExpectResourceAction("capi_cluster_class.quickstart", plancheck.ResourceActionNoop),
		plancheck.ExpectResourceAction(`capi_provider.this["cluster-api"]`, plancheck.ResourceActionNoop),
	}}
}

func importSteps(variables config.Variables) []resource.TestStep {
	id := management.KindID(managementName)
	imports := []struct{ address, id string }{
		{"capi_management_cluster.this", managementName},
		{`capi_provider.this["infrastructure-docker"]`, id + "/infrastructure-docker"},
		{"capi_cluster_class.quickstart", id + "/default/quick-start"},
		{"capi_cluster.quickstart", id + "/default/" + clusterName},
		{"capi_kubeconfig.quickstart", id + "/default/" + clusterName},
	}
	var steps []resource.TestStep
	for _, i := range imports {
		// An import block, because its plan must be empty: what was imported is what the configuration says.
		steps = append(steps, resource.TestStep{
			ConfigDirectory: config.StaticDirectory(example),
			ConfigVariables: variables,
			ResourceName:    i.address,
			ImportState:     true,
			ImportStateKind: resource.ImportBlockWithID,
			ImportStateId:   i.id,
		})
	}
	return steps
}

// check runs checks one after the other with the kubeconfig that the configuration put out.
func (s *story) check(checks ...func(g Gomega, workload client.Client)) resource.TestCheckFunc {
	return func(state *terraform.State) error {
		kubeconfig, ok := state.RootModule().Outputs["kubeconfig"].Value.(string)
		if !ok || kubeconfig == "" {
			return fmt.Errorf("the output kubeconfig is empty")
		}
		if s.kubeconfig == "" {
			s.kubeconfig = kubeconfig
		}
		workload, err := connect(kubeconfig)
		if err != nil {
			return err
		}
		g := NewWithT(s.t)
		for _, check := range checks {
			check(g, workload)
		}
		return nil
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
	g.Expect(run("describe", "cluster", clusterName)).To(And(ContainSubstring("DockerCluster/"), ContainSubstring("KubeadmControlPlane/"), ContainSubstring("MachineDeployment/")))
	g.Expect(run("get", "kubeconfig", clusterName)).To(ContainSubstring("client-certificate-data"))

	providers := exec.CommandContext(s.t.Context(), "docker", "exec", managementName+"-control-plane", "kubectl", "get", "providers.clusterctl.cluster.x-k8s.io", "--all-namespaces", "--no-headers")
	out, err := providers.CombinedOutput()
	g.Expect(err).NotTo(HaveOccurred(), string(out))
	for _, name := range []string{"cluster-api", "bootstrap-kubeadm", "control-plane-kubeadm", "infrastructure-docker"} {
		g.Expect(string(out)).To(ContainSubstring(name))
	}
}
