// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package machine

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

// updateStatus derives all conditions from what the phases found. cause is the error that ended the reconcile.
func updateStatus(s *scope, cause error) error {
	setPausedCondition(s)
	if s.paused {
		return nil
	}
	setContainerProvisionedCondition(s, cause)
	setPreLoadedImagesReadyCondition(s, cause)
	setBootstrapCompletedCondition(s, cause)
	setSystemImagesAvailableCondition(s)
	return setReadyCondition(s)
}

func setPausedCondition(s *scope) {
	condition := metav1.Condition{Type: clusterv1.PausedCondition, Status: metav1.ConditionFalse, Reason: clusterv1.NotPausedReason}
	if s.paused {
		condition.Status, condition.Reason = metav1.ConditionTrue, clusterv1.PausedReason
		condition.Message = fmt.Sprintf("The Cluster or the %s is paused", s.dockerMachine.Kind)
	}
	conditions.Set(s.dockerMachine, condition)
}

func setContainerProvisionedCondition(s *scope, cause error) {
	found := s.provisioned
	switch {
	case failure.IsUnavailable(cause):
		found = unavailable(cause)
	case !s.dockerMachine.DeletionTimestamp.IsZero():
		found = notYet(infrav1.ContainerDeletingReason, failure.Message(cause, ""))
	case found == nil && cause != nil:
		found = notYet(failure.Reason(cause, infrav1.ContainerNotProvisionedReason), cause.Error())
	}
	set(s, infrav1.ContainerProvisionedCondition, found)
}

func setPreLoadedImagesReadyCondition(s *scope, cause error) {
	if len(s.dockerMachine.Spec.PreLoadImages) == 0 {
		return
	}
	found := s.preLoadedImages
	if failure.IsUnavailable(cause) && !conditions.IsTrue(s.dockerMachine, infrav1.PreLoadedImagesReadyCondition) {
		found = unavailable(cause)
	}
	set(s, infrav1.PreLoadedImagesReadyCondition, found)
}

func setBootstrapCompletedCondition(s *scope, cause error) {
	found := s.bootstrapped
	switch {
	case failure.IsUnavailable(cause) && !isSettled(s):
		found = unavailable(cause)
	case found == nil && s.provisioned != nil && s.provisioned.ok && cause != nil:
		found = notYet(infrav1.BootstrapNotCompletedReason, cause.Error())
	case found == nil && !conditions.Has(s.dockerMachine, infrav1.BootstrapCompletedCondition):
		found = notYet(infrav1.BootstrapWaitingForContainerReason, "")
	}
	set(s, infrav1.BootstrapCompletedCondition, found)
}

// isSettled tells whether the bootstrap is known to have succeeded or failed for good, whatever becomes of the engine.
func isSettled(s *scope) bool {
	reason := conditions.GetReason(s.dockerMachine, infrav1.BootstrapCompletedCondition)
	if s.bootstrapped != nil {
		reason = s.bootstrapped.reason
	}
	return reason == infrav1.BootstrapCompletedReason || reason == infrav1.BootstrapFailedReason
}

// setSystemImagesAvailableCondition leaves out the time in which images are compared again: that it is checked is
// no news.
func setSystemImagesAvailableCondition(s *scope) {
	switch {
	case s.bootstrapped != nil && s.bootstrapped.ok && s.systemImages == nil:
		conditions.Delete(s.dockerMachine, infrav1.SystemImagesAvailableCondition)
	case s.systemImages != nil && s.systemImages.unknown && conditions.Has(s.dockerMachine, infrav1.SystemImagesAvailableCondition):
	default:
		set(s, infrav1.SystemImagesAvailableCondition, s.systemImages)
	}
}

func setReadyCondition(s *scope) error {
	types := conditions.ForConditionTypes{infrav1.ContainerProvisionedCondition}
	if len(s.dockerMachine.Spec.PreLoadImages) > 0 {
		types = append(types, infrav1.PreLoadedImagesReadyCondition)
	}
	types = append(types, infrav1.BootstrapCompletedCondition)
	err := conditions.SetSummaryCondition(s.dockerMachine, s.dockerMachine, clusterv1.ReadyCondition, types,
		conditions.IgnoreTypesIfMissing{infrav1.PreLoadedImagesReadyCondition},
		conditions.CustomMergeStrategy{MergeStrategy: conditions.DefaultMergeStrategy(
			conditions.ComputeReasonFunc(conditions.GetDefaultComputeMergeReasonFunc(
				clusterv1.NotReadyReason, clusterv1.ReadyUnknownReason, clusterv1.ReadyReason)),
		)})
	if err != nil {
		return fmt.Errorf("summarising the conditions of the %s: %w", s.dockerMachine.Kind, err)
	}
	failure.SetReadyReason(s.dockerMachine, types...)
	return nil
}

// set sets a condition from a finding. Without one it stays as it is.
func set(s *scope, conditionType string, found *finding) {
	if found == nil {
		return
	}
	status := metav1.ConditionFalse
	switch {
	case found.ok:
		status = metav1.ConditionTrue
	case found.unknown:
		status = metav1.ConditionUnknown
	}
	conditions.Set(s.dockerMachine, metav1.Condition{
		Type: conditionType, Status: status, Reason: found.reason, Message: redact.Text(found.message),
	})
}

// patch stores what the reconcile changed. Conditions of this controller are its own, whoever wrote to them.
func (s *scope) patch(ctx context.Context, helper *patch.Helper) error {
	owned := patch.WithOwnedConditions{Conditions: []string{
		clusterv1.ReadyCondition,
		clusterv1.PausedCondition,
		infrav1.ContainerProvisionedCondition,
		infrav1.PreLoadedImagesReadyCondition,
		infrav1.BootstrapCompletedCondition,
		infrav1.SystemImagesAvailableCondition,
	}}
	if err := helper.Patch(ctx, s.object.TranslateBack(), owned); err != nil {
		return fmt.Errorf("patching the %s: %w", s.dockerMachine.Kind, err)
	}
	return nil
}
