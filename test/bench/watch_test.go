// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"testing"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
	"sigs.k8s.io/cluster-api/util/conditions"
)

// Machines are ready when their nodes are, whatever else they say, and are told apart by role and version.
func TestReady(t *testing.T) {
	g := NewWithT(t)
	machine := func(controlPlane bool, version string, ready metav1.ConditionStatus) clusterv1.Machine {
		m := clusterv1.Machine{Spec: clusterv1.MachineSpec{Version: version}}
		if controlPlane {
			m.Labels = map[string]string{clusterv1.MachineControlPlaneLabel: ""}
		}
		conditions.Set(&m, metav1.Condition{Type: clusterv1.MachineReadyCondition, Status: metav1.ConditionTrue, Reason: "Test"})
		conditions.Set(&m, metav1.Condition{Type: clusterv1.MachineNodeReadyCondition, Status: ready, Reason: "Test"})
		return m
	}
	f := facts{machines: []clusterv1.Machine{
		machine(true, "v1.35.0", metav1.ConditionTrue), machine(true, "v1.34.3", metav1.ConditionTrue), machine(true, "v1.35.0", metav1.ConditionFalse),
		machine(false, "v1.34.3", metav1.ConditionTrue), {Spec: clusterv1.MachineSpec{Version: "v1.35.0"}},
	}}
	g.Expect(f.ready(true, "")).To(Equal(2))
	g.Expect(f.ready(true, "v1.35.0")).To(Equal(1))
	g.Expect(f.ready(false, "")).To(Equal(1))
	g.Expect(f.ready(false, "v1.35.0")).To(BeZero())
	g.Expect(f.all("v1.35.0")).To(BeFalse())
	g.Expect(facts{machines: f.machines[:1]}.all("v1.35.0")).To(BeTrue())
}
