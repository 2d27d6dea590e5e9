// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package bundle

import (
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

func (i installation) managerAccount() client.Object {
	return &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: i.Namespace, Name: i.serviceAccount()}}
}

// roles are what the controllers may do: the generated role everywhere, and leases and the certificate's Secret in
// their own namespace.
func (i installation) roles() ([]client.Object, error) {
	role, err := i.Role()
	if err != nil {
		return nil, err
	}
	role.Name = i.ObjectName("manager-role")
	objects := []client.Object{role}
	bound := role.Name
	if i.AggregationLabel != "" {
		role.Labels = map[string]string{i.AggregationLabel: "true"}
		bound = i.ObjectName("aggregated-manager-role")
		objects = append(objects, &rbacv1.ClusterRole{
			ObjectMeta: metav1.ObjectMeta{Name: bound},
			AggregationRule: &rbacv1.AggregationRule{
				ClusterRoleSelectors: []metav1.LabelSelector{{MatchLabels: map[string]string{i.AggregationLabel: "true"}}},
			},
		})
	}
	objects = append(objects, &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: i.ObjectName("manager-rolebinding")},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: bound},
		Subjects:   i.subjects(),
	})
	objects = append(objects, i.namespacedRole("leader-election",
		rbacv1.PolicyRule{APIGroups: []string{""}, Resources: []string{"events"}, Verbs: []string{"create"}},
		rbacv1.PolicyRule{
			APIGroups: []string{"coordination.k8s.io"}, Resources: []string{"leases"},
			Verbs: []string{"get", "list", "watch", "create", "update", "patch", "delete"},
		},
		// Whether the pod that holds the lease still exists.
		rbacv1.PolicyRule{APIGroups: []string{""}, Resources: []string{"pods"}, Verbs: []string{"get"}},
	)...)
	objects = append(objects, i.namespacedRole("webhook-certificate",
		rbacv1.PolicyRule{APIGroups: []string{""}, Resources: []string{"secrets"}, Verbs: []string{"list", "watch"}},
		rbacv1.PolicyRule{
			APIGroups: []string{""}, Resources: []string{"secrets"}, ResourceNames: []string{i.secret()},
			Verbs: []string{"get", "update"},
		},
	)...)
	return objects, nil
}

func (i installation) namespacedRole(name string, rules ...rbacv1.PolicyRule) []client.Object {
	role, binding := i.ObjectName(name+"-role"), i.ObjectName(name+"-rolebinding")
	return []client.Object{
		&rbacv1.Role{ObjectMeta: metav1.ObjectMeta{Namespace: i.Namespace, Name: role}, Rules: rules},
		&rbacv1.RoleBinding{
			ObjectMeta: metav1.ObjectMeta{Namespace: i.Namespace, Name: binding},
			RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: role},
			Subjects:   i.subjects(),
		},
	}
}

func (i installation) subjects() []rbacv1.Subject {
	return []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Namespace: i.Namespace, Name: i.serviceAccount()}}
}
