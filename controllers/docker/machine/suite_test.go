// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package machine

import (
	"context"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/go-logr/logr"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
	devv1 "sigs.k8s.io/cluster-api/test/infrastructure/docker/api/v1beta2"
	"sigs.k8s.io/cluster-api/util/conditions"

	infrav1 "github.com/terraform-capi/terraform-provider-capi/controllers/docker/api/v1beta2"
	"github.com/terraform-capi/terraform-provider-capi/controllers/docker/background"
	"github.com/terraform-capi/terraform-provider-capi/controllers/docker/identity"
	"github.com/terraform-capi/terraform-provider-capi/controllers/docker/network"
	"github.com/terraform-capi/terraform-provider-capi/controllers/docker/variants"
	"github.com/terraform-capi/terraform-provider-capi/internal/container"
)

const (
	node      = "test-cp-1"
	testImage = "kindest/node:v1.35.0"

	cloudConfig = "#cloud-config\nruncmd:\n- echo hello\n"
	resultFile  = "/usr/local/lib/terraform-capi/result"
)

var ctx = context.Background()

func TestMain(m *testing.M) {
	ctrl.SetLogger(logr.Discard())
	os.Exit(m.Run())
}

// environment is a management cluster in memory with one control plane machine, and an engine.
type environment struct {
	*WithT
	t          *testing.T
	client     client.Client
	engine     *container.Fake
	reconciler *Reconciler
	// variant of the machine's infrastructure.
	variant variants.Variant[*infrav1.DockerMachine]

	mu sync.Mutex
	// ended has a channel per node that ends the command by which its bootstrap is observed.
	ended map[string]chan struct{}
}

// newEnvironment returns one whose infrastructure is provisioned and whose bootstrap data is there. Objects replace
// those of the same kind and name.
func newEnvironment(t *testing.T, change ...func(*objects)) *environment {
	t.Helper()
	o := newObjects()
	for _, c := range change {
		c(o)
	}
	scheme := runtime.NewScheme()
	e := &environment{WithT: NewWithT(t), t: t, ended: map[string]chan struct{}{}}
	for _, add := range []func(*runtime.Scheme) error{corev1.AddToScheme, clusterv1.AddToScheme, variants.AddToScheme} {
		e.Expect(add(scheme)).To(Succeed())
	}
	e.client = fake.NewClientBuilder().WithScheme(scheme).
		WithStatusSubresource(&infrav1.DockerMachine{}, &infrav1.DockerCluster{}, &devv1.DevMachine{}, &devv1.DevCluster{}, &clusterv1.Machine{}, &clusterv1.Cluster{}).
		WithObjects(o.cluster, o.clusterInfrastructure(), o.machine, o.machineInfrastructure(), o.secret).
		Build()
	e.variant = variants.DockerMachine
	if o.machine.Spec.InfrastructureRef.Kind == variants.DevMachine.Kind {
		e.variant = variants.DevMachine
	}
	e.engine = container.NewFake(testImage)
	e.engine.OnExec = e.exec
	e.restart()
	return e
}

// restart replaces the controller with one that remembers nothing.
func (e *environment) restart() {
	jobs, cancel := context.WithCancel(ctx)
	e.t.Cleanup(cancel)
	e.reconciler = &Reconciler{
		Variant: e.variant, Client: e.client, APIReader: e.client, Engine: e.engine, Jobs: background.NewJobs(jobs),
		Network: &network.Network{Engine: e.engine, Name: "clusters"},
		Volumes: NewVolumes(e.engine),
		Management: func(context.Context) (identity.Management, error) {
			return identity.Management{UID: "management-uid", Node: "management-node"}, nil
		},
	}
}

