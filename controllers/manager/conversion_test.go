// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package manager

import (
	"testing"

	. "github.com/onsi/gomega"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
)

func TestAPIVersionGetter(t *testing.T) {
	scheme := runtime.NewScheme()
	NewWithT(t).Expect(apiextensionsv1.AddToScheme(scheme)).To(Succeed())
	gk := schema.GroupKind{Group: "infrastructure.cluster.x-k8s.io", Kind: "FooCluster"}

	for name, test := range map[string]struct {
		labels  map[string]string
		want    string
		problem string
	}{
		"newest of a contract":      {labels: map[string]string{"cluster.x-k8s.io/v1beta2": "v1alpha4_v1beta1_v1beta2"}, want: "v1beta2"},
		"newest is not last":        {labels: map[string]string{"cluster.x-k8s.io/v1beta2": "v2_v1_v1beta3"}, want: "v2"},
		"the newer contract wins":   {labels: map[string]string{"cluster.x-k8s.io/v1beta1": "v9", "cluster.x-k8s.io/v1beta2": "v1"}, want: "v1"},
		"only the older contract":   {labels: map[string]string{"cluster.x-k8s.io/v1beta1": "v1alpha1"}, want: "v1alpha1"},
		"no contract":               {labels: map[string]string{"cluster.x-k8s.io/v1alpha3": "v1alpha3"}, problem: "has no label for any of the contracts v1beta2, v1beta1"},
		"no labels":                 {problem: "has no label"},
		"empty label is no version": {labels: map[string]string{"cluster.x-k8s.io/v1beta2": ""}, problem: "has no label"},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			crd := &apiextensionsv1.CustomResourceDefinition{ObjectMeta: metav1.ObjectMeta{Name: "fooclusters." + gk.Group, Labels: test.labels}}
			reader := fake.NewClientBuilder().WithScheme(scheme).WithObjects(crd).Build()

			got, err := APIVersionGetter(reader)(t.Context(), gk)

			if test.problem != "" {
				g.Expect(err).To(MatchError(ContainSubstring(test.problem)))
				return
			}
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(got).To(Equal(gk.Group + "/" + test.want))
		})
	}

	t.Run("unknown kind", func(t *testing.T) {
		_, err := APIVersionGetter(fake.NewClientBuilder().WithScheme(scheme).Build())(t.Context(), gk)
		NewWithT(t).Expect(err).To(MatchError(ContainSubstring("finding the API version of FooCluster.infrastructure.cluster.x-k8s.io")))
	})
}
