// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package apifields_test

import (
	"strings"
	"testing"

	datasource "github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	. "github.com/onsi/gomega"

	"github.com/terraform-capi/terraform-provider-capi/internal/apifields"
)

// What is decoded for a resource has to fit into its data source as well.
func TestComputed(t *testing.T) {
	g := NewWithT(t)
	computed := apifields.Computed(attributes)
	g.Expect(computed).To(HaveLen(len(attributes)))
	for name, attribute := range attributes {
		g.Expect(computed[name].GetType().Equal(attribute.GetType())).To(BeTrue(), name)
		g.Expect(computed[name].IsComputed()).To(BeTrue(), name)
		g.Expect(computed[name].IsRequired() || computed[name].IsOptional()).To(BeFalse(), name)
	}
	topology, ok := computed["topology"].(datasource.SingleNestedAttribute)
	g.Expect(ok).To(BeTrue())
	g.Expect(topology.Attributes["class"].IsComputed()).To(BeTrue())
	g.Expect(topology.Attributes["machine_deployments"].GetMarkdownDescription()).To(ContainSubstring("The class."))
}

// What others may keep secret is marked, wherever it stands, and nothing else.
func TestComputedIsSensitive(t *testing.T) {
	g := NewWithT(t)
	topology, ok := apifields.Computed(attributes, "topology.class")["topology"].(datasource.SingleNestedAttribute)
	g.Expect(ok).To(BeTrue())
	g.Expect(topology.IsSensitive()).To(BeFalse())
	g.Expect(topology.Attributes["class"].IsSensitive()).To(BeTrue())
	g.Expect(topology.Attributes["machine_deployments"].IsSensitive()).To(BeFalse())
}

func TestComputedSaysNothingOfChanges(t *testing.T) {
	if len(apifields.Metadata("a thing").Attributes) == 0 {
		t.Fatal("the test is out of date: there are no attributes")
	}
	for name, attribute := range apifields.Metadata("a thing").Attributes {
		if !strings.Contains(attribute.GetMarkdownDescription(), "Changes are made in place") {
			t.Errorf("the test is out of date: %s says nothing of changes", name)
		}
	}
	for name, attribute := range apifields.Computed(apifields.Metadata("a thing").Attributes) {
		if strings.Contains(attribute.GetMarkdownDescription(), "Changes are made in place") {
			t.Errorf("%s can be changed", name)
		}
	}
}
