// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

// Kindnet is the pod network of clusters whose nodes are containers on one Docker network. On each node it writes the
// CNI configuration for the node's own pod CIDRs, routes the other nodes' through their addresses, and masquerades what
// leaves the pod network.
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"os/signal"
	"syscall"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/clientcmd"
)

const (
	cniDirectory = "/etc/cni/net.d"
	kubeletConf  = "/etc/kubernetes/kubelet.conf"
	// retryAfter is how long to wait when the kernel refuses something, such as a route through a network that comes up.
	retryAfter = time.Second
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Getenv("NODE_NAME"), os.Getenv("POD_SUBNET")); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, nodeName, podSubnet string) error {
	if nodeName == "" {
		return fmt.Errorf("the variable NODE_NAME must name this node")
	}
	if err := masquerade(ctx, podSubnet); err != nil {
		return err
	}
	client, err := newClient()
	if err != nil {
		return err
	}
	changed := make(chan struct{}, 1)
	nodes, controller := watchNodes(client, changed)
	go controller.RunWithContext(ctx)
	if !cache.WaitForCacheSync(ctx.Done(), controller.HasSynced) {
		return ctx.Err()
	}
	for {
		if err := syncNode(nodeName, listNodes(nodes)); err != nil {
			log.Printf("Trying again in %s: %v", retryAfter, err)
			time.AfterFunc(retryAfter, func() { notify(changed) })
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil
		}
	}
}

// syncNode makes this node's CNI configuration and routes what the nodes' pod CIDRs ask for.
func syncNode(name string, nodes []*corev1.Node) error {
	for _, node := range nodes {
		if node.Name != name {
			continue
		}
		if len(node.Spec.PodCIDRs) == 0 {
			log.Printf("Waiting for node %s to be given a pod CIDR", name)
			break
		}
		if err := writeConfiguration(cniDirectory, node.Spec.PodCIDRs); err != nil {
			return err
		}
	}
	return syncRoutes(routesTo(name, nodes))
}

// newClient reaches the API server at the address that the kubelet uses, as this pod's service account.
func newClient() (rest.Interface, error) {
	config, err := rest.InClusterConfig()
	if err != nil {
		return nil, err
	}
	kubelet, err := clientcmd.LoadFromFile(kubeletConf)
	if err != nil {
		return nil, fmt.Errorf("find the API server in the kubelet's configuration: %w", err)
	}
	for _, cluster := range kubelet.Clusters {
		config.Host = cluster.Server
	}
	// Only the API group that is used: the complete clientset would make the image twice as large.
	scheme := runtime.NewScheme()
	if err := corev1.AddToScheme(scheme); err != nil {
		return nil, err
	}
	config.APIPath = "/api"
	config.GroupVersion = &schema.GroupVersion{Version: "v1"}
	config.NegotiatedSerializer = serializer.NewCodecFactory(scheme).WithoutConversion()
	return rest.RESTClientFor(config)
}

// watchNodes keeps a copy of all nodes and tells of every change.
func watchNodes(client cache.Getter, changed chan<- struct{}) (cache.Store, cache.Controller) {
	return cache.NewInformerWithOptions(cache.InformerOptions{
		ListerWatcher: cache.NewListWatchFromClient(client, "nodes", corev1.NamespaceAll, fields.Everything()),
		ObjectType:    &corev1.Node{},
		Handler: cache.ResourceEventHandlerFuncs{
			AddFunc:    func(any) { notify(changed) },
			UpdateFunc: func(any, any) { notify(changed) },
			DeleteFunc: func(any) { notify(changed) },
		},
	})
}

func notify(changed chan<- struct{}) {
	select {
	case changed <- struct{}{}:
	default: // somebody did already
	}
}

func listNodes(store cache.Store) []*corev1.Node {
	var nodes []*corev1.Node
	for _, object := range store.List() {
		if node, ok := object.(*corev1.Node); ok {
			nodes = append(nodes, node)
		}
	}
	return nodes
}
