// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package topology

import (
	"testing"

	. "github.com/onsi/gomega"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
)

func TestUndeclaredFields(t *testing.T) {
	for name, tc := range map[string]struct{ field, want string }{
		"a field that there is":     {field: "format"},
		"a field that there is not": {field: "formatt", want: "spec.kubeadmConfigSpec.formatt"},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			blueprint := quickStart(t)
			jsonPatch(blueprint, "test", "", clusterv1.JSONPatch{
				Op: "add", Path: "/spec/template/spec/kubeadmConfigSpec/" + tc.field, Value: raw(`"cloud-config"`),
			})
			objects := SampleObjects(t.Context(), blueprint)
			g.Expect(objects).NotTo(BeEmpty())
			var found []string
			for _, obj := range objects {
				fields, unknown := UndeclaredFields(t.Context(), obj)
				g.Expect(unknown).To(BeEmpty())
				found = append(found, fields...)
			}
			if tc.want == "" {
				g.Expect(found).To(BeEmpty())
				return
			}
			g.Expect(found).To(Equal([]string{tc.want}))
		})
	}
}
