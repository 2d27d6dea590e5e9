// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"errors"
	"os"
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
	"sigs.k8s.io/cluster-api/util/conditions"

	infrav1 "github.com/terraform-capi/terraform-provider-capi/controllers/docker/api/v1beta2"
	"github.com/terraform-capi/terraform-provider-capi/controllers/docker/background"
	"github.com/terraform-capi/terraform-provider-capi/controllers/docker/kinds"
	"github.com/terraform-capi/terraform-provider-capi/controllers/docker/loadbalancer"
	"github.com/terraform-capi/terraform-provider-capi/controllers/docker/network"
	"github.com/terraform-capi/terraform-provider-capi/internal/container"
)

const configFile = "/usr/local/etc/haproxy/haproxy.cfg"

var ctx = context.Background()

func TestMain(m *testing.M) {
	ctrl.SetLogger(logr.Discard())
	os.Exit(m.Run())
}

// environment is a management cluster in memory with one DockerCluster, and an engine.
type environment struct {
	*WithT
	t          *testing.T
	client     client.Client
	engine     *container.Fake
	reconciler *Reconciler
}

func newEnvironment(t *testing.T, change func(*clusterv1.Cluster, *infrav1.DockerCluster), objects ...client.Object) *environment {
	t.Helper()
	e := &environment{WithT: NewWithT(t), t: t, engine: container.NewFake(loadbalancer.Image(infrav1.ImageMeta{}))}
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{corev1.AddToScheme, clusterv1.AddToScheme, infrav1.AddToScheme} {
		e.Expect(add(scheme)).To(Succeed())
	}
	cluster := &clusterv1.Cluster{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "test", UID: "cluster-uid"}}
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
		WithStatusSubresource(&infrav1.DockerMachine{}, &infrav1.DockerCluster{}, &clusterv1.Machine{}, &clusterv1.Cluster{}).
		WithObjects(append(objects, cluster, dockerCluster)...).Build()
	jobs, cancel := context.WithCancel(ctx)
	t.Cleanup(cancel)
	e.reconciler = &Reconciler{
		Kind: kinds.DockerCluster, Client: e.client, APIReader: e.client, Runtime: e.engine, Network: &network.Network{Runtime: e.engine, Name: "clusters"}, Jobs: background.NewJobs(jobs),
	}
	return e
}

func (e *environment) reconcile() (ctrl.Result, error) {
	return e.reconciler.Reconcile(ctx, ctrl.Request{NamespacedName: client.ObjectKey{Namespace: "default", Name: "test-infra"}})
}

func (e *environment) mustReconcile() {
	e.t.Helper()
	_, err := e.reconcile()
	e.Expect(err).NotTo(HaveOccurred())
}

