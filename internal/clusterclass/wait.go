// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package clusterclass

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/terraform-capi/terraform-provider-capi/internal/classes"
	"github.com/terraform-capi/terraform-provider-capi/internal/management"
	"github.com/terraform-capi/terraform-provider-capi/internal/waiter"
)

// waitReconciled returns when Cluster API has accepted the class as it is now.
func waitReconciled(ctx context.Context, mgmt *management.Cluster, key client.ObjectKey) error {
	return waiter.Wait(ctx, func(ctx context.Context) (bool, string, error) {
		class := &clusterv1.ClusterClass{}
		if err := mgmt.Get(ctx, key, class); err != nil {
			return false, "", err
		}
		reason := pending(class)
		return reason == "", reason, nil
	})
}

// pending says why the class is not usable yet, one reason a line. It is empty if
// the class is.
func pending(class *clusterv1.ClusterClass) string {
	var reasons []string
	if class.Status.ObservedGeneration < class.Generation {
		reasons = append(reasons, "the controllers of Cluster API have not finished with the last change")
	}
	variables := meta.FindStatusCondition(class.Status.Conditions, clusterv1.ClusterClassVariablesReadyCondition)
	if variables == nil || variables.Status != metav1.ConditionTrue {
		reasons = append(reasons, describe(clusterv1.ClusterClassVariablesReadyCondition, variables))
	}
	// References to an old version of a template's API still work.
	refs := meta.FindStatusCondition(class.Status.Conditions, clusterv1.ClusterClassRefVersionsUpToDateCondition)
	if refs != nil && refs.Status != metav1.ConditionTrue && refs.Reason != clusterv1.ClusterClassRefVersionsNotUpToDateReason {
		reasons = append(reasons, describe(clusterv1.ClusterClassRefVersionsUpToDateCondition, refs))
	}
	if len(reasons) == 0 {
		return ""
	}
	return "ClusterClass " + class.Name + ": " + strings.Join(reasons, "\nClusterClass "+class.Name+": ")
}

func describe(conditionType string, c *metav1.Condition) string {
	switch {
	case c == nil:
		return conditionType + " is not reported yet"
	case c.Message == "":
		return fmt.Sprintf("%s is %s (%s)", c.Type, c.Status, c.Reason)
	}
	return fmt.Sprintf("%s is %s (%s): %s", c.Type, c.Status, c.Reason, c.Message)
}

// deletionGrace is for how long a class waits for the deletion of a cluster to
// begin. Terraform deletes both at the same time if the cluster names its class by
// a literal, but not more than a few objects at once.
const deletionGrace = 10 * time.Second

// inUseError says that clusters use a class and that none of them is going away.
type inUseError struct{ clusters []string }

func (e *inUseError) Error() string { return strings.Join(e.clusters, "\n") }

// waitUnused returns when no Cluster uses the class any more. It does not wait for
// longer than the grace while none of them is being deleted: the error is then an
// *inUseError.
func waitUnused(ctx context.Context, mgmt *management.Cluster, key client.ObjectKey, grace time.Duration) error {
	lastDeletion := time.Now()
	return waiter.Wait(ctx, func(ctx context.Context) (bool, string, error) {
		clusters, err := classes.Users(ctx, mgmt, key)
		if err != nil {
			return false, "", err
		}
		var lines []string
		for i := range clusters {
			line := "Cluster " + client.ObjectKeyFromObject(&clusters[i]).String()
			if !clusters[i].DeletionTimestamp.IsZero() {
				line += ": is being deleted"
				lastDeletion = time.Now()
			}
			lines = append(lines, line)
		}
		slices.Sort(lines)
		if len(lines) > 0 && time.Since(lastDeletion) > grace {
			return false, "", &inUseError{lines}
		}
		return len(lines) == 0, strings.Join(lines, "\n"), nil
	})
}
