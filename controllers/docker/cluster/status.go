// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
	"sigs.k8s.io/cluster-api/util/conditions"
	"sigs.k8s.io/cluster-api/util/patch"

	infrav1 "github.com/terraform-capi/terraform-provider-capi/controllers/docker/api/v1beta2"
	"github.com/terraform-capi/terraform-provider-capi/controllers/docker/failure"
	"github.com/terraform-capi/terraform-provider-capi/internal/redact"
)

// updateStatus derives all conditions from what the reconcile found. cause is the error that ended it.
func updateStatus(s *scope, cause error) error {
	setPausedCondition(s)
	if s.paused {
		return nil
	}
	setLoadBalancerAvailableCondition(s, cause)
	err := conditions.SetSummaryCondition(s.dockerCluster, s.dockerCluster, clusterv1.ReadyCondition,
		conditions.ForConditionTypes{infrav1.LoadBalancerAvailableCondition},
		conditions.CustomMergeStrategy{MergeStrategy: conditions.DefaultMergeStrategy(
			conditions.ComputeReasonFunc(conditions.GetDefaultComputeMergeReasonFunc(
				clusterv1.NotReadyReason, clusterv1.ReadyUnknownReason, clusterv1.ReadyReason)),
		)})
	if err != nil {
		return fmt.Errorf("summarising the conditions of the %s: %w", s.dockerCluster.Kind, err)
	}
	failure.SetReadyReason(s.dockerCluster, infrav1.LoadBalancerAvailableCondition)
	return nil
}

func setPausedCondition(s *scope) {
	condition := metav1.Condition{Type: clusterv1.PausedCondition, Status: metav1.ConditionFalse, Reason: clusterv1.NotPausedReason}
	if s.paused {
		condition.Status, condition.Reason = metav1.ConditionTrue, clusterv1.PausedReason
		condition.Message = fmt.Sprintf("The Cluster or the %s is paused", s.dockerCluster.Kind)
	}
	conditions.Set(s.dockerCluster, condition)
}

func setLoadBalancerAvailableCondition(s *scope, cause error) {
	condition := metav1.Condition{Type: infrav1.LoadBalancerAvailableCondition, Status: metav1.ConditionFalse}
	switch {
	case failure.IsUnavailable(cause):
		condition.Status = metav1.ConditionUnknown
		condition.Reason, condition.Message = infrav1.ContainerEngineUnavailableReason, cause.Error()
	case !s.dockerCluster.DeletionTimestamp.IsZero():
		condition.Reason, condition.Message = infrav1.LoadBalancerDeletingReason, failure.Message(cause, "")
	case cause != nil:
		condition.Reason, condition.Message = failure.Reason(cause, infrav1.LoadBalancerNotAvailableReason), cause.Error()
	case s.waiting != "":
		condition.Reason, condition.Message = s.waiting, s.message
	default:
		condition.Status, condition.Reason = metav1.ConditionTrue, infrav1.LoadBalancerAvailableReason
	}
	condition.Message = redact.Text(condition.Message)
	conditions.Set(s.dockerCluster, condition)
}

// patch stores what the reconcile changed. Conditions of this controller are its own, whoever wrote to them.
func (s *scope) patch(ctx context.Context, helper *patch.Helper) error {
	owned := patch.WithOwnedConditions{Conditions: []string{
		clusterv1.ReadyCondition, clusterv1.PausedCondition, infrav1.LoadBalancerAvailableCondition,
	}}
	if err := helper.Patch(ctx, s.object.TranslateBack(), owned); err != nil {
		return fmt.Errorf("patching the %s: %w", s.dockerCluster.Kind, err)
	}
	return nil
}
