// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package docker

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"testing"

	. "github.com/onsi/gomega"
	"sigs.k8s.io/controller-runtime/pkg/client"

	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
	"sigs.k8s.io/cluster-api/util/conditions"

	infrav1 "github.com/terraform-capi/terraform-provider-capi/controllers/docker/api/v1beta2"
	"github.com/terraform-capi/terraform-provider-capi/controllers/docker/identity"
	"github.com/terraform-capi/terraform-provider-capi/controllers/docker/variants"
	"github.com/terraform-capi/terraform-provider-capi/internal/container"
)

var faultSeed = flag.Uint64("fault-seed", 0, "run TestFaults with this seed only")

const (
	faultSeeds = 8
	faultSteps = 120
	// recoveryRounds is how often everything may be reconciled, once nothing fails any more, until all is well.
	recoveryRounds = 60
)

// TestFaults lets two clusters of the same name live through a random sequence of what can happen: calls to the engine
// and to the API server that fail, hang, or take effect without an answer, and nodes, engines and controllers that go
// down. Nothing may be mixed up on the way; when it is over everything comes up by itself; and when the clusters are
// deleted, again with faults, nothing of them is left.
func TestFaults(t *testing.T) {
	for seed := uint64(1); seed <= faultSeeds; seed++ {
		if *faultSeed != 0 && seed != *faultSeed {
			continue
		}
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, rand.New(rand.NewPCG(seed, seed))) //nolint:gosec // The same numbers for the same seed.
			w.live()
			w.recover()
			w.expectOrder()
			w.perish()
			w.expectNothingLeft()
		})
	}
}

// live does random things while calls fail.
func (w *world) live() {
	w.faults.set(0.15)
	for range faultSteps {
		switch n := w.rand.IntN(100); {
		case n < 60:
			w.reconcileSome()
		case n < 75:
			w.endSomeBootstrap()
		case n < 82:
			w.restartControllers()
		case n < 88:
			w.withSomeContainer(w.engine.Stop)
		case n < 91:
			w.withSomeContainer(w.engine.Vanish)
		case n < 93:
			w.engine.Restart()
		case n < 94:
			w.engine.RemoveNetwork("clusters")
		case n < 97:
			w.replaceSomeMachine()
		default:
			w.pauseOrResume()
		}
		w.expectNothingMixedUp()
	}
	w.faults.set(0)
	w.resume()
}

// recover does what goes on by itself, and what a MachineHealthCheck does, until everything is ready.
func (w *world) recover() {
	for range recoveryRounds {
		w.reconcileAll()
		for _, node := range w.nodes() {
			w.endBootstrap(node, "exit=0\ncommand=\n\n")
		}
		w.replaceLostMachines()
		w.expectNothingMixedUp()
		if w.isReady() {
			return
		}
	}
	w.t.Fatalf("Not everything is ready after %d rounds: %s", recoveryRounds, w.describe())
}

// perish deletes everything in a random order while calls fail.
func (w *world) perish() {
	w.faults.set(0.15)
	objects := w.objects()
	w.rand.Shuffle(len(objects), func(i, j int) { objects[i], objects[j] = objects[j], objects[i] })
	for _, object := range objects {
		w.Expect(client.IgnoreNotFound(w.plain.Delete(w.t.Context(), object))).To(Succeed())
		w.reconcileSome()
		w.expectForeignContainer()
	}
	w.faults.set(0)
	for range recoveryRounds {
		w.reconcileAll()
	}
}

// expectNothingMixedUp checks what must hold at every moment.
func (w *world) expectNothingMixedUp() {
	w.t.Helper()
	w.expectForeignContainer()
	addresses := map[string]string{}
	for _, c := range w.containers() {
		w.Expect(addresses).NotTo(HaveKey(c.AssignedIPv4), "%s has the address of %s", c.Name, addresses[c.AssignedIPv4])
		addresses[c.AssignedIPv4] = c.Name
		w.Expect(w.uids).To(HaveKey(c.Labels[identity.ObjectUIDLabel]), "container %s belongs to nobody", c.Name)
		w.Expect(c.Name).NotTo(Equal(kindNode), "a KinD cluster of the name cannot be made")
	}
	for _, namespace := range w.namespaces {
		infra := w.infraCluster(namespace)
		endpoint := fmt.Sprint(infra.Spec.ControlPlaneEndpoint, infra.Annotations[infrav1.HostEndpointAnnotation])
		if infra.Spec.ControlPlaneEndpoint.Host == "" {
			continue
		}
		if before, known := w.endpoints[namespace]; known {
			w.Expect(endpoint).To(Equal(before), "the endpoint of a cluster is for life")
		}
		w.endpoints[namespace] = endpoint
	}
}

