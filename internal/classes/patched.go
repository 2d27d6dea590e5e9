// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package classes

import (
	"context"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/terraform-capi/terraform-provider-capi/internal/management"
	"github.com/terraform-capi/terraform-provider-capi/internal/topology"
)

// CheckPatched returns what is wrong about the objects that a class and its patches
// make of a cluster, and what is not known about that. The bundled kinds say it. Where
// their schemas find fault with an object, a management cluster that answers has the
// last word, as its providers may be of other versions.
func CheckPatched(ctx context.Context, mgmt *management.Cluster, rendering *topology.Rendering) []topology.Problem {
	if rendering == nil {
		return nil
	}
	faults, problems := rendering.Faults(ctx)
	asked := map[*unstructured.Unstructured]bool{}
	faults = slices.DeleteFunc(faults, func(fault topology.Fault) bool {
		if mgmt == nil || !fault.Schema {
			return false
		}
		taken, found := asked[fault.Object]
		if !found {
			taken = mgmt.Apply(ctx, fault.Object.DeepCopy(), client.DryRunAll) == nil
			asked[fault.Object] = taken
		}
		return taken
	})
	return append(problems, rendering.Explain(ctx, faults)...)
}
