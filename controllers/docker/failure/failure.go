// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

// Package failure reports errors of a reconcile in conditions. The reason tells those who wait whether the failure may pass or
// needs help.
package failure

import (
	"errors"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
	"sigs.k8s.io/cluster-api/util/conditions"

	infrav1 "github.com/terraform-capi/terraform-provider-capi/controllers/docker/api/v1beta2"
	"github.com/terraform-capi/terraform-provider-capi/controllers/docker/images"
	"github.com/terraform-capi/terraform-provider-capi/internal/container"
)

// Reason is the reason of a condition that is not true because of the error; otherwise is the one for errors of no
// particular kind.
func Reason(err error, otherwise string) string {
	var pull *images.PullError
	switch {
	case IsUnavailable(err):
		return infrav1.ContainerEngineUnavailableReason
	case errors.As(err, &pull) && pull.Missing:
		return infrav1.ImageNotFoundReason
	case errors.As(err, &pull):
		return infrav1.ImagePullFailedReason
	case errors.Is(err, container.ErrPortTaken):
		return infrav1.HostPortInUseReason
	case errors.Is(err, container.ErrAddressTaken):
		return infrav1.AddressInUseReason
	case errors.Is(err, container.ErrSubnetTaken):
		return infrav1.SubnetInUseReason
	case errors.Is(err, container.ErrRefused):
		return infrav1.ContainerRefusedReason
	}
	return otherwise
}

// IsUnavailable tells whether the error is that the container engine does not answer. A condition about a container is then
// neither true nor false.
func IsUnavailable(err error) bool { return errors.Is(err, container.ErrUnavailable) }

// Message is the message of a condition about work in progress. If the previous attempt failed, its error comes first.
func Message(err error, progress string) string {
	switch {
	case err == nil:
		return progress
	case progress == "":
		return err.Error()
	}
	return err.Error() + ". Trying again: " + progress
}

// SetReadyReason gives the condition Ready of an object that is not ready the reason of the first of the conditions that has its
// status. As their summary it would say no more than that, and it is what Cluster API copies to its own objects.
func SetReadyReason(object conditions.Setter, types ...string) {
	ready := conditions.Get(object, clusterv1.ReadyCondition)
	if ready == nil || ready.Status == metav1.ConditionTrue {
		return
	}
	for _, t := range types {
		if found := conditions.Get(object, t); found != nil && found.Status == ready.Status {
			ready.Reason = found.Reason
			conditions.Set(object, *ready)
			return
		}
	}
}
