// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package webhooks

import (
	"context"
	"testing"

	. "github.com/onsi/gomega"
	admissionv1 "k8s.io/api/admission/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"

	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
	devv1 "sigs.k8s.io/cluster-api/test/infrastructure/docker/api/v1beta2"
)

func TestDevMachineSpec(t *testing.T) {
	for name, test := range map[string]struct{ spec, want string }{
		"docker": {spec: "backend: {docker: {}}"},
		"everything": {spec: `
providerID: docker:////a
backend:
  docker:
    customImage: kindest/node:v1.35.0
    preLoadImages: [a]
    extraMounts: [{hostPath: /var/run/docker.sock, containerPath: /var/run/docker.sock, readOnly: true}]
    bootstrapTimeout: 10m`},
		"no backend":     {"backend: {}", ""},
		"in memory":      {"backend: {inMemory: {}}", inMemory},
		"in memory, too": {"backend: {docker: {}, inMemory: {}}", inMemory},
		"two lines":      {"{providerID: \"docker:////a\\nserver b\", backend: {docker: {}}}", `spec.providerID: Invalid value: "docker:////a\nserver b": must be docker:////CONTAINER`},
		"beside":         {"{providerID: a, backend: {docker: {}}}", `spec.providerID: Invalid value: "a": must be docker:////CONTAINER`},
		"in the backend": {"backend: {docker: {preLoadImages: [a, a b]}}", `spec.backend.docker.preLoadImages[1]: Invalid value: "a b": ` + badReference},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			machine := &devv1.DevMachine{}
			g.Expect(create(t, "DevMachine", &DevMachine{}, machine, test.spec)).To(Equal(test.want))
			_, err := (&DevMachine{}).ValidateUpdate(ctx, machine, machine)
			g.Expect(problem(err)).To(Equal(test.want))

			template := &devv1.DevMachineTemplate{}
			g.Expect(create(t, "DevMachineTemplate", &DevMachineTemplate{}, template, templateSpec(test.spec))).
				To(Equal(inTemplate(test.want)))
		})
	}
}

func TestDevMachineUpdate(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*devv1.DevMachineSpec)
		want   string
	}{
		"provider id": {func(s *devv1.DevMachineSpec) { s.ProviderID = "docker:////b" }, "spec.providerID: Forbidden: cannot be changed once it is set"},
		"image":       {func(s *devv1.DevMachineSpec) { s.Backend.Docker.CustomImage = "b" }, "spec.backend.docker.customImage: Forbidden: cannot be changed: replace the machine"},
		"timeout":     {func(s *devv1.DevMachineSpec) { s.Backend.Docker.BootstrapTimeout = &metav1.Duration{Duration: 1} }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			before := &devv1.DevMachine{Spec: devv1.DevMachineSpec{
				ProviderID: "docker:////a",
				Backend:    devv1.DevMachineBackendSpec{Docker: &devv1.DockerMachineBackendSpec{}},
			}}
			after := before.DeepCopy()
			test.change(&after.Spec)
			_, err := (&DevMachine{}).ValidateUpdate(ctx, before, after)
			NewWithT(t).Expect(problem(err)).To(Equal(test.want))
		})
	}
}

// One that upstream's controllers left behind must be able to lose its finalizer.
func TestDevMachineInMemoryCanBeDeleted(t *testing.T) {
	machine := &devv1.DevMachine{Spec: devv1.DevMachineSpec{Backend: devv1.DevMachineBackendSpec{InMemory: &devv1.InMemoryMachineBackendSpec{}}}}
	machine.DeletionTimestamp = ptr.To(metav1.Now())
	_, err := (&DevMachine{}).ValidateUpdate(ctx, machine, machine)
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
}

func TestDevMachineTemplateIsImmutableExceptInTheTopologysDryRuns(t *testing.T) {
	g := NewWithT(t)
	webhook, before := &DevMachineTemplate{}, &devv1.DevMachineTemplate{}
	g.Expect(create(t, "DevMachineTemplate", webhook, before, templateSpec("backend: {docker: {}}"))).To(BeEmpty())
	after := before.DeepCopy()
	after.Spec.Template.Spec.Backend.Docker.CustomImage = "kindest/node:v1.36.0"
	request := func(dryRun bool) context.Context {
		return admission.NewContextWithRequest(ctx, admission.Request{AdmissionRequest: admissionv1.AdmissionRequest{DryRun: ptr.To(dryRun)}})
	}
	_, err := webhook.ValidateUpdate(request(false), before, after)
	g.Expect(problem(err)).To(Equal("spec.template.spec: Forbidden: is immutable: create a new template and refer to that instead"))

	after.Annotations = map[string]string{clusterv1.TopologyDryRunAnnotation: ""}
	_, err = webhook.ValidateUpdate(request(true), before, after)
	g.Expect(err).NotTo(HaveOccurred())
}

func TestDevMachinePool(t *testing.T) {
	g := NewWithT(t)
	const spec = "backend: {docker: {}}"
	pool := &devv1.DevMachinePool{}
	g.Expect(create(t, "DevMachinePool", &DevMachinePool{}, pool, spec)).To(Equal(
		"spec: Forbidden: machine pools are not supported by the Docker provider of terraform-provider-capi: use machineDeployments instead of machinePools"))
	_, err := (&DevMachinePool{}).ValidateUpdate(ctx, pool, pool)
	g.Expect(err).NotTo(HaveOccurred(), "its finalizer can be removed")

	template := &devv1.DevMachinePoolTemplate{}
	g.Expect(create(t, "DevMachinePoolTemplate", &DevMachinePoolTemplate{}, template, templateSpec(spec))).To(BeEmpty())
	warnings, err := (&DevMachinePoolTemplate{}).ValidateCreate(ctx, template)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(warnings).To(ConsistOf(ContainSubstring("machine pools are not supported")))
}
