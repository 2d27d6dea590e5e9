// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package live

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

// Goal is what an apply waits for.
type Goal struct {
	Until Level
	// Noted are the generations of the machine sets that the plan announced to
	// roll, as they were before their class changed, by the sets' labels. A changed class leaves the
	// Cluster as it is: that its machine sets have been changed is all there is
	// to see of a rollout's beginning.
	Noted Generations
	Began time.Time
}

// Pending says what is missing, and nothing when the wait is over.
func (g Goal) Pending(f *Facts) string { return f.pendingAt(g.Until, g.Unbegun(f)) }

// Unbegun are the announced rollouts that Cluster API has not begun.
func (g Goal) Unbegun(f *Facts) []string {
	reconciled := meta.IsStatusConditionTrue(f.Cluster.Status.Conditions, clusterv1.ClusterTopologyReconciledCondition)
	if reconciled && time.Since(g.Began) >= rollGrace {
		return nil
	}
	var lines []string
	for _, set := range f.generations() {
		noted, announced := g.Noted[set.key]
		isAwaited := g.Until == LevelRollout || g.Until >= LevelControlPlane && set.key == controlPlaneLabel
		if announced && isAwaited && set.generation <= noted {
			lines = append(lines, set.object+": the announced rollout has not begun yet")
		}
	}
	return lines
}

// ErrBeingDeleted ends a wait: nothing more will come of the cluster.
var ErrBeingDeleted = errors.New("the cluster is being deleted")

// WaitFor returns when the cluster has come as far as is waited for. The error is
// errBeingDeleted if it is being deleted, and a *stuckError if it does not get on.
func WaitFor(ctx context.Context, mgmt *management.Cluster, key client.ObjectKey, w Goal) error {
	ctx = tflog.SetField(ctx, "cluster", key.String())
	began, last := time.Now(), lasting{}
	return waiter.Wait(ctx, func(ctx context.Context) (bool, string, error) {
		f, err := Observe(ctx, mgmt, key)
		if err != nil {
			return false, "", err
		}
		if !f.Cluster.DeletionTimestamp.IsZero() {
			return false, "", ErrBeingDeleted
		}
		pending := w.Pending(f)
		if failed := last.update(f.Failures(w.Until), time.Now()); failed != nil && pending != "" {
			return false, pending, &StuckError{Failure: *failed, Waited: time.Since(began)}
		}
		return pending == "", pending, nil
	})
}

// Generations are those of the sets of machines that the topology has made, by the sets' labels (topology.Set).
type Generations map[string]int64

// Generations are those that the sets were at.
func (f *Facts) Generations() Generations {
	all := Generations{}
	for _, set := range f.generations() {
		all[set.key] = set.generation
	}
	return all
}

// generation is which generation a set of machines is at.
type generation struct {
	// key is the label of the set in topology.
	key        string
	object     string
	generation int64
}

// generations are those of the sets of machines that the topology has made.
func (f *Facts) generations() []generation {
	var list []generation
	if f.ControlPlane != nil {
		list = append(list, generation{controlPlaneLabel, strings.TrimSpace(f.ControlPlane.GetKind() + " " + f.ControlPlane.GetName()), f.ControlPlane.GetGeneration()})
	}
	for _, set := range f.WorkerSets() {
		if set.Name != "" {
			list = append(list, generation{set.label(), set.String(), set.Object.GetGeneration()})
		}
	}
	return list
}
