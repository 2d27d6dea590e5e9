// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package topology

import (
	"testing"

	. "github.com/onsi/gomega"
)

func TestRender(t *testing.T) {
	g := NewWithT(t)
	before, problems := Render(t.Context(), quickStart(t), quickStartCluster(), nil)
	g.Expect(problems).To(BeEmpty())
	after, problems := Render(t.Context(), quickStart(t), quickStartCluster(), before)
	g.Expect(problems).To(BeEmpty())
	g.Expect(Compare(before, after)).To(BeEmpty())
}

func BenchmarkRender(b *testing.B) {
	blueprint, cluster := quickStart(b), quickStartCluster()
	before, problems := Render(b.Context(), blueprint, cluster, nil)
	if len(problems) > 0 {
		b.Fatal(problems)
	}
	for b.Loop() {
		if _, problems := Render(b.Context(), blueprint, cluster, before); len(problems) > 0 {
			b.Fatal(problems)
		}
	}
}

func BenchmarkCompare(b *testing.B) {
	before, problems := Render(b.Context(), quickStart(b), quickStartCluster(), nil)
	if len(problems) > 0 {
		b.Fatal(problems)
	}
	Compare(before, before)
	for b.Loop() {
		Compare(before, before)
	}
}
