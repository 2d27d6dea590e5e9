// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package bundle

import (
	"fmt"
	"slices"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
	clusterctlv1 "sigs.k8s.io/cluster-api/cmd/clusterctl/api/v1alpha3"
	clusterctlconfig "sigs.k8s.io/cluster-api/cmd/clusterctl/config"
	utilyaml "sigs.k8s.io/cluster-api/util/yaml"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/terraform-capi/terraform-provider-capi/controllers/config"
)

const (
	webhookPort     = 9443
	webhookPortName = "webhook-server"
	managerLabel    = "control-plane"
	managerName     = "controller-manager"
)

// installation is a bundled provider as it is to be in a management cluster.
type installation struct {
	config.Provider
	image    Image
	settings Settings
}

// Names of objects, which are upstream's.
func (i installation) deployment() string     { return i.ObjectName(managerName) }
func (i installation) service() string        { return i.ObjectName("webhook-service") }
func (i installation) secret() string         { return i.ObjectName("webhook-service-cert") }
func (i installation) serviceAccount() string { return i.ObjectName("manager") }

// stages are the objects to apply, stage after stage: the objects of a stage need those of the stages before. The entry in
// the inventory comes before all of them, and the namespace.
func (i installation) stages() ([][]client.Object, error) {
	crds, err := i.crds()
	if err != nil {
		return nil, err
	}
	roles, err := i.roles()
	if err != nil {
		return nil, err
	}
	webhooks, err := i.webhooks()
	if err != nil {
		return nil, err
	}
	policies, err := i.policies()
	if err != nil {
		return nil, err
	}
	stages := [][]client.Object{
		crds,
		append(slices.Concat(roles, webhooks, policies), i.webhookService(), i.webhookSecret(), i.managerAccount()),
		{i.managerDeployment()},
	}
	for _, stage := range stages {
		for _, object := range stage {
			i.label(object)
		}
	}
	return stages, nil
}

// label gives an object the labels by which clusterctl recognizes a provider's components; `clusterctl move` finds
// the CRDs to move by them.
func (i installation) label(object client.Object) {
	labels := withLabel(object.GetLabels(), clusterctlv1.ClusterctlLabel, "")
	labels[clusterv1.ProviderNameLabel] = i.Name
	object.SetLabels(labels)
}

// crdsOf are the CustomResourceDefinitions of the bundled provider called name.
func crdsOf(name string) ([]*apiextensionsv1.CustomResourceDefinition, error) {
	provider, err := config.Find(name)
	if err != nil {
		return nil, err
	}
	return provider.CRDs()
}

func (i installation) crds() ([]client.Object, error) {
	crds, err := i.CRDs()
	if err != nil {
		return nil, err
	}
	path := "/convert"
	objects := make([]client.Object, 0, len(crds))
	for _, crd := range crds {
		if config.Converts(crd) {
			crd.Spec.Conversion = &apiextensionsv1.CustomResourceConversion{
				Strategy: apiextensionsv1.WebhookConverter,
				Webhook: &apiextensionsv1.WebhookConversion{
					ConversionReviewVersions: []string{"v1"},
					ClientConfig: &apiextensionsv1.WebhookClientConfig{
						Service: &apiextensionsv1.ServiceReference{Namespace: i.Namespace, Name: i.service(), Path: &path},
					},
				},
			}
		}
		objects = append(objects, crd)
	}
	return objects, nil
}

// inventoryCRDs are clusterctl's own, which hold the inventory of installed providers. They belong to no provider.
func inventoryCRDs() ([]client.Object, error) {
	manifests, err := utilyaml.ToUnstructured(clusterctlconfig.ClusterctlAPIManifest)
	if err != nil {
		return nil, fmt.Errorf("reading the manifest of clusterctl's inventory: %w", err)
	}
	objects := make([]client.Object, 0, len(manifests))
	for n := range manifests {
		manifests[n].SetLabels(withLabel(manifests[n].GetLabels(), clusterctlv1.ClusterctlCoreLabel, clusterctlv1.ClusterctlCoreLabelInventoryValue))
		objects = append(objects, &manifests[n])
	}
	return objects, nil
}

// inventoryEntry says that the provider is installed, by the given version of this Terraform provider.
func (i installation) inventoryEntry(version string) *clusterctlv1.Provider {
	entry := &clusterctlv1.Provider{
		ObjectMeta: metav1.ObjectMeta{
			Namespace:   i.Namespace,
			Name:        i.Name,
			Labels:      map[string]string{clusterctlv1.ClusterctlCoreLabel: clusterctlv1.ClusterctlCoreLabelInventoryValue},
			Annotations: map[string]string{releaseAnnotation: version},
		},
		ProviderName: shortName(i.Provider),
		Type:         string(i.Type),
		Version:      Version(),
	}
	i.label(entry)
	return entry
}

func (i installation) namespace() client.Object {
	labels := map[string]string{managerLabel: managerName}
	if i.needsDocker() {
		// A pod that mounts a path of its host is allowed in privileged namespaces only.
		for _, mode := range []string{"enforce", "warn", "audit"} {
			labels["pod-security.kubernetes.io/"+mode] = "privileged"
		}
	}
	return &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: i.Namespace, Labels: labels}}
}

func (i installation) webhookService() client.Object {
	return &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Namespace: i.Namespace, Name: i.service()},
		Spec: corev1.ServiceSpec{
			Selector: map[string]string{clusterv1.ProviderNameLabel: i.Name},
			Ports:    []corev1.ServicePort{{Port: 443, Protocol: corev1.ProtocolTCP, TargetPort: intstr.FromString(webhookPortName)}},
		},
	}
}

// webhookSecret is empty: the controllers fill it, and own what is in it.
func (i installation) webhookSecret() client.Object {
	return &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: i.Namespace, Name: i.secret()}}
}

func (i installation) webhooks() ([]client.Object, error) {
	mutating, validating, err := i.Webhooks()
	if err != nil {
		return nil, err
	}
	service := func(c *admissionv1.WebhookClientConfig) {
		c.Service.Namespace, c.Service.Name = i.Namespace, i.service()
	}
	mutating.Name = i.ObjectName(config.MutatingWebhooks)
	for n := range mutating.Webhooks {
		service(&mutating.Webhooks[n].ClientConfig)
	}
	validating.Name = i.ObjectName(config.ValidatingWebhooks)
	for n := range validating.Webhooks {
		service(&validating.Webhooks[n].ClientConfig)
	}
	return []client.Object{mutating, validating}, nil
}

func (i installation) policies() ([]client.Object, error) {
	policies, bindings, err := i.Policies()
	if err != nil {
		return nil, err
	}
	var objects []client.Object
	for n := range policies {
		objects = append(objects, policies[n], bindings[n])
	}
	return objects, nil
}
