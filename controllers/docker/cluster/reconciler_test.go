// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"errors"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
	devv1 "sigs.k8s.io/cluster-api/test/infrastructure/docker/api/v1beta2"
	"sigs.k8s.io/cluster-api/util/conditions"

	infrav1 "github.com/terraform-capi/terraform-provider-capi/controllers/docker/api/v1beta2"
	"github.com/terraform-capi/terraform-provider-capi/controllers/docker/loadbalancer"
	"github.com/terraform-capi/terraform-provider-capi/controllers/docker/variants"
	"github.com/terraform-capi/terraform-provider-capi/internal/container"
)

func TestReconcileFromNothingToReady(t *testing.T) {
	for _, variant := range variants.Clusters {
		t.Run(variant.Kind, func(t *testing.T) { reconcileFromNothingToReady(newEnvironmentOf(t, variant, nil)) })
	}
}

func reconcileFromNothingToReady(e *environment) {
	e.mustReconcile()
	c := e.dockerCluster()
	e.Expect(c.Finalizers).To(ContainElement(infrav1.ClusterFinalizer))
	e.Expect(e.loadBalancer()).To(Equal("test-lb"))
	e.Expect(c.Spec.ControlPlaneEndpoint.Host).To(Equal(e.engine.Spec(e.loadBalancer()).IPv4))
	e.Expect(c.Spec.ControlPlaneEndpoint.Port).To(BeEquivalentTo(6443))
	if e.reconciler.Variant.Kind == variants.DockerCluster.Kind {
		e.Expect(c.Annotations).To(HaveKeyWithValue(infrav1.HostEndpointAnnotation, MatchRegexp(`^127\.0\.0\.1:2\d{4}$`)))
	}
	e.Expect(c.Status.Initialization.Provisioned).To(HaveValue(BeTrue()))
	e.Expect(c.Status.FailureDomains).To(Equal(c.Spec.FailureDomains))
	e.expectCondition(infrav1.LoadBalancerAvailableCondition, metav1.ConditionTrue, infrav1.LoadBalancerAvailableReason, "")
	e.expectCondition(clusterv1.ReadyCondition, metav1.ConditionTrue, clusterv1.ReadyReason, "")
	e.expectCondition(clusterv1.PausedCondition, metav1.ConditionFalse, clusterv1.NotPausedReason, "")

	e.mustReconcile()
	e.Expect(e.dockerCluster().Spec).To(Equal(c.Spec))
	e.Expect(e.dockerCluster().Annotations).To(Equal(c.Annotations))
}

// The machines of a control plane may be of either variant.
func TestServersFollowTheControlPlane(t *testing.T) {
	m1, d1 := controlPlaneMachine("cp-1")
	m2, d2 := controlPlaneMachine("cp-2")
	m2.Spec.InfrastructureRef.Kind = "DevMachine"
	dev2 := &devv1.DevMachine{ObjectMeta: d2.ObjectMeta, Spec: variants.MachineSpecToDev(d2.Spec)}
	e := newEnvironment(t, nil, m1, d1, m2, dev2)
	e.Expect(e.client.Get(ctx, client.ObjectKeyFromObject(dev2), dev2)).To(Succeed())
	version := dev2.ResourceVersion
	e.mustReconcile()
	e.Expect(e.haproxyConfig()).To(And(ContainSubstring("server test-cp-1 "), ContainSubstring("server test-cp-2 ")))
	e.Expect(e.client.Get(ctx, client.ObjectKeyFromObject(d1), d1)).To(Succeed())
	e.Expect(d1.Status.LoadBalancerConfigured).To(BeTrue())
	e.Expect(e.client.Get(ctx, client.ObjectKeyFromObject(dev2), dev2)).To(Succeed())
	e.Expect(dev2.ResourceVersion).To(Equal(version), "it has no field for it")

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
	for _, variant := range variants.Clusters {
		t.Run(variant.Kind, func(t *testing.T) {
			e := newEnvironmentOf(t, variant, func(c *clusterv1.Cluster, _ *infrav1.DockerCluster) { c.Spec.Paused = ptr.To(true) })
			e.mustReconcile()
			e.Expect(e.engine.Calls()).To(BeEmpty())
			e.expectCondition(clusterv1.PausedCondition, metav1.ConditionTrue, clusterv1.PausedReason, "the "+variant.Kind+" is paused")

			e = newEnvironmentOf(t, variant, func(_ *clusterv1.Cluster, c *infrav1.DockerCluster) {
				c.Annotations = map[string]string{clusterv1.ManagedByAnnotation: "me"}
			})
			e.mustReconcile()
			e.Expect(e.engine.Calls()).To(BeEmpty())
			e.Expect(e.dockerCluster().Status.Conditions).To(BeEmpty())
		})
	}
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
	e := newEnvironment(t, func(_ *clusterv1.Cluster, c *infrav1.DockerCluster) {
		c.Spec.LoadBalancer.ImageTag = "other"
		c.Spec.LoadBalancer.ImagePull = infrav1.ImagePull{
			SecretRef: &corev1.LocalObjectReference{Name: "registries"},
			Mirrors:   []infrav1.RegistryMirror{{Registry: "docker.io", Mirror: "mirror.example.com"}},
		}
	})
	e.engine.OnPull = func(image string, credentials *container.Credentials) error {
		if image != "mirror.example.com/kindest/haproxy:other" || credentials == nil || credentials.Username != "me" {
			return errors.New("denied")
		}
		return nil
	}
	pulled := func(reason, message string) error {
		t.Helper()
		for range 10 {
			if _, err := e.reconcile(); err != nil || conditions.IsTrue(e.dockerCluster(), infrav1.LoadBalancerAvailableCondition) {
				return err
			}
			e.expectCondition(infrav1.LoadBalancerAvailableCondition, metav1.ConditionFalse, reason, message)
			select {
			case <-e.reconciler.Jobs.Events():
			case <-time.After(5 * time.Second):
				t.Fatal("No job has asked for a reconcile.")
			}
		}
		return errors.New("still not pulled")
	}
	e.Expect(pulled(infrav1.LoadBalancerPullingImageReason, "Pulling image kindest/haproxy:other")).
		To(MatchError(ContainSubstring("cannot be pulled: reading the Secret of imagePull.secretRef")))
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "registries"}, Data: map[string][]byte{
		corev1.DockerConfigJsonKey: []byte(`{"auths": {"mirror.example.com": {"username": "you", "password": "p"}}}`),
	}}
	e.Expect(e.client.Create(context.Background(), secret)).To(Succeed())
	e.Expect(pulled(infrav1.ImagePullFailedReason, "reading the Secret")).
		To(MatchError(ContainSubstring("pulling image mirror.example.com/kindest/haproxy:other: denied")))
	secret.Data[corev1.DockerConfigJsonKey] = []byte(`{"auths": {"mirror.example.com": {"username": "me", "password": "p"}}}`)
	e.Expect(e.client.Update(context.Background(), secret)).To(Succeed())
	e.Expect(pulled(infrav1.ImagePullFailedReason, "denied")).To(Succeed())
}

