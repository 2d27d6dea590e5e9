// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/hashicorp/terraform-plugin-log/tflog"
	"k8s.io/apimachinery/pkg/api/meta"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/terraform-capi/terraform-provider-capi/internal/management"
	"github.com/terraform-capi/terraform-provider-capi/internal/waiter"
)

// rollGrace is how long Cluster API may take to begin a rollout that a changed
// class sets off, once it has reconciled the cluster's topology. After that it has
// found the change to be none.
const rollGrace = time.Minute

// wait is what an apply waits for.
type wait struct {
	until level
	// noted are the generations of the machine sets that the plan announced to
	// roll, as they were before their class changed, by the sets' labels. A changed class leaves the
	// Cluster as it is: that its machine sets have been changed is all there is
	// to see of a rollout's beginning.
	noted map[string]int64
	began time.Time
}

// pending says what is missing, and nothing when the wait is over.
func (w wait) pending(f *facts) string { return f.pendingAt(w.until, w.unbegun(f)) }

// unbegun are the announced rollouts that Cluster API has not begun.
func (w wait) unbegun(f *facts) []string {
	reconciled := meta.IsStatusConditionTrue(f.cluster.Status.Conditions, clusterv1.ClusterTopologyReconciledCondition)
	if reconciled && time.Since(w.began) >= rollGrace {
		return nil
	}
	var lines []string
	for _, set := range f.generations() {
		noted, announced := w.noted[set.key]
		isAwaited := w.until == levelRollout || w.until >= levelControlPlane && set.key == controlPlaneLabel
		if announced && isAwaited && set.generation <= noted {
			lines = append(lines, set.object+": the announced rollout has not begun yet")
		}
	}
	return lines
}

// errBeingDeleted ends a wait: nothing more will come of the cluster.
var errBeingDeleted = errors.New("the cluster is being deleted")

// waitFor returns when the cluster has come as far as is waited for. The error is
// errBeingDeleted if it is being deleted, and a *stuckError if it does not get on.
func waitFor(ctx context.Context, mgmt *management.Cluster, key client.ObjectKey, w wait) error {
	ctx = tflog.SetField(ctx, "cluster", key.String())
	began, last := time.Now(), lasting{}
	return waiter.Wait(ctx, func(ctx context.Context) (bool, string, error) {
		f, err := observe(ctx, mgmt, key)
		if err != nil {
			return false, "", err
		}
		if !f.cluster.DeletionTimestamp.IsZero() {
			return false, "", errBeingDeleted
		}
		pending := w.pending(f)
		if failed := last.update(f.failures(w.until), time.Now()); failed != nil && pending != "" {
			return false, pending, &stuckError{failure: *failed, waited: time.Since(began)}
		}
		return pending == "", pending, nil
	})
}

// generation is which generation a set of machines is at.
type generation struct {
	// key is the label of the set in topology.
	key        string
	object     string
	generation int64
}

// generations are those of the sets of machines that the topology has made.
func (f *facts) generations() []generation {
	var list []generation
	if f.controlPlane != nil {
		list = append(list, generation{controlPlaneLabel, strings.TrimSpace(f.controlPlane.GetKind() + " " + f.controlPlane.GetName()), f.controlPlane.GetGeneration()})
	}
	for _, set := range f.workerSets() {
		if set.name != "" {
			list = append(list, generation{set.label(), set.String(), set.object.GetGeneration()})
		}
	}
	return list
}
