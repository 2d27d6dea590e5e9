// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
	"sigs.k8s.io/cluster-api/util/conditions"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/terraform-capi/terraform-provider-capi/controllers/docker/orphans"
	"github.com/terraform-capi/terraform-provider-capi/internal/acctest"
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
func TestAccMove(t *testing.T) {
	if os.Getenv("CLUSTERCTL") == "" {
		t.Skip("CLUSTERCTL does not name a clusterctl, which moves clusters")
	}
	const name = "capi-acc-move"
	s := newStory(t, name, name)
	acctest.NoLeaks(t, moveTarget)
	s.workspace.Write("target.tf", moveTargetConfig)
	t.Cleanup(func() { s.workspace.Terraform("destroy", "-auto-approve", "-refresh=false") })
	g := NewWithT(t)

	s.set(variables{oldVersion, 1, 0})
	s.workspace.Terraform("apply", "-auto-approve")
	s.expect(s.expectNodes(1, oldVersion))
	nodes := s.clusterContainers()
	g.Expect(strings.Fields(nodes)).To(HaveLen(2), "a node and a load balancer: %s", nodes)

	s.stopTargetsDockerProvider()
	target := s.kubeconfigOf(g, moveTarget)
	s.clusterctl(g, "move", "--to-kubeconfig", target)
	t.Cleanup(func() { s.deleteMoved(moveTarget) })
	out := s.forgetSource()
	g.Expect(out).To(And(ContainSubstring("Clusters kept"), ContainSubstring("cluster default/"+name)))
	g.Expect(s.clusterContainers()).To(Equal(nodes))
	s.expectOldKubeconfigWorks(1, oldVersion)(g, nil)

	s.workspace.Terraform("apply", "-auto-approve")
	s.managementName = moveTarget
	runtime, err := kind.New().Runtime(t.Context())
	g.Expect(err).NotTo(HaveOccurred())
	g.Eventually(func(g Gomega) {
		findings, err := orphans.Find(t.Context(), runtime)
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(findings.Kept).NotTo(ContainElement(HaveField("Name", name)), "the new management cluster has not taken it over")
		moved := &clusterv1.Cluster{}
		g.Expect(s.management(g).Get(t.Context(), client.ObjectKey{Namespace: metav1.NamespaceDefault, Name: name}, moved)).To(Succeed())
		g.Expect(conditions.IsTrue(moved, clusterv1.ClusterAvailableCondition)).To(BeTrue())
	}).WithTimeout(recoveryTime).WithPolling(2 * time.Second).Should(Succeed())
	g.Expect(s.clusterContainers()).To(Equal(nodes))

	s.deleteMoved(moveTarget)
	g.Expect(s.clusterContainers()).To(BeEmpty())
}

// clusterContainers are the ids and names of the workload cluster's containers.
func (s *story) clusterContainers() string {
	s.t.Helper()
	return acctest.Docker(s.t, "ps", "--all", "--no-trunc", "--filter", "label=terraform-capi.io/cluster="+s.clusterName, "--format", "{{.ID}}/{{.Names}}")
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

// forgetSource takes what was moved out of the state, and destroys the management cluster that had it. It returns what
// Terraform prints.
func (s *story) forgetSource() string {
	s.t.Helper()
	s.workspace.Terraform("state", "rm", "capi_kubeconfig.quickstart", clusterAddress, classAddress)
	for _, file := range []string{"main.tf", "outputs.tf", "variables.tf", "terraform.tfvars"} {
		s.workspace.Write(file, "")
	}
	s.workspace.Write("versions.tf", "terraform {\n  required_providers {\n    capi = { source = \"terraform-capi/capi\" }\n  }\n}\n")
	// What was done to the target's provider is repaired later.
	return s.workspace.Terraform("apply", "-auto-approve", "-target=capi_management_cluster.this", "-target=capi_provider.this")
}

// deleteMoved deletes the cluster and its class from the management cluster of that name, if it has them.
func (s *story) deleteMoved(managementName string) {
	s.t.Helper()
	s.managementName = managementName
	g := NewWithT(s.t)
	for _, moved := range []client.Object{
		&clusterv1.Cluster{ObjectMeta: metav1.ObjectMeta{Namespace: metav1.NamespaceDefault, Name: s.clusterName}},
		&clusterv1.ClusterClass{ObjectMeta: metav1.ObjectMeta{Namespace: metav1.NamespaceDefault, Name: "quick-start"}},
	} {
		g.Eventually(func() bool {
			return apierrors.IsNotFound(s.management(g).Delete(context.WithoutCancel(s.t.Context()), moved))
		}).WithTimeout(recoveryTime).WithPolling(2 * time.Second).Should(BeTrue())
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
