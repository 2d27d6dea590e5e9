// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package failure_test

import (
	"errors"
	"fmt"
	"testing"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
	"sigs.k8s.io/cluster-api/util/conditions"

	infrav1 "github.com/terraform-capi/terraform-provider-capi/controllers/docker/api/v1beta2"
	"github.com/terraform-capi/terraform-provider-capi/controllers/docker/failure"
	"github.com/terraform-capi/terraform-provider-capi/controllers/docker/images"
	"github.com/terraform-capi/terraform-provider-capi/internal/container"
)

// The reason is found however deep the error is wrapped.
func TestReason(t *testing.T) {
	for want, err := range map[string]error{
		infrav1.ImageNotFoundReason:              &images.PullError{Missing: true, Err: errors.New("not found")},
		infrav1.ImagePullFailedReason:            &images.PullError{Err: errors.New("no such host")},
		infrav1.HostPortInUseReason:              container.ErrPortTaken,
		infrav1.AddressInUseReason:               container.ErrAddressTaken,
		infrav1.SubnetInUseReason:                container.ErrSubnetTaken,
		infrav1.ContainerRefusedReason:           container.ErrRefused,
		infrav1.ContainerEngineUnavailableReason: &images.PullError{Err: container.ErrUnavailable},
		"Otherwise":                              errors.New("no space left on device"),
	} {
		NewWithT(t).Expect(failure.Reason(fmt.Errorf("making the container: %w", err), "Otherwise")).To(Equal(want))
	}
}

func TestMessage(t *testing.T) {
	g := NewWithT(t)
	g.Expect(failure.Message(nil, "Pulling image")).To(Equal("Pulling image"))
	g.Expect(failure.Message(errors.New("broken"), "")).To(Equal("broken"))
	g.Expect(failure.Message(errors.New("broken"), "Pulling image")).To(Equal("broken. Trying again: Pulling image"))
}

// Ready takes the reason of the first condition that has its status, and keeps its own if it is true.
func TestSetReadyReason(t *testing.T) {
	first, second := infrav1.ContainerProvisionedCondition, infrav1.BootstrapCompletedCondition
	for name, test := range map[string]struct {
		ready, first metav1.ConditionStatus
		want         string
	}{
		"the first is false":   {metav1.ConditionFalse, metav1.ConditionFalse, "First"},
		"the first is unknown": {metav1.ConditionUnknown, metav1.ConditionUnknown, "First"},
		"the second is false":  {metav1.ConditionFalse, metav1.ConditionTrue, "Second"},
		"ready":                {metav1.ConditionTrue, metav1.ConditionFalse, "Own"},
	} {
		t.Run(name, func(t *testing.T) {
			machine := &infrav1.DockerMachine{}
			conditions.Set(machine, metav1.Condition{Type: clusterv1.ReadyCondition, Status: test.ready, Reason: "Own"})
			conditions.Set(machine, metav1.Condition{Type: first, Status: test.first, Reason: "First"})
			conditions.Set(machine, metav1.Condition{Type: second, Status: metav1.ConditionFalse, Reason: "Second"})
			failure.SetReadyReason(machine, first, second)
			NewWithT(t).Expect(conditions.GetReason(machine, clusterv1.ReadyCondition)).To(Equal(test.want))
		})
	}
}
