// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package clusterclass

import (
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"

	"github.com/terraform-capi/terraform-provider-capi/internal/topology"
)

// convertFields gives what attributes of dynamic type declare the types that the API has.
// A manifest is taken as it is written.
func convertFields(content map[string]any) {
	for _, holder := range holders(content) {
		ref, _ := holder["templateRef"].(map[string]any)
		topology.ConvertFields(&unstructured.Unstructured{Object: map[string]any{
			"apiVersion": ref["apiVersion"], "kind": ref["kind"], "spec": ref["extraSpec"],
		}})
		topology.ConvertFields(&unstructured.Unstructured{Object: map[string]any{
			"apiVersion": ref["apiVersion"], "kind": ref["kind"], "spec": map[string]any{"template": map[string]any{"spec": ref["spec"]}},
		}})
	}
	topology.ConvertFields(&unstructured.Unstructured{Object: map[string]any{
		"apiVersion": clusterv1.GroupVersion.String(), "kind": clusterv1.ClusterClassKind, "spec": content["spec"],
	}})
}
