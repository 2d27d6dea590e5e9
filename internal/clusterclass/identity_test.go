// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package clusterclass_test

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"

	"github.com/terraform-capi/terraform-provider-capi/internal/acctest/identitytest"
	"github.com/terraform-capi/terraform-provider-capi/internal/clusterclass"
)

// identitySubject is a class with a template.
func identitySubject(env environment, name string) identitytest.Subject {
	type object = map[string]any
	return identitytest.Subject{
		Renames:  true,
		Provider: env.provider, Type: clusterclass.ResourceType,
		Config: object{
			"management_cluster": "kind://envtest", "name": name, "timeouts": object{"delete": "20s"},
			"infrastructure": object{"template": object{
				"api_version": "infrastructure.cluster.x-k8s.io/v1beta2", "kind": "DockerClusterTemplate", "spec": object{},
			}},
			"control_plane": object{
				"template": object{
					"api_version": "controlplane.cluster.x-k8s.io/v1beta2", "kind": "KubeadmControlPlaneTemplate",
					"spec": object{"kubeadmConfigSpec": object{"format": "cloud-config"}},
				},
				"machine_infrastructure": object{"template": object{
					"api_version": "infrastructure.cluster.x-k8s.io/v1beta2", "kind": "DockerMachineTemplate", "spec": object{},
				}},
			},
		},
		Change: object{"labels": object{"tier": "changed"}},
		Object: &clusterv1.ClusterClass{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name}},
	}
}

func TestIntegrationClusterClassAnswers(t *testing.T) {
	identitySubject(setUp(t), "answers").Answers(t)
}

func TestIntegrationClusterClassCreations(t *testing.T) {
	identitySubject(setUp(t), "creations").Creations(t)
}

func TestIntegrationClusterClassRestricted(t *testing.T) {
	identitySubject(setUp(t), "restricted").Restricted(t)
}

func TestIntegrationClusterClassReplacements(t *testing.T) {
	identitySubject(setUp(t), "replacements").Replacements(t)
}

func TestIntegrationClusterClassTwins(t *testing.T) {
	identitySubject(setUp(t), "twins").Twins(t)
}
