// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package docker

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/utils/ptr"
	devv1 "sigs.k8s.io/cluster-api/test/infrastructure/docker/api/v1beta2"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"

	infrav1 "github.com/terraform-capi/terraform-provider-capi/controllers/docker/api/v1beta2"
	"github.com/terraform-capi/terraform-provider-capi/controllers/docker/background"
	"github.com/terraform-capi/terraform-provider-capi/controllers/docker/cluster"
	"github.com/terraform-capi/terraform-provider-capi/controllers/docker/identity"
	"github.com/terraform-capi/terraform-provider-capi/controllers/docker/loadbalancer"
	"github.com/terraform-capi/terraform-provider-capi/controllers/docker/machine"
	"github.com/terraform-capi/terraform-provider-capi/controllers/docker/network"
	"github.com/terraform-capi/terraform-provider-capi/controllers/docker/variants"
	"github.com/terraform-capi/terraform-provider-capi/internal/container"
)

const (
	worldImage  = "kindest/node:v1.35.0"
	worldName   = "a" // of the cluster in each namespace
	cloudConfig = "#cloud-config\nruncmd:\n- echo hello\n"
	resultFile  = "/usr/local/lib/terraform-capi/result"

	// foreignMachine has the bad luck that somebody has a container of its name.
	foreignMachine = "a-foreign"
	foreignName    = foreignMachine

	// kindNode is what the container of machine "worker" would be called, and the node of a KinD cluster is.
	kindNode = worldName + "-worker"

	// callTimeout is when a call that hangs is given up. Hanging is not what is tested, so it is short.
	callTimeout = 5 * time.Millisecond
)

// world is a management cluster and an engine in memory, with two clusters of the same name.
type world struct {
	*WithT
	t      *testing.T
	rand   *rand.Rand
	engine *container.Fake
	// plain is a client without faults.
	plain      client.Client
	faults     *faults
	namespaces []string
	foreign    container.Container

	clusters []*cluster.Reconciler
	infras   []*machine.Reconciler
	stop     context.CancelFunc

	// uids are those of all infrastructure objects that there ever were.
	uids map[string]bool
	// endpoints of the clusters, once published.
	endpoints map[string]string
}

func newWorld(t *testing.T, random *rand.Rand) *world {
	t.Helper()
	w := &world{
		WithT: NewWithT(t), t: t, rand: random, namespaces: []string{"one", "two"},
		engine: container.NewFake(worldImage, loadbalancer.Image(infrav1.ImageMeta{})),
		uids:   map[string]bool{}, endpoints: map[string]string{},
	}
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{corev1.AddToScheme, clusterv1.AddToScheme, AddToScheme} {
		w.Expect(add(scheme)).To(Succeed())
	}
	w.plain = fake.NewClientBuilder().WithScheme(scheme).WithStatusSubresource(
		&infrav1.DockerMachine{}, &infrav1.DockerCluster{}, &devv1.DevMachine{}, &devv1.DevCluster{}, &clusterv1.Machine{}, &clusterv1.Cluster{}).Build()
	w.faults = &faults{rand: rand.New(rand.NewPCG(random.Uint64(), 1))} //nolint:gosec // The same numbers for the same seed.
	w.engine.OnExec = w.exec
	w.Expect(w.engine.Create(t.Context(), container.Spec{Name: foreignName, Image: worldImage, RestartUnlessStopped: true})).To(Succeed())
	w.Expect(w.engine.Start(t.Context(), foreignName)).To(Succeed())
	foreign, err := w.container(foreignName)
	w.Expect(err).NotTo(HaveOccurred())
	w.foreign = foreign
	w.engine.BeforeCall, w.engine.AfterCall = w.faults.before, w.faults.after
	for i, namespace := range w.namespaces {
		w.createCluster(namespace, variants.Clusters[(int(random.Uint32())+i)%2])
		for _, name := range []string{"a-cp-1", "a-cp-2", "worker", foreignMachine} {
			w.createMachine(namespace, name, strings.Contains(name, "cp"))
		}
	}
	t.Cleanup(func() { w.stop() })
	w.restartControllers()
	return w
}

// restartControllers replaces the controllers with some that remember nothing.
func (w *world) restartControllers() {
	if w.stop != nil {
		w.stop()
	}
	ctx, stop := context.WithCancel(context.Background())
	w.stop = stop
	w.clusters, w.infras = nil, nil
	unreliable := w.faults.client(w.plain)
	clustersNetwork := &network.Network{Engine: w.engine, Name: "clusters", Clusters: w.plain}
	volumes := machine.NewVolumes(w.engine)
	management := func(context.Context) (identity.Management, error) { return identity.Management{UID: "management"}, nil }
	for _, variant := range variants.Clusters {
		w.clusters = append(w.clusters, &cluster.Reconciler{Variant: variant, Client: unreliable, APIReader: unreliable,
			Engine: w.engine, Jobs: background.NewJobs(ctx), Network: clustersNetwork, Management: management})
	}
	for _, variant := range variants.Machines {
		w.infras = append(w.infras, &machine.Reconciler{Variant: variant, Client: unreliable, APIReader: unreliable,
			Engine: w.engine, Jobs: background.NewJobs(ctx), Network: clustersNetwork, Volumes: volumes, Management: management})
	}
}