func (e *environment) dockerCluster() *infrav1.DockerCluster {
	e.t.Helper()
	c := &infrav1.DockerCluster{}
	e.Expect(e.client.Get(ctx, client.ObjectKey{Namespace: "default", Name: "test-infra"}, c)).To(Succeed())
	return c
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
	content, err := e.engine.ReadFile(ctx, e.dockerCluster().Spec.ControlPlaneEndpoint.Host, configFile)
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

func TestReconcileFromNothingToReady(t *testing.T) {
	e := newEnvironment(t, nil)
	e.mustReconcile()
	c := e.dockerCluster()
	e.Expect(c.Finalizers).To(ContainElement(infrav1.ClusterFinalizer))
	e.Expect(c.Spec.ControlPlaneEndpoint.Host).To(MatchRegexp("^test-lb-[0-9a-f]{5}$"))
	e.Expect(c.Spec.ControlPlaneEndpoint.Port).To(BeEquivalentTo(6443))
	e.Expect(c.Annotations).To(HaveKeyWithValue(infrav1.HostEndpointAnnotation, MatchRegexp(`^127\.0\.0\.1:2\d{4}$`)))
	e.Expect(c.Status.Initialization.Provisioned).To(HaveValue(BeTrue()))
	e.Expect(c.Status.FailureDomains).To(Equal(c.Spec.FailureDomains))
	e.expectCondition(infrav1.LoadBalancerAvailableCondition, metav1.ConditionTrue, infrav1.LoadBalancerAvailableReason, "")
	e.expectCondition(clusterv1.ReadyCondition, metav1.ConditionTrue, clusterv1.ReadyReason, "")
	e.expectCondition(clusterv1.PausedCondition, metav1.ConditionFalse, clusterv1.NotPausedReason, "")

	e.mustReconcile()
	e.Expect(e.dockerCluster().Spec).To(Equal(c.Spec))
	e.Expect(e.dockerCluster().Annotations).To(Equal(c.Annotations))
}

func TestServersFollowTheControlPlane(t *testing.T) {
	m1, d1 := controlPlaneMachine("cp-1")
	m2, d2 := controlPlaneMachine("cp-2")
	e := newEnvironment(t, nil, m1, d1, m2, d2)
	e.mustReconcile()
	e.Expect(e.haproxyConfig()).To(And(ContainSubstring("server test-cp-1 "), ContainSubstring("server test-cp-2 ")))
	e.Expect(e.client.Get(ctx, client.ObjectKeyFromObject(d1), d1)).To(Succeed())
	e.Expect(d1.Status.LoadBalancerConfigured).To(BeTrue())

	e.Expect(e.client.Delete(ctx, m1)).To(Succeed()) // Its finalizer keeps it.
	e.mustReconcile()
	e.Expect(e.haproxyConfig()).NotTo(ContainSubstring("server test-cp-1 "), "it gets no new requests")

	e.Expect(e.client.Delete(ctx, m2)).To(Succeed())
	e.mustReconcile()
	e.Expect(e.haproxyConfig()).To(ContainSubstring("server test-cp-2 "), "the API is needed to the end")
}

func TestMachinesWithoutContainerAreNoServers(t *testing.T) {
	m, d := controlPlaneMachine("cp-1")
	d.Spec.ProviderID = ""
	e := newEnvironment(t, nil, m, d)
	e.mustReconcile()
	e.Expect(e.haproxyConfig()).NotTo(ContainSubstring("server test-cp-1 "))
}

func TestPausedAndExternallyManaged(t *testing.T) {
	e := newEnvironment(t, func(c *clusterv1.Cluster, _ *infrav1.DockerCluster) { c.Spec.Paused = ptr.To(true) })
	e.mustReconcile()
	e.Expect(e.engine.Calls()).To(BeEmpty())
	e.expectCondition(clusterv1.PausedCondition, metav1.ConditionTrue, clusterv1.PausedReason, "")

	e = newEnvironment(t, func(_ *clusterv1.Cluster, c *infrav1.DockerCluster) {
		c.Annotations = map[string]string{clusterv1.ManagedByAnnotation: "me"}
	})
	e.mustReconcile()
	e.Expect(e.engine.Calls()).To(BeEmpty())
	e.Expect(e.dockerCluster().Status.Conditions).To(BeEmpty())
}

func TestWithoutOwner(t *testing.T) {
	e := newEnvironment(t, func(_ *clusterv1.Cluster, c *infrav1.DockerCluster) { c.OwnerReferences = nil })
	e.mustReconcile()
	e.Expect(e.engine.Calls()).To(BeEmpty())
}

func TestCustomTemplate(t *testing.T) {
	configMap := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "haproxy"}, Data: map[string]string{"value": "mine {{ .IPv6 }}"}}
	reference := func(c *clusterv1.Cluster, d *infrav1.DockerCluster) {
		c.Spec.ClusterNetwork.Pods.CIDRBlocks = []string{"fd00::/56"}
		d.Spec.LoadBalancer.CustomHAProxyConfigTemplateRef = &corev1.LocalObjectReference{Name: "haproxy"}
	}
	e := newEnvironment(t, reference, configMap)
	e.mustReconcile()
	e.Expect(e.haproxyConfig()).To(Equal("mine true"))

	e = newEnvironment(t, reference)
	_, err := e.reconcile()
	e.Expect(err).To(MatchError(ContainSubstring("customHAProxyConfigTemplateRef")))
	e.expectCondition(infrav1.LoadBalancerAvailableCondition, metav1.ConditionFalse, infrav1.LoadBalancerNotAvailableReason, "not found")
}

func TestPull(t *testing.T) {
	e := newEnvironment(t, func(_ *clusterv1.Cluster, c *infrav1.DockerCluster) { c.Spec.LoadBalancer.ImageTag = "other" })
	refuse := true
	e.engine.OnPull = func(string, *container.Credentials) error {
		if refuse {
			return errors.New("denied")
		}
		return nil
	}
	awaitJob := func() {
		select {
		case <-e.reconciler.Jobs.Events():
		case <-time.After(5 * time.Second):
			t.Fatal("No job has asked for a reconcile.")
		}
	}
	e.mustReconcile()
	e.expectCondition(infrav1.LoadBalancerAvailableCondition, metav1.ConditionFalse, infrav1.LoadBalancerPullingImageReason, "kindest/haproxy:other")
	awaitJob()
	_, err := e.reconcile()
	e.Expect(err).To(MatchError(ContainSubstring("cannot be pulled: denied")))
	refuse = false
	e.mustReconcile()
	awaitJob()
	e.mustReconcile()
	e.expectCondition(infrav1.LoadBalancerAvailableCondition, metav1.ConditionTrue, infrav1.LoadBalancerAvailableReason, "")
}

