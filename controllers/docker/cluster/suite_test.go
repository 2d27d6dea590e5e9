// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"os"
	"testing"

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
	"github.com/terraform-capi/terraform-provider-capi/controllers/docker/loadbalancer"
	"github.com/terraform-capi/terraform-provider-capi/controllers/docker/network"
	"github.com/terraform-capi/terraform-provider-capi/controllers/docker/variants"
	"github.com/terraform-capi/terraform-provider-capi/internal/container"
)

const configFile = "/usr/local/etc/haproxy/haproxy.cfg"

var ctx = context.Background()

func TestMain(m *testing.M) {
	ctrl.SetLogger(logr.Discard())
	os.Exit(m.Run())
}

// environment is a management cluster in memory with the infrastructure of one cluster, and an engine.
type environment struct {
	*WithT
	t          *testing.T
	client     client.Client
	engine     *container.Fake
	reconciler *Reconciler
}

// newEnvironment returns one with a DockerCluster.
func newEnvironment(t *testing.T, change func(*clusterv1.Cluster, *infrav1.DockerCluster), objects ...client.Object) *environment {
	t.Helper()
	return newEnvironmentOf(t, variants.DockerCluster, change, objects...)
}

// newEnvironmentOf returns one with infrastructure of that variant.
func newEnvironmentOf(t *testing.T, variant variants.Variant[*infrav1.DockerCluster], change func(*clusterv1.Cluster, *infrav1.DockerCluster), objects ...client.Object) *environment {
	t.Helper()
	e := &environment{WithT: NewWithT(t), t: t, engine: container.NewFake(loadbalancer.Image(infrav1.ImageMeta{}))}
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{corev1.AddToScheme, clusterv1.AddToScheme, variants.AddToScheme} {
		e.Expect(add(scheme)).To(Succeed())
	}
	cluster := &clusterv1.Cluster{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "test", UID: "cluster-uid"},
		Spec: clusterv1.ClusterSpec{InfrastructureRef: clusterv1.ContractVersionedObjectReference{
			APIGroup: variant.Group, Kind: variant.Kind, Name: "test-infra",
		}},
	}
	dockerCluster := &infrav1.DockerCluster{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: "default", Name: "test-infra", UID: "docker-cluster-uid",
			Labels: map[string]string{clusterv1.ClusterNameLabel: "test"},
			OwnerReferences: []metav1.OwnerReference{{
				APIVersion: clusterv1.GroupVersion.String(), Kind: "Cluster", Name: "test", UID: "cluster-uid",
			}},
		},
		Spec: infrav1.DockerClusterSpec{FailureDomains: []clusterv1.FailureDomain{{Name: "fd1", ControlPlane: ptr.To(true)}}},
	}
	if change != nil {
		change(cluster, dockerCluster)
	}
	e.client = fake.NewClientBuilder().WithScheme(scheme).
		WithStatusSubresource(&infrav1.DockerMachine{}, &infrav1.DockerCluster{}, &devv1.DevCluster{}, &devv1.DevMachine{}, &clusterv1.Machine{}, &clusterv1.Cluster{}).
		WithObjects(append(objects, cluster, infrastructure(variant, dockerCluster))...).Build()
	jobs, cancel := context.WithCancel(ctx)
	t.Cleanup(cancel)
	e.reconciler = &Reconciler{
		Variant: variant, Client: e.client, APIReader: e.client, Engine: e.engine, Jobs: background.NewJobs(jobs),
		Network:    &network.Network{Engine: e.engine, Name: "clusters"},
		Management: func(context.Context) (identity.Management, error) { return identity.Management{}, nil },
	}
	return e
}

// infrastructure is an object of that variant which asks for what the DockerCluster does.
func infrastructure(variant variants.Variant[*infrav1.DockerCluster], dockerCluster *infrav1.DockerCluster) client.Object {
	if variant.Kind == variants.DevCluster.Kind {
		return &devv1.DevCluster{ObjectMeta: dockerCluster.ObjectMeta, Spec: variants.ClusterSpecToDev(dockerCluster.Spec)}
	}
	return dockerCluster
}

func (e *environment) reconcile() (ctrl.Result, error) {
	return e.reconciler.Reconcile(ctx, ctrl.Request{NamespacedName: client.ObjectKey{Namespace: "default", Name: "test-infra"}})
}

func (e *environment) mustReconcile() {
	e.t.Helper()
	_, err := e.reconcile()
	e.Expect(err).NotTo(HaveOccurred())
}

func (e *environment) object() variants.Object[*infrav1.DockerCluster] {
	e.t.Helper()
	object, err := e.reconciler.Variant.Get(ctx, e.client, client.ObjectKey{Namespace: "default", Name: "test-infra"})
	e.Expect(err).NotTo(HaveOccurred())
	return object
}

func (e *environment) dockerCluster() *infrav1.DockerCluster {
	e.t.Helper()
	return e.object().Hub()
}

// loadBalancer is the name of the load balancer's container.
func (e *environment) loadBalancer() string {
	e.t.Helper()
	all, err := e.engine.List(ctx, map[string]string{identity.RoleLabel: identity.RoleLoadBalancer})
	e.Expect(err).NotTo(HaveOccurred())
	e.Expect(all).To(HaveLen(1))
	return all[0].Name
}

func (e *environment) expectCondition(conditionType string, status metav1.ConditionStatus, reason, message string) {
	e.t.Helper()
	condition := conditions.Get(e.dockerCluster(), conditionType)
	e.Expect(condition).NotTo(BeNil(), conditionType)
	e.Expect(*condition).To(And(
		HaveField("Status", status), HaveField("Reason", reason), HaveField("Message", ContainSubstring(message))))
}

// haproxyConfig is what the load balancer runs with.
func (e *environment) haproxyConfig() string {
	e.t.Helper()
	content, err := e.engine.ReadFile(ctx, e.loadBalancer(), configFile)
	e.Expect(err).NotTo(HaveOccurred())
	return string(content)
}

// controlPlaneMachine returns a Machine and its DockerMachine, with a running container.
func controlPlaneMachine(name string) (*clusterv1.Machine, *infrav1.DockerMachine) {
	labels := map[string]string{clusterv1.ClusterNameLabel: "test", clusterv1.MachineControlPlaneLabel: ""}
	return &clusterv1.Machine{
			ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name, Labels: labels, UID: types.UID(name), Finalizers: []string{"example.com/keep"}},
			Spec: clusterv1.MachineSpec{ClusterName: "test", InfrastructureRef: clusterv1.ContractVersionedObjectReference{
				APIGroup: infrav1.GroupVersion.Group, Kind: "DockerMachine", Name: name,
			}},
		}, &infrav1.DockerMachine{
			ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name, Labels: labels},
			Spec:       infrav1.DockerMachineSpec{ProviderID: "docker:////test-" + name},
		}
}