// exec runs commands in nodes: what waits for the bootstrap's result does, the others succeed.
func (w *world) exec(ctx context.Context, node string, exec container.Exec) (int, error) {
	if !strings.Contains(strings.Join(exec.Command, " "), "until [ -e "+resultFile) {
		return 0, nil
	}
	for {
		_, err := w.engine.ReadFile(context.WithValue(ctx, reliable{}, true), node, resultFile)
		if err == nil {
			return 0, nil
		}
		select {
		case <-ctx.Done():
			return 0, ctx.Err()
		case <-time.After(time.Millisecond):
		}
	}
}

func (w *world) reconcile(object client.Object) {
	ctx, cancel := context.WithTimeout(w.t.Context(), 10*callTimeout)
	defer cancel()
	request := ctrl.Request{NamespacedName: client.ObjectKeyFromObject(object)}
	for _, r := range w.clusters {
		_, _ = r.Reconcile(ctx, request)
	}
	for _, r := range w.infras {
		_, _ = r.Reconcile(ctx, request)
	}
	w.propagate()
}

// propagate does what Cluster API does with a cluster whose infrastructure is there.
func (w *world) propagate() {
	for _, namespace := range w.namespaces {
		owner := &clusterv1.Cluster{}
		if w.plain.Get(w.t.Context(), client.ObjectKey{Namespace: namespace, Name: worldName}, owner) != nil {
			continue
		}
		if infra := w.infraCluster(namespace); infra != nil && ptr.Deref(infra.Status.Initialization.Provisioned, false) {
			owner.Status.Initialization.InfrastructureProvisioned = ptr.To(true)
			w.Expect(w.plain.Status().Update(w.t.Context(), owner)).To(Succeed())
		}
	}
}

func (w *world) reconcileSome() {
	if objects := w.infrastructure(); len(objects) > 0 {
		w.reconcile(objects[w.rand.IntN(len(objects))])
	}
}

func (w *world) reconcileAll() {
	for _, object := range w.infrastructure() {
		w.reconcile(object)
	}
}

func (w *world) withSomeContainer(do func(name string)) {
	if all := w.containers(); len(all) > 0 {
		do(all[w.rand.IntN(len(all))].Name)
	}
}

func (w *world) replaceSomeMachine() {
	all := w.machines(w.namespaces[w.rand.IntN(len(w.namespaces))])
	if len(all) > 0 {
		w.replaceMachine(all[w.rand.IntN(len(all))])
	}
}

// replaceMachine deletes a machine and makes another one. Like names of Cluster API its name is new.
func (w *world) replaceMachine(m *clusterv1.Machine) {
	if m.Name == foreignMachine || !w.infraMachine(m).DeletionTimestamp.IsZero() {
		return
	}
	w.Expect(client.IgnoreNotFound(w.plain.Delete(w.t.Context(), w.storedMachine(m)))).To(Succeed())
	w.Expect(w.plain.Delete(w.t.Context(), m)).To(Succeed())
	_, controlPlane := m.Labels[clusterv1.MachineControlPlaneLabel]
	w.createMachine(m.Namespace, fmt.Sprintf("a-%08x", w.rand.Uint32()), controlPlane)
}

func (w *world) pauseOrResume() {
	owner := &clusterv1.Cluster{}
	key := client.ObjectKey{Namespace: w.namespaces[w.rand.IntN(len(w.namespaces))], Name: worldName}
	w.Expect(w.plain.Get(w.t.Context(), key, owner)).To(Succeed())
	owner.Spec.Paused = ptr.To(!ptr.Deref(owner.Spec.Paused, false))
	w.Expect(w.plain.Update(w.t.Context(), owner)).To(Succeed())
}

func (w *world) resume() {
	for _, namespace := range w.namespaces {
		owner := &clusterv1.Cluster{}
		w.Expect(w.plain.Get(w.t.Context(), client.ObjectKey{Namespace: namespace, Name: worldName}, owner)).To(Succeed())
		owner.Spec.Paused = nil
		w.Expect(w.plain.Update(w.t.Context(), owner)).To(Succeed())
	}
}

func (w *world) container(name string) (container.Container, error) {
	return w.engine.Inspect(context.WithValue(w.t.Context(), reliable{}, true), name)
}

// containers are those of the clusters.
func (w *world) containers() []container.Container {
	all, err := w.engine.List(context.WithValue(w.t.Context(), reliable{}, true), map[string]string{identity.MachineLabel: ""})
	w.Expect(err).NotTo(HaveOccurred())
	return all
}

// nodes are the containers of machines that run.
func (w *world) nodes() []container.Container {
	var nodes []container.Container
	for _, c := range w.containers() {
		if c.Running() && c.Labels[identity.MachineLabel] != "" {
			nodes = append(nodes, c)
		}
	}
	return nodes
}
