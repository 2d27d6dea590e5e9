// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"context"
	"math/rand/v2"
	"os/exec"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	controlplanev1 "sigs.k8s.io/cluster-api/api/controlplane/kubeadm/v1beta2"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
	"sigs.k8s.io/cluster-api/util/conditions"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/terraform-capi/terraform-provider-capi/internal/acctest"
	"github.com/terraform-capi/terraform-provider-capi/internal/management"
)

const (
	controlPlanes, workers = 3, 2

	// kills is how often the manager is killed at least while the cluster comes up, which takes minutes.
	kills = 3

	// recoveryTime is what a busy machine of two cores may take to start all nodes of a cluster at once.
	recoveryTime = 10 * time.Minute
)

// TestAccResilience is about what upstream's Docker provider is not for: a cluster of several control plane nodes that
// comes up although the provider's manager is killed again and again, lives beside another one of its name, serves
// every request during an upgrade, and survives restarts of its nodes, its load balancer, its management cluster and
// the Docker engine.
func TestAccResilience(t *testing.T) {
	e := needEngine(t)
	s := newStory(t, "capi-acc-ha", "ha-acc")
	t.Cleanup(func() { s.workspace.Terraform("destroy", "-auto-approve", "-refresh=false") })

	stopKilling := s.killManager()
	s.set(variables{oldVersion, controlPlanes, workers})
	s.apply("create", clusterAddress)
	killed := stopKilling()
	t.Logf("The manager was killed %d times.", killed)
	NewWithT(t).Expect(killed).To(BeNumerically(">=", kills), "the cluster came up, but hardly anybody killed its manager")
	s.expect(s.expectNodes(controlPlanes+workers, oldVersion), s.expectNetwork, s.remember)
	s.expectMachines(controlPlanes + workers)

	s.besideNamesake(func() {
		s.expect(s.expectNodes(controlPlanes+workers, oldVersion))
	})

	for _, restart := range []func(){s.restartContainers, e.restart} {
		before, started := s.addresses(), time.Now()
		restart()
		s.expectRecovery(started)
		NewWithT(t).Expect(s.addresses()).To(Equal(before), "an address has changed")
		s.workspace.NeedEmptyPlan()
		s.expect(s.expectNodes(controlPlanes+workers, oldVersion), s.expectSameMachines,
			s.expectOldKubeconfigWorks(controlPlanes+workers, oldVersion))
	}

	prober := startProber(t, s.kubeconfig)
	s.set(variables{newVersion, controlPlanes, workers})
	s.apply("update", clusterAddress)
	succeeded, slowest, failures := prober.end()
	t.Logf("During the upgrade %d requests succeeded, the slowest took %s, %d failed.", succeeded, slowest.Round(time.Millisecond), len(failures))
	NewWithT(t).Expect(failures).To(BeEmpty())
	NewWithT(t).Expect(succeeded).To(BeNumerically(">", 0), "nothing was requested")
	s.expect(s.expectNodes(controlPlanes+workers, newVersion), s.expectNewMachines, s.expectSystemPods,
		s.expectOldKubeconfigWorks(controlPlanes+workers, newVersion))
}

// killManager deletes the infrastructure provider's pod every few seconds if it runs, half of the times without
// letting it finish, from when the cluster exists until the returned function is called, which says how often.
func (s *story) killManager() (stop func() int) {
	ctx, cancel := context.WithCancel(s.t.Context())
	killed := make(chan int)
	go func() {
		count := 0
		defer func() { killed <- count }()
		for {
			select {
			case <-ctx.Done():
				return
			case <-time.After(time.Duration(8+rand.IntN(10)) * time.Second): //nolint:gosec // At any moment.
			}
			if _, err := s.kubectl(ctx, "get", "cluster", s.clusterName); err != nil {
				continue
			}
			args := []string{"--namespace=capd-system", "delete", "pod", "--field-selector=status.phase=Running", "--wait=false", "--output=name"}
			if rand.IntN(2) == 0 { //nolint:gosec // Either will do.
				args = append(args, "--force", "--grace-period=0")
			}
			// It succeeds without a pod, too.
			if deleted, err := s.kubectl(ctx, args...); err == nil && strings.Contains(deleted, "pod/") {
				count++
			}
		}
	}()
	return func() int { cancel(); return <-killed }
}

// kubectl runs in the management cluster's node. It returns what kubectl prints.
func (s *story) kubectl(ctx context.Context, args ...string) (string, error) {
	command := []string{"exec", s.managementName + "-control-plane", "kubectl", "--kubeconfig=/etc/kubernetes/admin.conf"}
	out, err := exec.CommandContext(ctx, "docker", append(command, args...)...).Output()
	return string(out), err
}

// expectMachines checks that no machine was lost on the way and replaced.
func (s *story) expectMachines(count int) {
	s.t.Helper()
	g := NewWithT(s.t)
	g.Expect(s.machineNames(g)).To(HaveLen(count))
}

