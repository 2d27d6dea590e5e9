// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package clusterclass

import (
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/types"
	. "github.com/onsi/gomega"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/terraform-capi/terraform-provider-capi/internal/management"
	"github.com/terraform-capi/terraform-provider-capi/internal/topology"
)

func TestForPlan(t *testing.T) {
	g := NewWithT(t)
	resolver := management.NewResolver(management.Connection{}, nil)
	key := client.ObjectKey{Namespace: "default", Name: "c"}
	class := func(label string) *topology.Blueprint {
		class := &clusterv1.ClusterClass{}
		class.Labels = map[string]string{"a": label}
		return &topology.Blueprint{Class: class}
	}
	first, second := class("first"), class("second")
	known, unknown := types.StringValue("kind://a"), types.StringUnknown()
	planned := func(resolver *management.Resolver, id types.String) Planned {
		return ForPlan(t.Context(), resolver, nil, id, key)
	}

	g.Expect(planned(resolver, known)).To(Equal(Planned{}), "before it was planned")
	remember(resolver, known, key, Planned{Before: first, After: first, Changes: true})
	remember(resolver, known, key, Planned{Before: first, After: second})
	g.Expect(planned(resolver, known)).To(Equal(Planned{Before: first, After: second}), "the later plan")
	g.Expect(planned(resolver, types.StringValue("kind://b"))).To(Equal(Planned{}), "another management cluster")
	g.Expect(planned(management.NewResolver(management.Connection{}, nil), known)).To(Equal(Planned{}), "another provider instance")

	remember(resolver, unknown, key, Planned{After: first})
	g.Expect(planned(resolver, unknown)).To(Equal(Planned{After: first}))
	remember(resolver, unknown, key, Planned{After: second})
	g.Expect(planned(resolver, unknown)).To(Equal(Planned{Changes: true}), "two that cannot be told apart")
}
