// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package kubeconfig_test

import (
	"context"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"

	tfresource "github.com/hashicorp/terraform-plugin-framework/resource"

	"github.com/terraform-capi/terraform-provider-capi/internal/acctest"
	"github.com/terraform-capi/terraform-provider-capi/internal/acctest/identitytest"
	"github.com/terraform-capi/terraform-provider-capi/internal/kubeconfig"
)

// identitySubject is the kubeconfig of a cluster that each test makes.
func identitySubject(t *testing.T, name string) identitytest.Subject {
	t.Helper()
	env := acctest.NeedAPIServer(t)
	stored := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name + "-kubeconfig"},
		Data:       map[string][]byte{"value": kubeconfigFor(t, "https://"+name+"-lb:6443", time.Now().Add(time.Hour))},
	}
	if err := env.Cluster.Create(t.Context(), stored); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = env.Cluster.Delete(context.WithoutCancel(t.Context()), stored) })
	return identitytest.Subject{
		Provider: acctest.Provider{ResourceList: []func() tfresource.Resource{kubeconfig.NewResource}},
		Type:     kubeconfig.ResourceType,
		Config:   map[string]any{"cluster_id": "kind://envtest/default/" + name, "timeouts": map[string]any{"create": "5s", "update": "5s"}},
		Change:   map[string]any{"endpoint": "internal"},
		Object:   &clusterv1.Cluster{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name}},
		Reads:    true,
		Prepare: func(t *testing.T, env *acctest.Environment) {
			t.Helper()
			cluster := &clusterv1.Cluster{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name}}
			cluster.Spec.Paused = new(bool)
			if err := env.Cluster.Create(t.Context(), cluster); err != nil {
				t.Fatal(err)
			}
		},
	}
}

func TestIntegrationKubeconfigAnswers(t *testing.T) {
	identitySubject(t, "answers").Answers(t)
}

func TestIntegrationKubeconfigRestricted(t *testing.T) {
	identitySubject(t, "restricted").Restricted(t)
}