func TestEndpointGivenByTheUser(t *testing.T) {
	e := newEnvironment(t, func(_ *clusterv1.Cluster, c *infrav1.DockerCluster) {
		c.Spec.ControlPlaneEndpoint = infrav1.APIEndpoint{Host: "my-api", Port: 8443}
	})
	e.mustReconcile()
	e.Expect(e.engine.Spec("my-api").Ports).To(ConsistOf(HaveField("ContainerPort", 8443)))

	e = newEnvironment(t, func(_ *clusterv1.Cluster, c *infrav1.DockerCluster) {
		c.Spec.ControlPlaneEndpoint.Host = "172.18.0.9"
	})
	e.mustReconcile()
	e.Expect(e.dockerCluster().Spec.ControlPlaneEndpoint.Host).To(Equal("172.18.0.9"))
	e.Expect(e.engine.Calls()).To(ContainElement(MatchRegexp("^Create test-lb-[0-9a-f]{5}$")), "an address is no name")
}

func TestNameTaken(t *testing.T) {
	e := newEnvironment(t, func(_ *clusterv1.Cluster, c *infrav1.DockerCluster) { c.Spec.ControlPlaneEndpoint.Host = "taken" })
	e.Expect(e.engine.Create(ctx, container.Spec{Name: "taken", Image: loadbalancer.Image(infrav1.ImageMeta{})})).To(Succeed())
	result, err := e.reconcile()
	e.Expect(err).NotTo(HaveOccurred())
	e.Expect(result.RequeueAfter).To(BeNumerically(">", 0))
	e.expectCondition(infrav1.LoadBalancerAvailableCondition, metav1.ConditionFalse, infrav1.LoadBalancerNameTakenReason, "docker rm -f -v taken")
}

// After a move to another management cluster the objects have other UIDs and no status.
func TestMoved(t *testing.T) {
	e := newEnvironment(t, nil)
	e.mustReconcile()
	before := e.dockerCluster()
	moved := before.DeepCopy()
	moved.UID = "another"
	moved.Status = infrav1.DockerClusterStatus{}
	e.Expect(e.client.Update(ctx, moved)).To(Succeed())
	e.mustReconcile()
	e.Expect(e.dockerCluster().Spec.ControlPlaneEndpoint).To(Equal(before.Spec.ControlPlaneEndpoint))
	e.Expect(e.dockerCluster().Annotations).To(Equal(before.Annotations))
	e.expectCondition(clusterv1.ReadyCondition, metav1.ConditionTrue, clusterv1.ReadyReason, "")
}

func TestDelete(t *testing.T) {
	e := newEnvironment(t, nil)
	e.mustReconcile()
	e.Expect(e.client.Delete(ctx, e.dockerCluster())).To(Succeed())
	e.engine.BeforeCall = func(_ context.Context, method, _ string) error {
		if method == "Remove" {
			return errors.New("device is busy")
		}
		return nil
	}
	_, err := e.reconcile()
	e.Expect(err).To(MatchError("device is busy"))
	e.expectCondition(infrav1.LoadBalancerAvailableCondition, metav1.ConditionFalse, infrav1.LoadBalancerDeletingReason, "device is busy")

	e.engine.BeforeCall = nil
	e.mustReconcile()
	left, err := e.engine.List(ctx, nil)
	e.Expect(err).NotTo(HaveOccurred())
	e.Expect(left).To(BeEmpty())
	e.mustReconcile() // The DockerCluster is gone.
}

func TestEventToCluster(t *testing.T) {
	e := newEnvironment(t, func(c *clusterv1.Cluster, _ *infrav1.DockerCluster) {
		c.Spec.InfrastructureRef = clusterv1.ContractVersionedObjectReference{APIGroup: infrav1.GroupVersion.Group, Kind: "DockerCluster", Name: "test-infra"}
	})
	e.mustReconcile()
	labels := e.engine.Spec(e.dockerCluster().Spec.ControlPlaneEndpoint.Host).Labels
	e.Expect(e.reconciler.eventToCluster(ctx, container.Event{Action: "die", Labels: labels})).
		To(ConsistOf(HaveField("ObjectMeta.Name", "test-infra")))
	e.Expect(e.reconciler.eventToCluster(ctx, container.Event{Action: "die"})).To(BeEmpty())
}
