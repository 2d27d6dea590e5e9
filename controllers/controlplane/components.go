// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package controlplane

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/util/workqueue"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/source"

	"sigs.k8s.io/cluster-api/controllers/clustercache"
)

// componentsWatch is the name of the watch in the ClusterCache.
const componentsWatch = "kubeadmcontrolplane-components"

// componentsCache is a ClusterCache whose cluster source also yields a cluster when a component of its control plane
// (API server, controller manager, scheduler, etcd) becomes ready or ceases to be.
//
// Upstream's reconciler asks for the components every 15 to 20 seconds instead, because watching pods is expensive.
// But its cache has these pods, and no others, already, so watching them costs nothing. The reconciler waits for them
// before each machine that it adds to a control plane or replaces in one, and before it calls a new one available.
type componentsCache struct {
	clustercache.ClusterCache
}

// GetClusterSource implements clustercache.ClusterCache.
func (c componentsCache) GetClusterSource(controllerName string, mapFunc func(context.Context, client.Object) []ctrl.Request, opts ...clustercache.GetClusterSourceOption) source.Source {
	var components componentsWatcher
	clusters := c.ClusterCache.GetClusterSource(controllerName, func(ctx context.Context, cluster client.Object) []ctrl.Request {
		c.watch(ctx, cluster, components, mapFunc)
		return mapFunc(ctx, cluster)
	}, opts...)
	return source.Func(func(ctx context.Context, queue workqueue.TypedRateLimitingInterface[ctrl.Request]) error {
		components = componentsWatcher{ctx: ctx, queue: queue}
		return clusters.Start(ctx, queue)
	})
}

// watch makes sure that the components of a cluster are watched. Clusters come here whenever a connection to them is
// made, and a watch lives as long as the connection.
func (c componentsCache) watch(ctx context.Context, cluster client.Object, components componentsWatcher, mapFunc func(context.Context, client.Object) []ctrl.Request) {
	err := c.Watch(ctx, client.ObjectKeyFromObject(cluster), clustercache.NewWatcher(clustercache.WatcherOptions{
		Name:    componentsWatch,
		Watcher: components,
		Kind:    &corev1.Pod{},
		EventHandler: handler.EnqueueRequestsFromMapFunc(func(ctx context.Context, _ client.Object) []ctrl.Request {
			return mapFunc(ctx, cluster)
		}),
		Predicates: []predicate.TypedPredicate[client.Object]{predicate.Funcs{UpdateFunc: readinessChanged}},
	}))
	if err != nil {
		// The reconciler's own requeues remain.
		ctrl.LoggerFrom(ctx).V(4).Info("The components of the control plane are not watched", "reason", err.Error())
	}
}

// readinessChanged tells whether a pod became ready or ceased to be.
func readinessChanged(e event.UpdateEvent) bool {
	return isReady(e.ObjectOld) != isReady(e.ObjectNew)
}

func isReady(obj client.Object) bool {
	pod, ok := obj.(*corev1.Pod)
	if !ok {
		return false
	}
	for _, condition := range pod.Status.Conditions {
		if condition.Type == corev1.PodReady {
			return condition.Status == corev1.ConditionTrue
		}
	}
	return false
}

// componentsWatcher starts sources of a workload cluster on the reconciler's queue.
type componentsWatcher struct {
	// ctx is the controller's, which the sources live as long as.
	ctx   context.Context //nolint:containedctx // The watcher's interface has none.
	queue workqueue.TypedRateLimitingInterface[ctrl.Request]
}

// Watch implements clustercache.SourceWatcher.
func (w componentsWatcher) Watch(src source.Source) error {
	return src.Start(w.ctx, w.queue)
}
