// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
	"sigs.k8s.io/cluster-api/util"
	"sigs.k8s.io/cluster-api/util/conditions"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/terraform-capi/terraform-provider-capi/internal/management"
	"github.com/terraform-capi/terraform-provider-capi/internal/management/kind"
)

const pollInterval = 250 * time.Millisecond

// Points that the summary is made of.
const (
	pointKindReady         = "nodes Ready"
	pointCluster           = "Cluster object"
	pointControlPlaneReady = "control plane nodes Ready"
	pointWorkersReady      = "worker nodes Ready"
	pointOldGone           = "old machines gone"
	// These two are what terraform reports. A cluster is created when it is Available.
	pointCreated = "capi_cluster.quickstart: create"
	pointDeleted = "capi_cluster.quickstart: delete"
)

// watch looks at the management cluster until ctx ends, and marks what it sees happen.
type watch func(ctx context.Context, mark func(string))

// facts are what a watch sees at one moment.
type facts struct {
	cluster  *clusterv1.Cluster
	machines []clusterv1.Machine
}

// milestone is something that is not yet, and then is.
type milestone struct {
	name    string
	reached func(facts) bool
}

func watchCreate(o options) watch {
	return watchMilestones([]milestone{
		{pointCluster, func(facts) bool { return true }},
		{"infrastructure (load balancer)", func(f facts) bool { return f.cluster.Status.Initialization.InfrastructureProvisioned != nil }},
		{"control plane initialized", func(f facts) bool { return f.cluster.Status.Initialization.ControlPlaneInitialized != nil }},
		{pointControlPlaneReady, func(f facts) bool { return f.ready(true, "") == o.controlPlanes }},
		{pointWorkersReady, func(f facts) bool { return f.ready(false, "") == o.workers }},
	})
}

func watchUpgrade(o options) watch {
	return watchMilestones([]milestone{
		{"control plane nodes of the new version Ready", func(f facts) bool { return f.ready(true, o.to) == o.controlPlanes }},
		{"worker nodes of the new version Ready", func(f facts) bool { return f.ready(false, o.to) == o.workers }},
		{pointOldGone, func(f facts) bool { return len(f.machines) == o.controlPlanes+o.workers && f.all(o.to) }},
	})
}

// ready counts machines of a role, and of a version unless that is empty, whose node is Ready.
func (f facts) ready(controlPlane bool, version string) int {
	count := 0
	for i := range f.machines {
		machine := &f.machines[i]
		if util.IsControlPlaneMachine(machine) == controlPlane && (version == "" || machine.Spec.Version == version) &&
			conditions.IsTrue(machine, clusterv1.MachineNodeReadyCondition) {
			count++
		}
	}
	return count
}

func (f facts) all(version string) bool {
	for _, machine := range f.machines {
		if machine.Spec.Version != version {
			return false
		}
	}
	return true
}

func watchMilestones(milestones []milestone) watch {
	return func(ctx context.Context, mark func(string)) {
		resolver := management.NewResolver(nil, kind.New())
		_ = wait.PollUntilContextCancel(ctx, pollInterval, true, func(ctx context.Context) (bool, error) {
			now, err := look(ctx, resolver)
			if err != nil {
				return false, nil //nolint:nilerr // there is nothing to see before the cluster exists
			}
			for len(milestones) > 0 && milestones[0].reached(now) {
				mark(milestones[0].name)
				milestones = milestones[1:]
			}
			return len(milestones) == 0, nil
		})
	}
}

func look(ctx context.Context, resolver *management.Resolver) (facts, error) {
	mgmt, err := resolver.Connect(ctx, management.KindID(managementName))
	if err != nil {
		return facts{}, err
	}
	cluster, machines := &clusterv1.Cluster{}, &clusterv1.MachineList{}
	if err := mgmt.Get(ctx, client.ObjectKey{Namespace: "default", Name: clusterName}, cluster); err != nil {
		return facts{}, err
	}
	if err := mgmt.List(ctx, machines, client.InNamespace(cluster.Namespace)); err != nil {
		return facts{}, fmt.Errorf("listing machines: %w", err)
	}
	return facts{cluster: cluster, machines: machines.Items}, nil
}
