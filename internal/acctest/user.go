// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package acctest

import (
	"context"
	"slices"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	"github.com/terraform-capi/terraform-provider-capi/internal/management"
)

// WithoutIdentity are permissions for everything but reading the namespaces by which
// management clusters are told apart. Namespaces are those that may be read.
func WithoutIdentity(namespaces ...string) []rbacv1.PolicyRule {
	all := []string{"*"}
	groups := []string{
		"addons.cluster.x-k8s.io", "admissionregistration.k8s.io", "apiextensions.k8s.io", "apps", "bootstrap.cluster.x-k8s.io", "cluster.x-k8s.io",
		"clusterctl.cluster.x-k8s.io", "controlplane.cluster.x-k8s.io", "infrastructure.cluster.x-k8s.io",
	}
	return []rbacv1.PolicyRule{
		{APIGroups: groups, Resources: all, Verbs: all},
		{APIGroups: []string{""}, Resources: []string{"secrets"}, Verbs: all},
		{APIGroups: []string{""}, Resources: []string{"namespaces"}, Verbs: []string{"create", "update", "patch", "delete"}},
		{APIGroups: []string{""}, Resources: []string{"namespaces"}, Verbs: []string{"get"}, ResourceNames: namespaces},
	}
}

// User makes a user who may do what the rules allow, and returns a kubeconfig for it.
func (e *Environment) User(t *testing.T, name string, rules []rbacv1.PolicyRule) string {
	t.Helper()
	user, err := e.process.AddUser(envtest.User{Name: name}, nil)
	if err != nil {
		t.Fatal(err)
	}
	kubeconfig, err := user.KubeConfig()
	if err != nil {
		t.Fatal(err)
	}
	for _, object := range []client.Object{
		&rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: name}, Rules: rules},
		&rbacv1.ClusterRoleBinding{
			ObjectMeta: metav1.ObjectMeta{Name: name},
			RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: name},
			Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: name}},
		},
	} {
		if err := e.Cluster.Create(t.Context(), object); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = e.Cluster.Delete(context.WithoutCancel(t.Context()), object) })
	}
	e.awaitPermissions(t, kubeconfig, rules)
	return string(kubeconfig)
}

// awaitPermissions returns when the API server, which caches roles, lets the user do
// what the first rule for Secrets allows.
func (e *Environment) awaitPermissions(t *testing.T, kubeconfig []byte, rules []rbacv1.PolicyRule) {
	t.Helper()
	config, err := clientcmd.RESTConfigFromKubeConfig(kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	cluster, err := management.NewCluster(t.Context(), "", config)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(rules, func(rule rbacv1.PolicyRule) bool { return slices.Contains(rule.Resources, "secrets") }) {
		t.Fatal("the rules do not allow to list Secrets")
	}
	err = wait.PollUntilContextTimeout(t.Context(), 50*time.Millisecond, time.Minute, true, func(ctx context.Context) (bool, error) {
		return cluster.List(ctx, &corev1.SecretList{}, client.InNamespace(metav1.NamespaceDefault)) == nil, nil
	})
	if err != nil {
		t.Fatal("the user does not get its permissions")
	}
}
