// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package machinetemplate

import (
	"context"
	"testing"

	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/utils/ptr"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	devv1 "sigs.k8s.io/cluster-api/test/infrastructure/docker/api/v1beta2"

	infrav1 "github.com/terraform-capi/terraform-provider-capi/controllers/docker/api/v1beta2"
	"github.com/terraform-capi/terraform-provider-capi/controllers/docker/variants"
	"github.com/terraform-capi/terraform-provider-capi/internal/container"
)

// A machine offers what the host has, or as much of it as the template, if of a kind that can, lets it have.
func TestCapacity(t *testing.T) {
	meta := metav1.ObjectMeta{Namespace: "default", Name: "a"}
	bounded := &infrav1.DockerMachineTemplate{ObjectMeta: meta}
	bounded.Spec.Template.Spec.Resources.CPUs = ptr.To(resource.MustParse("1500m"))
	unbounded := &devv1.DevMachineTemplate{ObjectMeta: meta}
	unbounded.Spec.Template.Spec.Backend.Docker = &devv1.DockerMachineBackendSpec{}

	scheme := runtime.NewScheme()
	NewWithT(t).Expect(variants.AddToScheme(scheme)).To(Succeed())
	c := fake.NewClientBuilder().WithScheme(scheme).WithObjects(bounded, unbounded).WithStatusSubresource(bounded, unbounded).Build()
	engine := container.NewFake()
	engine.EngineInfo.CPUs, engine.EngineInfo.MemoryBytes = 4, 8<<30

	for kind, cpus := range map[string]string{"DockerMachineTemplate": "1500m", "DevMachineTemplate": "4"} {
		t.Run(kind, func(t *testing.T) {
			g, ctx, key := NewWithT(t), context.Background(), client.ObjectKey{Namespace: "default", Name: "a"}
			r := &Reconciler{Variant: variants.DockerMachineTemplate, Client: c, Host: engine}
			if kind == variants.DevMachineTemplate.Kind {
				r.Variant = variants.DevMachineTemplate
			}
			read := func() *infrav1.DockerMachineTemplate {
				object, err := r.Variant.Get(ctx, c, key)
				g.Expect(err).NotTo(HaveOccurred())
				return object.Hub()
			}
			_, err := r.Reconcile(ctx, ctrl.Request{NamespacedName: key})
			g.Expect(err).NotTo(HaveOccurred())
			found := read()
			g.Expect(found.Status.Capacity.Cpu().String()).To(Equal(cpus))
			g.Expect(found.Status.Capacity.Memory().String()).To(Equal("8Gi"))

			_, err = r.Reconcile(ctx, ctrl.Request{NamespacedName: key})
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(read().ResourceVersion).To(Equal(found.ResourceVersion), "nothing has changed")
		})
	}
}
