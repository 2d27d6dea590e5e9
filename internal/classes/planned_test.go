// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package classes

import (
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/types"
	. "github.com/onsi/gomega"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/terraform-capi/terraform-provider-capi/internal/session"
	"github.com/terraform-capi/terraform-provider-capi/internal/topology"
)

func TestForPlan(t *testing.T) {
	g := NewWithT(t)
	s := session.New(nil)
	key := client.ObjectKey{Namespace: "default", Name: "c"}
	class := func(label string) *topology.Blueprint {
		class := &clusterv1.ClusterClass{}
		class.Labels = map[string]string{"a": label}
		return &topology.Blueprint{Class: class}
	}
	first, second := class("first"), class("second")
	known, unknown := types.StringValue("kind://a"), types.StringUnknown()
	planned := func(s *session.Session, id types.String) Planned {
		return ForPlan(t.Context(), s, nil, id, key)
	}

	g.Expect(planned(s, known)).To(Equal(Planned{}), "before it was planned")
	Remember(s, known, key, Planned{Before: first, After: first, Changes: true})
	Remember(s, known, key, Planned{Before: first, After: second})
	g.Expect(planned(s, known)).To(Equal(Planned{Before: first, After: second}), "the later plan")
	g.Expect(planned(s, types.StringValue("kind://b"))).To(Equal(Planned{}), "another management cluster")
	g.Expect(planned(session.New(nil), known)).To(Equal(Planned{}), "another provider instance")

	Remember(s, unknown, key, Planned{After: first})
	g.Expect(planned(s, unknown)).To(Equal(Planned{After: first}))
	Remember(s, unknown, key, Planned{After: second})
	g.Expect(planned(s, unknown)).To(Equal(Planned{Changes: true}), "two that cannot be told apart")
}
