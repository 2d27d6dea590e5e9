// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package topologytest

import (
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/utils/ptr"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/terraform-capi/terraform-provider-capi/controllers/config"
	"github.com/terraform-capi/terraform-provider-capi/internal/acctest"
)

// The policies are about objects, whoever writes them: a class cannot have upstream's controllers write what its author
// must not. What upstream's quick start needs passes, but for its mount of the engine's socket.
func TestIntegrationRestrictedNamespace(t *testing.T) {
	g := NewWithT(t)
	controllers := New(t, acctest.NeedAPIServer(t))
	docker, err := config.Find("infrastructure-docker")
	g.Expect(err).NotTo(HaveOccurred())
	policies, bindings, err := docker.Policies()
	g.Expect(err).NotTo(HaveOccurred())
	for n := range policies {
		g.Expect(controllers.Create(t.Context(), policies[n])).To(Succeed())
		g.Expect(controllers.Create(t.Context(), bindings[n])).To(Succeed())
	}
	const restricted = "restricted"
	g.Expect(controllers.Create(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{
		Name: restricted, Labels: map[string]string{"terraform-capi.io/policy": "restricted"},
	}})).To(Succeed())

	w := newWorld(t, restricted)
	g.Eventually(func() error { return settle(t.Context(), controllers, w.deepCopy()) }).WithTimeout(time.Minute).
		Should(MatchError(ContainSubstring("denied request: extraMounts: ")))
	for _, template := range w.blueprint.Templates {
		if strings.HasPrefix(template.GetKind(), "DevMachine") {
			unstructured.RemoveNestedField(template.Object, "spec", "template", "spec", "backend", "docker", "extraMounts")
		}
	}
	g.Expect(settle(t.Context(), controllers, w)).To(Succeed())
	copies := &unstructured.UnstructuredList{}
	copies.SetGroupVersionKind(w.template(w.blueprint.Class.Spec.ControlPlane.MachineInfrastructure.TemplateRef).GroupVersionKind())
	g.Expect(controllers.List(t.Context(), copies, of(client.ObjectKeyFromObject(w.cluster))...)).To(Succeed())
	g.Expect(copies.Items).To(ContainElement(WithTransform(func(template unstructured.Unstructured) string {
		image, _, _ := unstructured.NestedString(template.Object, "spec", "template", "spec", "backend", "docker", "customImage")
		return image
	}, Equal("kindest/node:v1.30.0"))), "a patch of the class")

	w.blueprint.Class.Spec.Patches = append(w.blueprint.Class.Spec.Patches, clusterv1.ClusterClassPatch{
		Name: "evil", Definitions: []clusterv1.PatchDefinition{{
			Selector: clusterv1.PatchSelector{
				APIVersion: copies.Items[0].GetAPIVersion(), Kind: copies.Items[0].GetKind(),
				MatchResources: clusterv1.PatchSelectorMatch{ControlPlane: ptr.To(true)},
			},
			JSONPatches: []clusterv1.JSONPatch{{
				Op: "add", Path: "/spec/template/spec/backend/docker/preLoadImages", Value: &apiextensionsv1.JSON{Raw: []byte(`["example.com/a:1"]`)},
			}},
		}},
	})
	g.Expect(settle(t.Context(), controllers, w)).To(MatchError(ContainSubstring("denied request: preLoadImages: ")))
}