// expectForeignContainer checks that a container that only has the name of a machine was left alone.
func (w *world) expectForeignContainer() {
	w.t.Helper()
	found, err := w.container(foreignName)
	w.Expect(err).NotTo(HaveOccurred())
	w.Expect(found.ID).To(Equal(w.foreign.ID))
	w.Expect(found.Running()).To(BeTrue())
}

// expectOrder checks that every machine has its own container, and that each load balancer knows the control plane.
func (w *world) expectOrder() {
	w.t.Helper()
	for _, namespace := range w.namespaces {
		var servers []string
		for _, m := range w.machines(namespace) {
			infra := w.infraMachine(m)
			name := identity.ContainerName(infra.Spec.ProviderID)
			if m.Name == foreignMachine {
				w.Expect(conditions.Get(infra, infrav1.ContainerProvisionedCondition)).To(
					HaveField("Reason", infrav1.ContainerNameTakenReason))
				continue
			}
			found, err := w.container(name)
			w.Expect(err).NotTo(HaveOccurred())
			w.Expect(found.Running()).To(BeTrue())
			w.Expect(found.IPv4).To(Equal(found.AssignedIPv4))
			w.Expect(found.Labels).To(HaveKeyWithValue(identity.ObjectUIDLabel, string(infra.UID)))
			if _, ok := m.Labels[clusterv1.MachineControlPlaneLabel]; ok {
				servers = append(servers, "server "+name+" ")
			}
		}
		loadBalancers, err := w.engine.List(w.t.Context(), map[string]string{
			identity.NamespaceLabel: namespace, identity.RoleLabel: identity.RoleLoadBalancer,
		})
		w.Expect(err).NotTo(HaveOccurred())
		w.Expect(loadBalancers).To(HaveLen(1))
		content, err := w.engine.ReadFile(w.t.Context(), loadBalancers[0].Name, "/usr/local/etc/haproxy/haproxy.cfg")
		w.Expect(err).NotTo(HaveOccurred())
		for _, server := range servers {
			w.Expect(string(content)).To(ContainSubstring(server))
		}
	}
}

func (w *world) expectNothingLeft() {
	w.t.Helper()
	for _, list := range []client.ObjectList{variants.DockerMachine.NewList(), variants.DevMachine.NewList(), variants.DockerCluster.NewList(), variants.DevCluster.NewList()} {
		w.Expect(w.plain.List(w.t.Context(), list)).To(Succeed())
		w.Expect(list).To(HaveField("Items", BeEmpty()))
	}
	w.Expect(w.containers()).To(BeEmpty())
	w.expectForeignContainer()
}

// endSomeBootstrap lets the commands in some node end, now and then badly.
func (w *world) endSomeBootstrap() {
	nodes := w.nodes()
	if len(nodes) == 0 {
		return
	}
	result := "exit=0\ncommand=\n\n"
	if w.rand.IntN(5) == 0 {
		result = "exit=1\ncommand=kubeadm join\n\nno route to host\n"
	}
	w.endBootstrap(nodes[w.rand.IntN(len(nodes))], result)
}

func (w *world) endBootstrap(node container.Container, result string) {
	if _, err := w.engine.ReadFile(context.WithValue(w.t.Context(), reliable{}, true), node.Name, resultFile); err != nil {
		w.engine.WriteFile(node.Name, resultFile, []byte(result))
	}
}

// replaceLostMachines replaces machines whose node cannot come up any more.
func (w *world) replaceLostMachines() {
	for _, namespace := range w.namespaces {
		for _, m := range w.machines(namespace) {
			infra := w.infraMachine(m)
			if reasonOf(infra, infrav1.ContainerProvisionedCondition) == infrav1.ContainerMissingReason ||
				reasonOf(infra, infrav1.BootstrapCompletedCondition) == infrav1.BootstrapFailedReason {
				w.replaceMachine(m)
			}
		}
	}
}

func reasonOf(machine *infrav1.DockerMachine, condition string) string {
	if found := conditions.Get(machine, condition); found != nil {
		return found.Reason
	}
	return ""
}

// isReady tells whether everything is that can be: a machine whose name somebody else has taken never is.
func (w *world) isReady() bool {
	for _, namespace := range w.namespaces {
		if !conditions.IsTrue(w.infraCluster(namespace), clusterv1.ReadyCondition) {
			return false
		}
		for _, m := range w.machines(namespace) {
			if m.Name != foreignMachine && !conditions.IsTrue(w.infraMachine(m), clusterv1.ReadyCondition) {
				return false
			}
		}
	}
	return true
}

// describe says what is not ready.
func (w *world) describe() string {
	var text string
	for _, namespace := range w.namespaces {
		text += fmt.Sprintf("\n%s: %+v", namespace, w.infraCluster(namespace).Status.Conditions)
		for _, m := range w.machines(namespace) {
			text += fmt.Sprintf("\n%s/%s: %+v", namespace, m.Name, w.infraMachine(m).Status.Conditions)
		}
	}
	return text
}
