// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package webhooks

import (
	"testing"

	. "github.com/onsi/gomega"

	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
	devv1 "sigs.k8s.io/cluster-api/test/infrastructure/docker/api/v1beta2"
)

const (
	inMemory = "spec.backend.inMemory: Forbidden: is not supported by this provider: use the docker backend"
)

// What of a docker backend is valid the tests of the Docker* kinds say; here it matters where a problem is.
func TestDevClusterSpec(t *testing.T) {
	for name, test := range map[string]struct{ spec, want string }{
		"docker": {spec: "backend: {docker: {}}"},
		"everything": {spec: `
controlPlaneEndpoint: {host: api.example.com, port: 443}
backend:
  docker:
    failureDomains: [{name: a, controlPlane: true}, {name: b}]
    loadBalancer: {imageRepository: kindest, imageTag: "1", customHAProxyConfigTemplateRef: {name: haproxy}}`},
		"no backend":       {"backend: {}", ""},
		"in memory":        {"backend: {inMemory: {}}", inMemory},
		"in memory, too":   {"backend: {docker: {}, inMemory: {}}", inMemory},
		"beside":           {"{controlPlaneEndpoint: {host: a b}, backend: {docker: {}}}", `spec.controlPlaneEndpoint.host: Invalid value: "a b": ` + badHost + badName},
		"in the backend":   {"backend: {docker: {loadBalancer: {imageTag: a b}}}", `spec.backend.docker.loadBalancer.imageTag: Invalid value: "a b": ` + badReference},
		"beside, and none": {"{controlPlaneEndpoint: {host: a b}, backend: {}}", `spec.controlPlaneEndpoint.host: Invalid value: "a b": ` + badHost + badName},
		"disorder": {
			"backend: {docker: {failureDomains: [{name: b}, {name: a}]}}",
			`spec.backend.docker.failureDomains: Invalid value: "b, a": failure domains must be sorted by name`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			cluster, webhook := &devv1.DevCluster{}, &DevCluster{}
			g.Expect(create(t, "DevCluster", webhook, cluster, test.spec)).To(Equal(test.want))
			_, err := webhook.ValidateUpdate(ctx, &devv1.DevCluster{}, cluster)
			g.Expect(problem(err)).To(Equal(test.want))

			template := &devv1.DevClusterTemplate{}
			g.Expect(create(t, "DevClusterTemplate", &DevClusterTemplate{}, template, templateSpec(test.spec))).
				To(Equal(inTemplate(test.want)))
		})
	}
}

func TestDevClusterDefaults(t *testing.T) {
	g := NewWithT(t)
	cluster := &devv1.DevCluster{}
	cluster.Spec.Backend.InMemory = &devv1.InMemoryClusterBackendSpec{}
	refused := cluster.DeepCopy()
	g.Expect((&DevCluster{}).Default(ctx, cluster)).To(Succeed())
	g.Expect(cluster).To(Equal(refused), "it remains to be refused")

	cluster = &devv1.DevCluster{}
	g.Expect((&DevCluster{}).Default(ctx, cluster)).To(Succeed())
	g.Expect(cluster.Spec.Backend.Docker).NotTo(BeNil(), "upstream's templates have DevClusters without a spec")

	cluster.Spec.Backend.Docker = &devv1.DockerClusterBackendSpec{FailureDomains: []clusterv1.FailureDomain{{Name: "a"}}}
	before := cluster.DeepCopy()
	g.Expect((&DevCluster{}).Default(ctx, cluster)).To(Succeed())
	g.Expect(cluster.Spec.ControlPlaneEndpoint.Port).To(BeEquivalentTo(6443))
	g.Expect(cluster.Spec.Backend.Docker.FailureDomains[0].ControlPlane).To(HaveValue(BeFalse()))

	template := &devv1.DevClusterTemplate{Spec: devv1.DevClusterTemplateSpec{Template: devv1.DevClusterTemplateResource{Spec: before.Spec}}}
	old := template.DeepCopy()
	g.Expect((&DevClusterTemplate{}).Default(ctx, template)).To(Succeed())
	g.Expect(template.Spec.Template.Spec).To(Equal(cluster.Spec))
	_, err := (&DevClusterTemplate{}).ValidateUpdate(ctx, old, template)
	g.Expect(err).NotTo(HaveOccurred(), "defaulting is no change")
}

func TestDevClusterUpdate(t *testing.T) {
	g := NewWithT(t)
	before := &devv1.DevCluster{Spec: devv1.DevClusterSpec{
		ControlPlaneEndpoint: devv1.APIEndpoint{Host: "lb", Port: 6443},
		Backend:              devv1.DevClusterBackendSpec{Docker: &devv1.DockerClusterBackendSpec{}},
	}}
	after := before.DeepCopy()
	after.Spec.ControlPlaneEndpoint.Host = "other"
	_, err := (&DevCluster{}).ValidateUpdate(ctx, before, after)
	g.Expect(problem(err)).To(Equal(
		`spec.controlPlaneEndpoint: Invalid value: "other:6443": is immutable once its host is set (it is lb:6443)`))
}

func TestDevClusterTemplateIsImmutable(t *testing.T) {
	g := NewWithT(t)
	webhook, before := &DevClusterTemplate{}, &devv1.DevClusterTemplate{}
	g.Expect(create(t, "DevClusterTemplate", webhook, before, templateSpec("backend: {docker: {}}"))).To(BeEmpty())
	after := before.DeepCopy()
	after.Spec.Template.ObjectMeta.Labels = map[string]string{"a b": "c"}
	after.Spec.Template.Spec.Backend.Docker.LoadBalancer.ImageTag = "1"
	_, err := webhook.ValidateUpdate(ctx, before, after)
	g.Expect(problem(err)).To(And(
		ContainSubstring("spec.template.spec: Forbidden: is immutable: create a new template and refer to that instead"),
		ContainSubstring("spec.template.metadata.labels: Invalid value")))
}
