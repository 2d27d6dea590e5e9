// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package webhookstest

import (
	"math/rand/v2"
	"strings"
	"testing"
	"unicode"

	. "github.com/onsi/gomega"

	infrav1 "github.com/terraform-capi/terraform-provider-capi/controllers/docker/api/v1beta2"
	"github.com/terraform-capi/terraform-provider-capi/controllers/docker/variants"

	devv1 "sigs.k8s.io/cluster-api/test/infrastructure/docker/api/v1beta2"
)

// No object makes admission panic, what is admitted may stay as it is, and no text that reaches a file has more than one
// line.
func TestAdmissionByChance(t *testing.T) {
	for _, kind := range Kinds() {
		t.Run(kind, func(t *testing.T) {
			g := NewWithT(t)
			admitted := 0
			for seed := range uint64(*Objects) {
				content := Random(rand.New(rand.NewPCG(seed, 0)), kind)
				object, err := Create(t.Context(), kind, content)
				if object == nil {
					continue // It is not of the kind.
				}
				update := Update(t.Context(), kind, object, object)
				if err != nil {
					continue
				}
				admitted++
				g.Expect(update).To(Succeed(), "seed %d: %v", seed, content)
				for _, text := range texts(object) {
					g.Expect(strings.ContainsFunc(text, unicode.IsControl)).To(BeFalse(), "seed %d: %q", seed, text)
				}
			}
			t.Logf("%d of %d are admitted.", admitted, *Objects)
			if kind != "DevMachinePool" {
				g.Expect(admitted).To(BeNumerically(">", *Objects/20), "too few to learn anything")
			}
		})
	}
}

// texts are those that reach the configuration of a load balancer, command lines, or kubeadm's configuration.
func texts(object any) []string {
	switch object := object.(type) {
	case *infrav1.DockerMachine:
		texts := append([]string{object.Spec.ProviderID, object.Spec.CustomImage}, object.Spec.PreLoadImages...)
		for _, mount := range object.Spec.ExtraMounts {
			texts = append(texts, mount.HostPath, mount.ContainerPath)
		}
		for _, mapping := range object.Spec.ExtraPortMappings {
			texts = append(texts, mapping.ListenAddress, string(mapping.Protocol))
		}
		for _, mirror := range object.Spec.ImagePull.Mirrors {
			texts = append(texts, mirror.Registry, mirror.Mirror)
		}
		return texts
	case *devv1.DevMachine:
		return texts(&infrav1.DockerMachine{Spec: variants.MachineSpecFromDev(object.Spec)})
	case *infrav1.DockerCluster:
		balancer := object.Spec.LoadBalancer
		texts := []string{
			object.Spec.ControlPlaneEndpoint.Host, balancer.HostIP, balancer.ImageRepository, balancer.ImageTag,
			object.Annotations[infrav1.HostEndpointAnnotation],
		}
		for _, domain := range object.Spec.FailureDomains {
			texts = append(texts, domain.Name)
		}
		return texts
	case *devv1.DevCluster:
		return texts(&infrav1.DockerCluster{Spec: variants.ClusterSpecFromDev(object.Spec)})
	}
	return nil
}
