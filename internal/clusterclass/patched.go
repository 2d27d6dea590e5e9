// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package clusterclass

import (
	"context"
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/terraform-capi/terraform-provider-capi/internal/management"
	"github.com/terraform-capi/terraform-provider-capi/internal/topology"
)

// CheckPatched returns which fields the patches of a class set, in the objects that
// they make, that the objects' kinds do not have, and what is not known about that.
// The bundled kinds say it; a
// management cluster that answers has the last word, as its providers may be of
// other versions.
func CheckPatched(ctx context.Context, mgmt *management.Cluster, objects []*unstructured.Unstructured) []topology.Problem {
	var problems []topology.Problem
	for _, obj := range objects {
		fields, unknown := topology.UndeclaredFields(ctx, obj)
		problems = append(problems, unknown...)
		if len(fields) == 0 {
			continue
		}
		if mgmt != nil {
			err := mgmt.Apply(ctx, obj.DeepCopy(), client.DryRunAll)
			if err == nil || !strings.Contains(err.Error(), unlikeSchema) {
				continue
			}
		}
		problems = append(problems, topology.Problem{Class: true, Field: "spec.patches", Message: fmt.Sprintf(
			"they set fields of the %s that there are not: %s", obj.GetKind(), strings.Join(fields, ", "))})
	}
	return problems
}
