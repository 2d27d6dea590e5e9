// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"strings"
	"testing"

	. "github.com/onsi/gomega"
)

func TestProvidersAreComplete(t *testing.T) {
	for _, provider := range Providers {
		t.Run(provider.Name, func(t *testing.T) {
			g := NewWithT(t)

			crds, err := provider.CRDs()
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(crds).NotTo(BeEmpty())
			for _, crd := range crds {
				g.Expect(crd.Name).To(Equal(crd.Spec.Names.Plural + "." + crd.Spec.Group))
				g.Expect(crd.Spec.Versions).To(ContainElement(HaveField("Storage", true)), crd.Name)
			}

			role, err := provider.Role()
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(role.Rules).NotTo(BeEmpty())

			mutating, validating, err := provider.Webhooks()
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(mutating.Webhooks).NotTo(BeEmpty())
			g.Expect(validating.Webhooks).NotTo(BeEmpty())
		})
	}
}

// Cluster API refuses to work with kinds of other providers whose CRD does not say which contract they follow.
func TestContractLabels(t *testing.T) {
	g := NewWithT(t)
	for _, provider := range Providers {
		crds, err := provider.CRDs()
		g.Expect(err).NotTo(HaveOccurred())
		for _, crd := range crds {
			if provider.Name == "cluster-api" {
				g.Expect(crd.Labels).To(BeEmpty(), crd.Name)
				continue
			}
			g.Expect(crd.Labels).To(HaveKeyWithValue("cluster.x-k8s.io/v1beta2", "v1beta2"), crd.Name)
		}
	}
}

// Upstream's types of the Docker* kinds must not get in with its Dev* kinds, and nothing converts these.
func TestDockerProviderHasTheDevKinds(t *testing.T) {
	g := NewWithT(t)
	provider, err := Find("infrastructure-docker")
	g.Expect(err).NotTo(HaveOccurred())
	crds, err := provider.CRDs()
	g.Expect(err).NotTo(HaveOccurred())
	var kinds []string
	for _, crd := range crds {
		kinds = append(kinds, crd.Spec.Names.Kind)
		g.Expect(Converts(crd)).To(BeFalse(), crd.Name)
	}
	g.Expect(kinds).To(ConsistOf(
		"DockerCluster", "DockerClusterTemplate", "DockerMachine", "DockerMachineTemplate",
		"DevCluster", "DevClusterTemplate", "DevMachine", "DevMachineTemplate", "DevMachinePool", "DevMachinePoolTemplate"))
}

// The core manager must not be able to change anything but its own CRDs and webhooks.
func TestRolesNameWhatTheyWrite(t *testing.T) {
	g := NewWithT(t)
	for _, provider := range Providers {
		role, err := provider.Role()
		g.Expect(err).NotTo(HaveOccurred())
		for _, rule := range role.Rules {
			for _, group := range rule.APIGroups {
				if group != "apiextensions.k8s.io" && group != "admissionregistration.k8s.io" {
					continue
				}
				for _, verb := range rule.Verbs {
					if verb != "get" && verb != "list" && verb != "watch" {
						g.Expect(rule.ResourceNames).NotTo(BeEmpty(), "%s may %s %v", provider.Name, verb, rule.Resources)
					}
				}
				for _, name := range rule.ResourceNames {
					if group == "admissionregistration.k8s.io" {
						g.Expect(name).To(HavePrefix(provider.ObjectName("")))
					}
				}
			}
		}
	}
}

func TestFind(t *testing.T) {
	g := NewWithT(t)
	provider, err := Find("infrastructure-docker")
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(provider.Namespace).To(Equal("capd-system"))

	_, err = Find("docker")
	g.Expect(err).To(MatchError(ContainSubstring(strings.Join(Names(), ", "))))
}
