// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package capiprovider_test

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	clusterctlv1 "sigs.k8s.io/cluster-api/cmd/clusterctl/api/v1alpha3"

	"github.com/terraform-capi/terraform-provider-capi/internal/acctest/identitytest"
	"github.com/terraform-capi/terraform-provider-capi/internal/capiprovider"
)

func identitySubject() identitytest.Subject {
	type object = map[string]any
	return identitytest.Subject{
		Provider: newFakeBundle().provider(), Type: capiprovider.ResourceType,
		Config: object{"management_cluster": "kind://envtest", "name": "bootstrap-kubeadm"},
		Change: object{"image": "registry.example.com/capi:v1"},
		Object: &clusterctlv1.Provider{ObjectMeta: metav1.ObjectMeta{Namespace: "capi-kubeadm-bootstrap-system", Name: "bootstrap-kubeadm"}},
	}
}

func TestIntegrationProviderAnswers(t *testing.T) {
	identitySubject().Answers(t)
}

func TestIntegrationProviderCreations(t *testing.T) {
	identitySubject().Creations(t)
}

func TestIntegrationProviderRestricted(t *testing.T) {
	identitySubject().Restricted(t)
}

func TestIntegrationProviderReplacements(t *testing.T) {
	identitySubject().Replacements(t)
}

func TestIntegrationProviderTwins(t *testing.T) {
	identitySubject().Twins(t)
}
