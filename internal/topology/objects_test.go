// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package topology

import (
	"testing"

	. "github.com/onsi/gomega"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
)

func TestValidatePatched(t *testing.T) {
	for name, tc := range map[string]struct{ path, want string }{
		"a field that there is":     {path: "/spec/template/spec/kubeadmConfigSpec/format"},
		"a field that there is not": {path: "/spec/template/spec/kubeadmConfigSpec/formatt", want: "spec.kubeadmConfigSpec.formatt: there is no such field"},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			blueprint := quickStart(t)
			jsonPatch(blueprint, "test", "", clusterv1.JSONPatch{Op: "add", Path: tc.path, Value: raw(`"cloud-config"`)})
			objects := SampleObjects(t.Context(), blueprint)
			g.Expect(objects).NotTo(BeEmpty())
			problems := ValidatePatched(t.Context(), objects)
			if tc.want == "" {
				g.Expect(problems).To(BeEmpty())
				return
			}
			g.Expect(problems).To(HaveLen(1))
			g.Expect(problems[0]).To(And(HaveField("Field", "spec.patches"), HaveField("Class", true)))
			g.Expect(problems[0].Message).To(ContainSubstring(tc.want))
		})
	}
}
