// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"os"
	"path/filepath"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/kind/pkg/apis/config/v1alpha4"
	"sigs.k8s.io/kind/pkg/cluster"
)

const (
	floorName  = "capi-bench-floor"
	readyLimit = 5 * time.Minute
)

// timeKind creates a cluster of the same nodes with KinD alone, waits until they are Ready, and deletes it: the floor
// for bringing up kubeadm nodes in containers on this machine.
func timeKind(ctx context.Context, o options) (point, error) {
	directory, err := os.MkdirTemp("", "capi-bench-")
	if err != nil {
		return point{}, err
	}
	defer os.RemoveAll(directory) //nolint:errcheck // a leftover in the temporary folder
	kubeconfig := filepath.Join(directory, "kubeconfig")

	config := &v1alpha4.Cluster{
		TypeMeta: v1alpha4.TypeMeta{APIVersion: "kind.x-k8s.io/v1alpha4", Kind: "Cluster"},
		// Kubelets from v1.35 on refuse cgroup v1 otherwise, and do not mind on cgroup v2.
		KubeadmConfigPatches: []string{"kind: KubeletConfiguration\napiVersion: kubelet.config.k8s.io/v1beta1\nfailCgroupV1: false\n"},
	}
	for range o.controlPlanes {
		config.Nodes = append(config.Nodes, v1alpha4.Node{Role: v1alpha4.ControlPlaneRole})
	}
	for range o.workers {
		config.Nodes = append(config.Nodes, v1alpha4.Node{Role: v1alpha4.WorkerRole})
	}
	provider := cluster.NewProvider(cluster.ProviderWithDocker())
	defer deleteFloor(context.WithoutCancel(ctx), provider, kubeconfig)
	start := time.Now()
	err = provider.Create(floorName,
		cluster.CreateWithV1Alpha4Config(config),
		cluster.CreateWithNodeImage("kindest/node:"+o.from),
		cluster.CreateWithKubeconfigPath(kubeconfig),
		cluster.CreateWithWaitForReady(readyLimit))
	return newPoint(pointKindReady, start, time.Now()), err
}

// deleteFloor deletes the cluster. A creation that fails returns while other nodes are still being made.
func deleteFloor(ctx context.Context, provider *cluster.Provider, kubeconfig string) {
	_ = wait.PollUntilContextTimeout(ctx, 2*time.Second, time.Minute, false, func(context.Context) (bool, error) {
		if err := provider.Delete(floorName, kubeconfig); err != nil {
			return false, nil //nolint:nilerr // The next attempt may succeed.
		}
		nodes, err := provider.ListNodes(floorName)
		return err == nil && len(nodes) == 0, nil
	})
}
