// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"fmt"
	"strings"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	clusterctlv1 "sigs.k8s.io/cluster-api/cmd/clusterctl/api/v1alpha3"
)

// Provider is a bundled provider, named as clusterctl and its inventory name it.
type Provider struct {
	// Name in the inventory, in labels and in `controllers --provider`.
	Name string
	// Type in the inventory.
	Type clusterctlv1.ProviderType
	// Namespace of the controllers.
	Namespace string
	// AggregationLabel marks ClusterRoles of other providers whose rules these controllers gain; empty if they need
	// none. It is part of the CAPI contract: an infrastructure provider in an API group of its own grants core access
	// this way.
	AggregationLabel string

	prefix    string
	contracts map[string]string
}

const contractPrefix = "cluster.x-k8s.io/"

// Providers are the bundled providers, in the order to install them in.
var Providers = []Provider{
	{
		Name:             "cluster-api",
		Type:             clusterctlv1.CoreProviderType,
		Namespace:        "capi-system",
		AggregationLabel: "cluster.x-k8s.io/aggregate-to-manager",
		prefix:           "capi-",
	},
	{
		Name:      "bootstrap-kubeadm",
		Type:      clusterctlv1.BootstrapProviderType,
		Namespace: "capi-kubeadm-bootstrap-system",
		prefix:    "capi-kubeadm-bootstrap-",
		contracts: map[string]string{contractPrefix + "v1beta1": "v1beta1", contractPrefix + "v1beta2": "v1beta2"},
	},
	{
		Name:             "control-plane-kubeadm",
		Type:             clusterctlv1.ControlPlaneProviderType,
		Namespace:        "capi-kubeadm-control-plane-system",
		AggregationLabel: "kubeadm.controlplane.cluster.x-k8s.io/aggregate-to-manager",
		prefix:           "capi-kubeadm-control-plane-",
		contracts:        map[string]string{contractPrefix + "v1beta1": "v1beta1", contractPrefix + "v1beta2": "v1beta2"},
	},
	{
		Name:      "infrastructure-docker",
		Type:      clusterctlv1.InfrastructureProviderType,
		Namespace: "capd-system",
		prefix:    "capd-",
		contracts: map[string]string{contractPrefix + "v1beta2": "v1beta2"},
	},
}

// Find returns the bundled provider called name.
func Find(name string) (Provider, error) {
	for _, provider := range Providers {
		if provider.Name == name {
			return provider, nil
		}
	}
	return Provider{}, fmt.Errorf("there is no bundled provider %q; there are %s", name, strings.Join(Names(), ", "))
}

// Names of the bundled providers, in the order to install them in.
func Names() []string {
	names := make([]string, 0, len(Providers))
	for _, provider := range Providers {
		names = append(names, provider.Name)
	}
	return names
}

// ObjectName is the name that one of the provider's objects has in a management cluster: upstream's prefix and name.
// clusterctl finds cluster-scoped objects by it.
func (p Provider) ObjectName(name string) string {
	return p.prefix + name
}

// Names that controller-gen gives to webhook configurations; ObjectName makes them the provider's.
const (
	MutatingWebhooks   = "mutating-webhook-configuration"
	ValidatingWebhooks = "validating-webhook-configuration"
)

// Converts tells whether a CRD's objects are converted between versions by the provider's webhook.
func Converts(crd *apiextensionsv1.CustomResourceDefinition) bool {
	return len(crd.Spec.Versions) > 1
}