func TestEndpointGivenByTheUser(t *testing.T) {
	for host, port := range map[string]int32{"my-api": 8443, "172.18.0.9": 6443} {
		t.Run(host, func(t *testing.T) {
			e := newEnvironment(t, func(_ *clusterv1.Cluster, c *infrav1.DockerCluster) {
				c.Spec.ControlPlaneEndpoint = infrav1.APIEndpoint{Host: host, Port: port}
			})
			e.mustReconcile()
			e.Expect(e.dockerCluster().Spec.ControlPlaneEndpoint).To(Equal(infrav1.APIEndpoint{Host: host, Port: port}))
			e.Expect(e.loadBalancer()).To(Equal("test-lb"), "the endpoint is not the container's name")
			e.Expect(e.engine.Spec(e.loadBalancer()).Ports).To(ConsistOf(HaveField("ContainerPort", int(port))))
		})
	}
}

func TestNameTaken(t *testing.T) {
	e := newEnvironment(t, nil)
	e.Expect(e.engine.Create(ctx, container.Spec{Name: "test-lb", Image: loadbalancer.Image(infrav1.ImageMeta{})})).To(Succeed())
	result, err := e.reconcile()
	e.Expect(err).NotTo(HaveOccurred())
	e.Expect(result.RequeueAfter).To(BeNumerically(">", 0))
	e.expectCondition(infrav1.LoadBalancerAvailableCondition, metav1.ConditionFalse, infrav1.LoadBalancerNameTakenReason, "docker rm -f -v test-lb")
}

// After a move to another management cluster the objects have other UIDs and no status.
func TestMoved(t *testing.T) {
	e := newEnvironment(t, nil)
	e.mustReconcile()
	before := e.dockerCluster()
	moved := before.DeepCopy()
	moved.UID, moved.CreationTimestamp = "another", metav1.NewTime(time.Now().Add(time.Second))
	moved.Status = infrav1.DockerClusterStatus{}
	e.Expect(e.client.Update(ctx, moved)).To(Succeed())
	e.mustReconcile()
	e.Expect(e.dockerCluster().Spec.ControlPlaneEndpoint).To(Equal(before.Spec.ControlPlaneEndpoint))
	e.Expect(e.dockerCluster().Annotations).To(Equal(before.Annotations))
	e.expectCondition(clusterv1.ReadyCondition, metav1.ConditionTrue, clusterv1.ReadyReason, "")
}

func TestDelete(t *testing.T) {
	for _, variant := range variants.Clusters {
		t.Run(variant.Kind, func(t *testing.T) { deleteCluster(newEnvironmentOf(t, variant, nil)) })
	}
}

func deleteCluster(e *environment) {
	e.mustReconcile()
	e.Expect(e.client.Delete(ctx, e.object().TranslateBack())).To(Succeed())
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
	_, err = e.reconciler.Variant.Get(ctx, e.client, client.ObjectKey{Namespace: "default", Name: "test-infra"})
	e.Expect(apierrors.IsNotFound(err)).To(BeTrue(), "the finalizer is gone, and the object with it")
	e.mustReconcile()
}

func TestEventToCluster(t *testing.T) {
	for _, variant := range variants.Clusters {
		t.Run(variant.Kind, func(t *testing.T) {
			e := newEnvironmentOf(t, variant, nil)
			e.mustReconcile()
			event := container.Event{Action: "die", Labels: e.engine.Spec(e.loadBalancer()).Labels}
			e.Expect(e.reconciler.eventToCluster(ctx, event)).To(ConsistOf(And(
				BeAssignableToTypeOf(variant.NewObject()), HaveField("ObjectMeta.Name", "test-infra"))))
			e.Expect(e.reconciler.eventToCluster(ctx, container.Event{Action: "die"})).To(BeEmpty())

			cluster := &clusterv1.Cluster{}
			e.Expect(e.client.Get(ctx, client.ObjectKey{Namespace: "default", Name: "test"}, cluster)).To(Succeed())
			cluster.Spec.InfrastructureRef.Kind = "Another"
			e.Expect(e.client.Update(ctx, cluster)).To(Succeed())
			e.Expect(e.reconciler.eventToCluster(ctx, event)).To(BeEmpty(), "it is another controller's")
		})
	}
}
