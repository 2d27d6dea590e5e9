// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
	"sigs.k8s.io/cluster-api/util/conditions"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/terraform-capi/terraform-provider-capi/controllers/docker/identity"
	"github.com/terraform-capi/terraform-provider-capi/controllers/docker/orphans"
	"github.com/terraform-capi/terraform-provider-capi/internal/acctest"
	"github.com/terraform-capi/terraform-provider-capi/internal/management"
	"github.com/terraform-capi/terraform-provider-capi/internal/management/kind"
)

const moveTarget = "capi-acc-target"

var moveTargetConfig = fmt.Sprintf(`
resource "capi_management_cluster" "target" {
  name       = %q
  node_image = "kindest/node:%s"
}

resource "capi_provider" "target" {
  for_each           = toset(["cluster-api", "bootstrap-kubeadm", "control-plane-kubeadm", "infrastructure-docker"])
  management_cluster = capi_management_cluster.target.id
  name               = each.key
}
`, moveTarget, oldVersion)

// TestAccMove moves a workload cluster, whose name is that of its management cluster, to another one with unmodified
// clusterctl, and destroys the old management cluster before the new one's controllers have seen the containers.
// Terraform keeps the cluster in its state all the while, and manages it where it is in the end.
func TestAccMove(t *testing.T) {
	if os.Getenv("CLUSTERCTL") == "" {
		t.Skip("CLUSTERCTL does not name a clusterctl, which moves clusters")
	}
	const name = "capi-acc-move"
	s := newStory(t, name, name)
	acctest.NoLeaks(t, moveTarget)
	s.workspace.Write("target.tf", moveTargetConfig)
	t.Cleanup(func() { s.removeContainers(name, moveTarget) })
	g := NewWithT(t)

	s.set(variables{oldVersion, 1, 0})
	s.workspace.Terraform("apply", "-auto-approve")
	s.expect(s.expectNodes(1, oldVersion))
	nodes := s.clusterContainers()
	g.Expect(strings.Fields(nodes)).To(HaveLen(2), "a node and a load balancer: %s", nodes)

	s.stopTargetsDockerProvider()
	s.clusterctl(g, "move", "--to-kubeconfig", s.kubeconfigOf(g, moveTarget))
	s.expectKeptInState(g)
	s.declareMoved()
	s.expectUpdateInPlace(g)
	out := s.destroySource()
	g.Expect(out).To(And(ContainSubstring("Clusters kept"), ContainSubstring("cluster default/"+name)))
	g.Expect(s.clusterContainers()).To(Equal(nodes))
	s.expectOldKubeconfigWorks(1, oldVersion)(g, nil)

	s.expectUpdateInPlace(g)
	s.workspace.Terraform("apply", "plan")
	s.workspace.NeedEmptyPlan()
	s.managementName = moveTarget
	s.expectTakenOver(g)
	g.Expect(s.clusterContainers()).To(Equal(nodes))
	s.expect(s.expectNodes(1, oldVersion), s.expectOldKubeconfigWorks(1, oldVersion))

	s.workspace.Terraform("destroy", "-auto-approve")
	g.Expect(s.clusterContainers()).To(BeEmpty())
}

// expectKeptInState: as long as the configuration says where the cluster was, nothing is planned for it, and it is not
// destroyed.
func (s *story) expectKeptInState(g Gomega) {
	const notThere = "Cluster is not where the state says"
	nodes := s.clusterContainers()
	g.Expect(s.workspace.Terraform("plan", "-out=plan")).To(ContainSubstring("Warning: " + notThere))
	g.Expect(s.planned()[clusterAddress].Actions).To(Equal([]string{"no-op"}))
	out, code := s.workspace.Try("destroy", "-auto-approve", "-refresh=false", "-target="+clusterAddress)
	g.Expect(code).To(Equal(1), out)
	g.Expect(out).To(ContainSubstring("Error: " + notThere))
	g.Expect(s.clusterContainers()).To(Equal(nodes))
}

// declareMoved is what users do: the configuration says where the cluster and its class are. Nothing proves that the
// class there is the one of the state, so that is exchanged by hand.
func (s *story) declareMoved() {
	s.t.Helper()
	for _, resource := range []string{"capi_cluster_class", "capi_cluster"} {
		header := fmt.Sprintf("resource %q %q {\n  management_cluster = capi_management_cluster.", resource, "quickstart")
		s.edit(header+"this.id", header+"target.id")
	}
	s.edit("depends_on = [capi_provider.this]", "depends_on = [capi_provider.target]")
	s.workspace.Terraform("state", "rm", classAddress)
	s.workspace.Write("import.tf", fmt.Sprintf("import {\n  to = %s\n  id = %q\n}\n", classAddress, management.KindID(moveTarget)+"/default/quick-start"))
}

