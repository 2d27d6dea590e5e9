// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package capiprovider

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"k8s.io/apimachinery/pkg/util/version"
	clusterctlv1 "sigs.k8s.io/cluster-api/cmd/clusterctl/api/v1alpha3"

	"github.com/terraform-capi/terraform-provider-capi/controllers/config"
	"github.com/terraform-capi/terraform-provider-capi/internal/bundle"
	"github.com/terraform-capi/terraform-provider-capi/internal/management"
)

// checkVersions warns of Cluster API's own providers of another minor release that stay
// as they are: those that another tool installed, or a later version of this provider.
// Others that Terraform installed come along with this binary, and other projects'
// providers have versions of their own.
func checkVersions(ctx context.Context, cluster *management.Cluster, plan model) diag.Diagnostics {
	inventory := &clusterctlv1.ProviderList{}
	if err := cluster.List(ctx, inventory); err != nil {
		// Without an inventory there is nothing to compare with. What else may be
		// wrong has been found by who asked before.
		return nil
	}
	own := plan.release()
	var others []string
	for i := range inventory.Items {
		entry := &inventory.Items[i]
		comesAlong := management.IsApplied(entry) && !bundle.ReleaseOf(entry).IsLaterThan(own)
		if !comesAlong && slices.Contains(config.Names(), entry.Name) && !sameMinor(entry.Version, own.ClusterAPI) {
			others = append(others, entry.Name+" "+entry.Version)
		}
	}
	if len(others) == 0 {
		return nil
	}
	return diag.Diagnostics{diag.NewAttributeWarningDiagnostic(path.Root("version"), "Cluster API of several versions", fmt.Sprintf(
		"%s would be %s, beside %s, which another tool or a newer version of this provider installed in %s. "+
			"Providers of different releases do not understand each other for sure. Bring all to the same version: import older ones as capi_provider, "+
			"or upgrade them with clusterctl upgrade apply; for newer ones, run a version of this provider that has their release.",
		plan.object(), own.ClusterAPI, strings.Join(others, ", "), management.Describe(plan.ManagementCluster.ValueString())))}
}

// sameMinor says whether two versions are of one minor release. What is no
// version is of none.
func sameMinor(a, b string) bool {
	x, errX := version.ParseSemantic(a)
	y, errY := version.ParseSemantic(b)
	return errX == nil && errY == nil && x.Major() == y.Major() && x.Minor() == y.Minor()
}
