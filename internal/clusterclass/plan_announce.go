// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package clusterclass

import (
	"context"
	"fmt"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/terraform-capi/terraform-provider-capi/internal/apifields"
	"github.com/terraform-capi/terraform-provider-capi/internal/topology"
)

// announcedClusters is how many clusters a plan of a class looks at. What follows
// for more of them follows alike.
const announcedClusters = 20

// announce warns of machines that a change of the class replaces. Clusters of the
// same configuration that refer to the class say so in their own plans, but
// others use it, too.
func announce(ctx context.Context, plan model, before, after *topology.Blueprint, clusters []clusterv1.Cluster) diag.Diagnostics {
	if before == nil || after == nil {
		return nil
	}
	var lines []string
	var diags diag.Diagnostics
	for i := range clusters[:min(len(clusters), announcedClusters)] {
		problems := topology.ValidateUse(ctx, *before, *after, &clusters[i])
		rolled, unknown := rolls(ctx, *before, *after, &clusters[i])
		diags.Append(apifields.UnknownDiagnostics(append(problems, unknown...))...)
		for _, problem := range topology.Known(problems) {
			diags.AddWarning("Cluster does not fit the class any more", apifields.Sentence(
				problem.Message)+" Cluster API takes the class, but cannot go on with the cluster until it is changed, too.")
		}
		for _, roll := range rolled {
			lines = append(lines, fmt.Sprintf("  Cluster %s, %s", client.ObjectKeyFromObject(&clusters[i]), roll))
		}
	}
	if len(lines) == 0 {
		return diags
	}
	if more := len(clusters) - announcedClusters; more > 0 {
		lines = append(lines, fmt.Sprintf("  (%d more clusters use the class)", more))
	}
	diags.AddWarning("Machines will be replaced", fmt.Sprintf(
		"Clusters use %s, and its change replaces machines of them, as each set's rollout strategy says:\n\n%s",
		plan.object(), strings.Join(lines, "\n")))
	return diags
}

// rolls returns what rolls in a cluster, and what is not known about that. Other
// problems are ValidateUse's to say.
func rolls(ctx context.Context, before, after topology.Blueprint, cluster *clusterv1.Cluster) ([]topology.Roll, []topology.Problem) {
	if !cluster.DeletionTimestamp.IsZero() {
		return nil, nil
	}
	old, problems := topology.Render(ctx, before, cluster, nil)
	if old == nil || len(problems) > 0 {
		return nil, topology.Unknown(problems)
	}
	rendered, problems := topology.Render(ctx, after, old.Cluster, old)
	if rendered == nil || len(problems) > 0 {
		return nil, topology.Unknown(problems)
	}
	return topology.Compare(old, rendered)
}
