// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package controlplane

import (
	"context"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	toolscache "k8s.io/client-go/tools/cache"
	"k8s.io/client-go/util/workqueue"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/cache/informertest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllertest"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/source"

	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
	"sigs.k8s.io/cluster-api/controllers/clustercache"
)

// workloadCache is a ClusterCache that is connected to one workload cluster, whose cache is in memory.
type workloadCache struct {
	clustercache.ClusterCache
	connects chan event.GenericEvent
	workload cache.Cache
	watches  []string
}

func (w *workloadCache) GetClusterSource(_ string, mapFunc func(context.Context, client.Object) []ctrl.Request, _ ...clustercache.GetClusterSourceOption) source.Source {
	return source.Channel(w.connects, handler.TypedEnqueueRequestsFromMapFunc(mapFunc))
}

func (w *workloadCache) Watch(_ context.Context, _ client.ObjectKey, watcher clustercache.Watcher) error {
	w.watches = append(w.watches, watcher.Name())
	return watcher.Watch(w.workload)
}

// podCache is a cache of pods only.
type podCache struct {
	informertest.FakeInformers
	pods *podInformer
}

func (c *podCache) GetInformer(context.Context, client.Object, ...cache.InformerGetOption) (cache.Informer, error) {
	return c.pods, nil
}

// podInformer says when it has a handler: sources add theirs in the background.
type podInformer struct {
	controllertest.FakeInformer
	watched chan struct{}
}

func (i *podInformer) AddEventHandlerWithOptions(handler toolscache.ResourceEventHandler, options toolscache.HandlerOptions) (toolscache.ResourceEventHandlerRegistration, error) {
	defer close(i.watched)
	return i.FakeInformer.AddEventHandlerWithOptions(handler, options)
}

func TestComponentsWakeTheReconciler(t *testing.T) {
	g := NewWithT(t)
	ctx := t.Context()
	pods := &podInformer{watched: make(chan struct{})}
	inner := &workloadCache{connects: make(chan event.GenericEvent), workload: &podCache{pods: pods}}
	controlPlane := ctrl.Request{NamespacedName: client.ObjectKey{Namespace: "default", Name: "cp"}}
	clusters := componentsCache{inner}.GetClusterSource("kubeadmcontrolplane", func(context.Context, client.Object) []ctrl.Request {
		return []ctrl.Request{controlPlane}
	})
	queue := &controllertest.Queue{TypedInterface: workqueue.NewTyped[ctrl.Request]()}
	g.Expect(clusters.Start(ctx, queue)).To(Succeed())
	taken := func() (request ctrl.Request) {
		request, _ = queue.Get()
		queue.Done(request)
		return request
	}

	inner.connects <- event.GenericEvent{Object: &clusterv1.Cluster{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "c"}}}
	g.Eventually(queue.Len).WithTimeout(5 * time.Second).Should(Equal(1))
	g.Expect(taken()).To(Equal(controlPlane), "upstream's own event still arrives")
	g.Expect(inner.watches).To(ConsistOf(componentsWatch))

	notReady, ready := component(corev1.ConditionFalse), component(corev1.ConditionTrue)
	g.Eventually(pods.watched).WithTimeout(5 * time.Second).Should(BeClosed())
	pods.Add(notReady)
	g.Eventually(queue.Len).WithTimeout(5 * time.Second).Should(Equal(1))
	g.Expect(taken()).To(Equal(controlPlane))

	pods.Update(notReady, component(corev1.ConditionFalse))
	g.Consistently(queue.Len).WithTimeout(200 * time.Millisecond).Should(BeZero())
	pods.Update(notReady, ready)
	g.Eventually(queue.Len).WithTimeout(5 * time.Second).Should(Equal(1))
	g.Expect(taken()).To(Equal(controlPlane))
}

func component(ready corev1.ConditionStatus) *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: "kube-system", Name: "kube-apiserver-x"},
		Status:     corev1.PodStatus{Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: ready}}},
	}
}