// besideNamesake makes a cluster of the same name and class in another namespace, does what is to be done beside it,
// and deletes it.
func (s *story) besideNamesake(do func()) {
	s.t.Helper()
	g, ctx := NewWithT(s.t), s.t.Context()
	mgmt := s.management(g)
	original := &clusterv1.Cluster{}
	g.Expect(mgmt.Get(ctx, client.ObjectKey{Namespace: metav1.NamespaceDefault, Name: s.clusterName}, original)).To(Succeed())
	g.Expect(mgmt.Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "other"}})).To(Succeed())
	namesake := &clusterv1.Cluster{
		ObjectMeta: metav1.ObjectMeta{Namespace: "other", Name: s.clusterName, Annotations: original.Annotations},
		Spec: clusterv1.ClusterSpec{ClusterNetwork: original.Spec.ClusterNetwork, Topology: clusterv1.Topology{
			ClassRef:     clusterv1.ClusterClassRef{Name: original.Spec.Topology.ClassRef.Name, Namespace: original.Namespace},
			Version:      oldVersion,
			ControlPlane: clusterv1.ControlPlaneTopology{Replicas: ptr.To[int32](1)},
		}},
	}
	g.Expect(mgmt.Create(ctx, namesake)).To(Succeed())
	key := client.ObjectKeyFromObject(namesake)
	g.Eventually(func(g Gomega) {
		g.Expect(mgmt.Get(ctx, key, namesake)).To(Succeed())
		g.Expect(conditions.IsTrue(namesake, clusterv1.ClusterAvailableCondition)).To(BeTrue())
	}).WithTimeout(recoveryTime).WithPolling(2 * time.Second).Should(Succeed())
	do()
	g.Expect(mgmt.Delete(ctx, namesake)).To(Succeed())
	g.Eventually(func() bool {
		return apierrors.IsNotFound(mgmt.Get(ctx, key, namesake))
	}).WithTimeout(recoveryTime).WithPolling(2 * time.Second).Should(BeTrue())
	do()
}

// containers are those of the cluster, and the node of its management cluster.
func (s *story) containers() []string {
	s.t.Helper()
	names := strings.Fields(acctest.Docker(s.t, "ps", "--filter", "label=terraform-capi.io/cluster="+s.clusterName, "--format", "{{.Names}}"))
	return append(names, s.managementName+"-control-plane")
}

// addresses are those of the cluster's containers.
func (s *story) addresses() string {
	s.t.Helper()
	args := append([]string{"inspect", "--format", "{{.Name}}{{range .NetworkSettings.Networks}} {{.IPAddress}}{{end}}"}, s.containers()...)
	lines := strings.Split(strings.TrimSpace(acctest.Docker(s.t, args...)), "\n")
	// The last is the management cluster's; besides the nodes there is a load balancer.
	NewWithT(s.t).Expect(lines).To(HaveLen(controlPlanes + workers + 2))
	return strings.Join(lines[:len(lines)-1], "\n")
}

func (s *story) restartContainers() {
	s.t.Helper()
	acctest.Docker(s.t, append([]string{"restart", "--time=5"}, s.containers()...)...)
}

// expectRecovery waits until everything is as it was before a restart: nodes, etcd, the controllers.
func (s *story) expectRecovery(restarted time.Time) {
	s.t.Helper()
	NewWithT(s.t).Eventually(func(g Gomega) {
		workload, err := connect(s.kubeconfig)
		g.Expect(err).NotTo(HaveOccurred())
		s.expectNodes(controlPlanes+workers, oldVersion)(g, workload)
		mgmt := s.management(g)
		s.expectManagers(g, mgmt, restarted)
		list := &controlplanev1.KubeadmControlPlaneList{}
		g.Expect(mgmt.List(s.t.Context(), list)).To(Succeed())
		g.Expect(list.Items).To(HaveLen(1))
		for _, condition := range []string{
			controlplanev1.KubeadmControlPlaneAvailableCondition, controlplanev1.KubeadmControlPlaneEtcdClusterHealthyCondition,
			controlplanev1.KubeadmControlPlaneControlPlaneComponentsHealthyCondition,
		} {
			g.Expect(conditions.IsTrue(&list.Items[0], condition)).To(BeTrue(), condition)
		}
	}).WithTimeout(recoveryTime).WithPolling(2 * time.Second).Should(Succeed())
	s.t.Logf("Everything is as it was %s after the restart began.", time.Since(restarted).Round(time.Second))
}

// expectManagers checks that the four managers have come up since a restart. What their pods said before it stands in
// the API until their kubelet is up.
func (s *story) expectManagers(g Gomega, mgmt *management.Cluster, restarted time.Time) {
	pods := &corev1.PodList{}
	g.Expect(mgmt.List(s.t.Context(), pods, client.HasLabels{clusterv1.ProviderNameLabel})).To(Succeed())
	g.Expect(pods.Items).To(HaveLen(4))
	for _, pod := range pods.Items {
		g.Expect(pod.Status.ContainerStatuses).NotTo(BeEmpty(), pod.Name)
		for _, container := range pod.Status.ContainerStatuses {
			g.Expect(container.Ready).To(BeTrue(), pod.Name)
			g.Expect(container.State.Running).NotTo(BeNil(), pod.Name)
			g.Expect(container.State.Running.StartedAt.Time).To(BeTemporally(">=", restarted.Truncate(time.Second)), pod.Name)
		}
	}
}
