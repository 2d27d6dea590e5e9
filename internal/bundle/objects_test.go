// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package bundle

import (
	"os/exec"
	"runtime/debug"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	admissionv1 "k8s.io/api/admissionregistration/v1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/terraform-capi/terraform-provider-capi/controllers/config"
)

func objects(t *testing.T, provider config.Provider) []client.Object {
	t.Helper()
	stages, err := installation{Provider: provider, image: Image{Reference: "localhost/x:y", path: "/x"}}.stages()
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	var all []client.Object
	for _, stage := range stages {
		all = append(all, stage...)
	}
	NewWithT(t).Expect(all).NotTo(BeEmpty())
	return all
}

// clusterctl finds a provider's components by these labels, and cluster-scoped ones by the prefix of their name.
func TestComponentsAreRecognizedByClusterctl(t *testing.T) {
	for _, provider := range config.Providers {
		t.Run(provider.Name, func(t *testing.T) {
			g := NewWithT(t)
			for _, object := range objects(t, provider) {
				g.Expect(object.GetLabels()).To(HaveKeyWithValue("clusterctl.cluster.x-k8s.io", ""), object.GetName())
				g.Expect(object.GetLabels()).To(HaveKeyWithValue("cluster.x-k8s.io/provider", provider.Name), object.GetName())
				switch object.(type) {
				case *apiextensionsv1.CustomResourceDefinition, *corev1.Namespace:
				default:
					if object.GetNamespace() == "" {
						g.Expect(object.GetName()).To(HavePrefix(provider.ObjectName("")))
					}
				}
			}
		})
	}
}

func TestInventory(t *testing.T) {
	g := NewWithT(t)
	for _, provider := range config.Providers {
		entry := installation{Provider: provider}.inventoryEntry("0.1.0")
		g.Expect(entry.ManifestLabel()).To(Equal(provider.Name))
		g.Expect(entry.Version).To(HavePrefix("v"))
		g.Expect(entry.Labels).To(HaveKeyWithValue("clusterctl.cluster.x-k8s.io/core", "inventory"))
		g.Expect(entry.Labels).To(HaveKeyWithValue("cluster.x-k8s.io/provider", provider.Name))
		g.Expect(ReleaseOf(entry)).To(Equal(Own("0.1.0")))
	}
}

// The engine's socket is as good as root on the host.
//
// The guide's common mistake "Not mounting Docker socket in KinD config", on the pod's side.
func TestOnlyTheDockerProviderGetsTheSocket(t *testing.T) {
	for _, provider := range config.Providers {
		t.Run(provider.Name, func(t *testing.T) {
			g := NewWithT(t)
			deployments := 0
			for _, object := range objects(t, provider) {
				deployment, ok := object.(*appsv1.Deployment)
				if !ok {
					continue
				}
				deployments++
				pod := deployment.Spec.Template.Spec
				var paths []string
				for _, volume := range pod.Volumes {
					if volume.HostPath != nil {
						paths = append(paths, volume.HostPath.Path)
					}
				}
				if provider.Name == "infrastructure-docker" {
					g.Expect(paths).To(ConsistOf("/var/run/docker.sock"))
				} else {
					g.Expect(paths).To(BeEmpty())
					g.Expect(*pod.SecurityContext.RunAsNonRoot).To(BeTrue())
				}
				container := pod.Containers[0]
				g.Expect(*container.SecurityContext.Privileged).To(BeFalse())
				g.Expect(container.SecurityContext.Capabilities.Drop).To(ConsistOf(corev1.Capability("ALL")))
				g.Expect(container.ImagePullPolicy).To(Equal(corev1.PullNever))
				g.Expect(container.Name).To(Equal("manager"), "clusterctl's contract")
			}
			g.Expect(deployments).To(Equal(1))
		})
	}
}

func TestWebhooksAndConversionsPointAtTheProvidersService(t *testing.T) {
	for _, provider := range config.Providers {
		t.Run(provider.Name, func(t *testing.T) {
			g := NewWithT(t)
			var services []string
			for _, object := range objects(t, provider) {
				switch object := object.(type) {
				case *admissionv1.MutatingWebhookConfiguration:
					for _, webhook := range object.Webhooks {
						services = append(services, webhook.ClientConfig.Service.Namespace+"/"+webhook.ClientConfig.Service.Name)
					}
				case *admissionv1.ValidatingWebhookConfiguration:
					for _, webhook := range object.Webhooks {
						services = append(services, webhook.ClientConfig.Service.Namespace+"/"+webhook.ClientConfig.Service.Name)
					}
				case *apiextensionsv1.CustomResourceDefinition:
					if config.Converts(object) {
						service := object.Spec.Conversion.Webhook.ClientConfig.Service
						services = append(services, service.Namespace+"/"+service.Name)
					}
				}
			}
			g.Expect(services).NotTo(BeEmpty())
			g.Expect(services).To(HaveEach(provider.Namespace + "/" + provider.ObjectName("webhook-service")))
		})
	}
}

// An object of the sample's kind must reach a mutating webhook, or the check of the webhooks would check nothing.
func TestSampleIsOfAKindThatWebhooksSee(t *testing.T) {
	g := NewWithT(t)
	for _, provider := range config.Providers {
		sample, err := installation{Provider: provider}.sample()
		g.Expect(err).NotTo(HaveOccurred(), provider.Name)
		g.Expect(sample.GetObjectKind().GroupVersionKind().Group).To(HaveSuffix("cluster.x-k8s.io"))
		mutating, _, err := provider.Webhooks()
		g.Expect(err).NotTo(HaveOccurred())
		plural := strings.ToLower(sample.GetObjectKind().GroupVersionKind().Kind)
		g.Expect(mutating.Webhooks).To(ContainElement(HaveField("Rules", ContainElement(HaveField("Resources", ContainElement(HavePrefix(plural)))))))
	}
}

// Test binaries carry no list of modules, so that it is the one of which binaries are built.
func TestVersionIsUpstreams(t *testing.T) {
	g := NewWithT(t)
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Path}} {{.Version}}", "all").Output()
	g.Expect(err).NotTo(HaveOccurred())
	info := &debug.BuildInfo{}
	for line := range strings.Lines(string(out)) {
		path, version, _ := strings.Cut(strings.TrimSpace(line), " ")
		info.Deps = append(info.Deps, &debug.Module{Path: path, Version: version})
	}
	version := versionIn(info)
	g.Expect(version).NotTo(Equal(unknownVersion))
	g.Expect(version).To(MatchRegexp(`^v1\.\d+\.\d+$`))
	g.Expect(versionIn(&debug.BuildInfo{})).To(Equal(unknownVersion))
}