// expectUpdateInPlace leaves a plan.
func (s *story) expectUpdateInPlace(g Gomega) {
	out := s.workspace.Terraform("plan", "-out=plan")
	g.Expect(out).To(ContainSubstring("Warning: Cluster was moved"))
	planned := s.planned()
	g.Expect(planned[clusterAddress].Actions).To(Equal([]string{"update"}))
	g.Expect(planned[clusterAddress].announced()).To(BeEmpty())
	g.Expect(planned[classAddress].Actions).To(Equal([]string{"no-op"}))
}

// expectTakenOver waits until the new management cluster's controllers manage the containers.
func (s *story) expectTakenOver(g Gomega) {
	runtime, err := kind.New().Runtime(s.t.Context())
	g.Expect(err).NotTo(HaveOccurred())
	g.Eventually(func(g Gomega) {
		findings, err := orphans.Find(s.t.Context(), runtime)
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(findings.Kept).NotTo(ContainElement(HaveField("Name", s.clusterName)), "the new management cluster has not taken it over")
		moved := &clusterv1.Cluster{}
		g.Expect(s.management(g).Get(s.t.Context(), client.ObjectKey{Namespace: metav1.NamespaceDefault, Name: s.clusterName}, moved)).To(Succeed())
		g.Expect(conditions.IsTrue(moved, clusterv1.ClusterAvailableCondition)).To(BeTrue())
	}).WithTimeout(recoveryTime).WithPolling(2 * time.Second).Should(Succeed())
}

// clusterContainers are the ids and names of the workload cluster's containers.
func (s *story) clusterContainers() string {
	s.t.Helper()
	return acctest.Docker(s.t, "ps", "--all", "--no-trunc", "--filter", "label="+identity.ClusterLabel+"="+s.clusterName, "--format", "{{.ID}}/{{.Names}}")
}

// stopTargetsDockerProvider keeps the target's controllers from looking at what is moved. Its webhooks are not served
// then, and would refuse it.
func (s *story) stopTargetsDockerProvider() {
	s.t.Helper()
	for _, args := range [][]string{
		{"--namespace=capd-system", "scale", "deployment", "--all", "--replicas=0"},
		{"delete", "validatingwebhookconfiguration", "capd-validating-webhook-configuration"},
		{"delete", "mutatingwebhookconfiguration", "capd-mutating-webhook-configuration"},
	} {
		acctest.Docker(s.t, append([]string{"exec", moveTarget + "-control-plane", "kubectl", "--kubeconfig=/etc/kubernetes/admin.conf"}, args...)...)
	}
}

// destroySource takes the management cluster that had the cluster out of the configuration, and destroys it. It returns
// what Terraform prints.
func (s *story) destroySource() string {
	s.t.Helper()
	content := s.workspace.Read("main.tf")
	_, source, _ := strings.Cut(content, `resource "capi_management_cluster" "this"`)
	source, _, _ = strings.Cut(source, `resource "capi_cluster_class"`)
	s.edit(`resource "capi_management_cluster" "this"`+source, "")
	// What was done to the target's provider is repaired later.
	return s.workspace.Terraform("apply", "-auto-approve", "-target=capi_management_cluster.this", "-target=capi_provider.this")
}

// removeContainers removes what a failed test left of clusters of these names.
func (s *story) removeContainers(names ...string) {
	s.t.Helper()
	for _, name := range names {
		for _, label := range []string{kind.Label, identity.ClusterLabel} {
			for _, id := range strings.Fields(acctest.Docker(s.t, "ps", "--all", "--quiet", "--filter", "label="+label+"="+name)) {
				acctest.Docker(s.t, "rm", "--force", "--volumes", id)
			}
		}
	}
}

// kubeconfigOf writes the kubeconfig of a management cluster to a file, and returns its path.
func (s *story) kubeconfigOf(g Gomega, managementName string) string {
	kubeconfig, err := kind.New().KubeConfig(s.t.Context(), managementName)
	g.Expect(err).NotTo(HaveOccurred())
	path := filepath.Join(s.t.TempDir(), managementName+".kubeconfig")
	g.Expect(os.WriteFile(path, []byte(kubeconfig), 0o600)).To(Succeed())
	return path
}