// exec runs commands in nodes: those that wait for the bootstrap wait for finish, others succeed.
func (e *environment) exec(ctx context.Context, name string, exec container.Exec) (int, error) {
	if len(exec.Command) != 3 || exec.Command[2] != "until [ -e "+resultFile+" ]; do sleep 0.2; done" {
		return 0, nil
	}
	select {
	case <-e.waiter(name):
		return 0, nil
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}

func (e *environment) waiter(name string) chan struct{} {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.ended[name] == nil {
		e.ended[name] = make(chan struct{})
	}
	return e.ended[name]
}

// finish ends the bootstrap in a node with a result.
func (e *environment) finish(name, result string) {
	e.engine.WriteFile(name, resultFile, []byte(result))
	close(e.waiter(name))
}

func (e *environment) reconcile() (ctrl.Result, error) {
	return e.reconciler.Reconcile(ctx, ctrl.Request{NamespacedName: client.ObjectKey{Namespace: "default", Name: "dm-1"}})
}

func (e *environment) mustReconcile() ctrl.Result {
	e.t.Helper()
	result, err := e.reconcile()
	e.Expect(err).NotTo(HaveOccurred())
	return result
}

// awaitJob waits until a job asks for a reconcile.
func (e *environment) awaitJob() {
	e.t.Helper()
	select {
	case <-e.reconciler.Jobs.Events():
	case <-time.After(5 * time.Second):
		e.t.Fatal("No job has asked for a reconcile.")
	}
}

func (e *environment) object() variants.Object[*infrav1.DockerMachine] {
	e.t.Helper()
	object, err := e.variant.Get(ctx, e.client, client.ObjectKey{Namespace: "default", Name: "dm-1"})
	e.Expect(err).NotTo(HaveOccurred())
	return object
}

func (e *environment) dockerMachine() *infrav1.DockerMachine {
	e.t.Helper()
	return e.object().Hub()
}

// expectCondition checks a condition's status and reason, and that its message contains a text.
func (e *environment) expectCondition(conditionType string, status metav1.ConditionStatus, reason, message string) {
	e.t.Helper()
	condition := conditions.Get(e.dockerMachine(), conditionType)
	e.Expect(condition).NotTo(BeNil(), conditionType)
	e.Expect(*condition).To(And(
		HaveField("Status", status), HaveField("Reason", reason), HaveField("Message", ContainSubstring(message))))
}

// update changes an object of the environment, its status included.
func update[T client.Object](e *environment, obj T, name string, change func(T)) {
	e.t.Helper()
	e.Expect(e.client.Get(ctx, client.ObjectKey{Namespace: "default", Name: name}, obj)).To(Succeed())
	change(obj)
	status, ok := obj.DeepCopyObject().(client.Object)
	e.Expect(ok).To(BeTrue())
	e.Expect(e.client.Update(ctx, obj)).To(Succeed())
	status.SetResourceVersion(obj.GetResourceVersion())
	e.Expect(e.client.Status().Update(ctx, status)).To(Succeed())
}

// forEachVariant runs a test in environments with machines and clusters of all variants, which may be mixed.
func forEachVariant(t *testing.T, test func(*environment), change ...func(*objects)) {
	t.Helper()
	for _, machine := range variants.Machines {
		for _, cluster := range variants.Clusters {
			t.Run(machine.Kind+" and "+cluster.Kind, func(t *testing.T) {
				test(newEnvironment(t, append(change, func(o *objects) {
					o.machine.Spec.InfrastructureRef.Kind = machine.Kind
					o.cluster.Spec.InfrastructureRef.Kind = cluster.Kind
				})...))
			})
		}
	}
}

// objects of an environment. Of which variant the infrastructure is stored is what the references to it say.
type objects struct {
	cluster       *clusterv1.Cluster
	dockerCluster *infrav1.DockerCluster
	machine       *clusterv1.Machine
	dockerMachine *infrav1.DockerMachine
	secret        *corev1.Secret
}

func (o *objects) clusterInfrastructure() client.Object {
	if o.cluster.Spec.InfrastructureRef.Kind == variants.DevCluster.Kind {
		return &devv1.DevCluster{ObjectMeta: o.dockerCluster.ObjectMeta, Spec: variants.ClusterSpecToDev(o.dockerCluster.Spec)}
	}
	return o.dockerCluster
}

func (o *objects) machineInfrastructure() client.Object {
	if o.machine.Spec.InfrastructureRef.Kind == variants.DevMachine.Kind {
		return &devv1.DevMachine{ObjectMeta: o.dockerMachine.ObjectMeta, Spec: variants.MachineSpecToDev(o.dockerMachine.Spec)}
	}
	return o.dockerMachine
}

func newObjects() *objects {
	meta := func(name, uid string) metav1.ObjectMeta {
		return metav1.ObjectMeta{
			Namespace: "default", Name: name, UID: types.UID(uid),
			Labels: map[string]string{clusterv1.ClusterNameLabel: "test"},
		}
	}
	o := &objects{
		cluster: &clusterv1.Cluster{
			ObjectMeta: meta("test", "cluster-uid"),
			Spec: clusterv1.ClusterSpec{
				InfrastructureRef: clusterv1.ContractVersionedObjectReference{
					APIGroup: infrav1.GroupVersion.Group, Kind: "DockerCluster", Name: "test",
				},
				ClusterNetwork: clusterv1.ClusterNetwork{Pods: clusterv1.NetworkRanges{CIDRBlocks: []string{"10.10.0.0/16"}}},
			},
			Status: clusterv1.ClusterStatus{
				Initialization: clusterv1.ClusterInitializationStatus{InfrastructureProvisioned: ptr.To(true)},
			},
		},
		dockerCluster: &infrav1.DockerCluster{
			ObjectMeta: meta("test", "docker-cluster-uid"),
			Spec:       infrav1.DockerClusterSpec{ControlPlaneEndpoint: infrav1.APIEndpoint{Host: "test-lb-12345", Port: 6443}},
		},
		machine: &clusterv1.Machine{
			ObjectMeta: meta("cp-1", "machine-uid"),
			Spec: clusterv1.MachineSpec{
				ClusterName: "test", Version: "v1.35.0", FailureDomain: "fd1",
				Bootstrap: clusterv1.Bootstrap{DataSecretName: ptr.To("data")},
				InfrastructureRef: clusterv1.ContractVersionedObjectReference{
					APIGroup: infrav1.GroupVersion.Group, Kind: "DockerMachine", Name: "dm-1",
				},
			},
		},
		dockerMachine: &infrav1.DockerMachine{ObjectMeta: meta("dm-1", "docker-machine-uid")},
		secret: &corev1.Secret{
			ObjectMeta: meta("data", "secret-uid"),
			Data:       map[string][]byte{"format": []byte("cloud-config"), "value": []byte(cloudConfig)},
		},
	}
	o.machine.Labels[clusterv1.MachineControlPlaneLabel] = ""
	o.dockerMachine.OwnerReferences = []metav1.OwnerReference{{
		APIVersion: clusterv1.GroupVersion.String(), Kind: "Machine", Name: "cp-1", UID: "machine-uid",
	}}
	return o
}
