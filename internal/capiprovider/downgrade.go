// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package capiprovider

import (
	"context"
	"fmt"
	"slices"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"

	"github.com/terraform-capi/terraform-provider-capi/internal/bundle"
	"github.com/terraform-capi/terraform-provider-capi/internal/management"
	"github.com/terraform-capi/terraform-provider-capi/internal/tfkit"
)

// checkRelease refuses to touch a provider that is installed from a later release than
// the one in this binary. Cluster API has no downgrades, and an uninstallation would
// leave behind what this binary does not know of.
func (r *Resource) checkRelease(m model, installed bundle.Release) diag.Diagnostics {
	own := r.bundle.Release()
	if !installed.IsLaterThan(own) {
		return nil
	}
	return diag.Diagnostics{diag.NewAttributeErrorDiagnostic(path.Root("version"), "Newer version installed", fmt.Sprintf(
		"%s was installed from %s. This is %s. Cluster API cannot be downgraded, so nothing of it is changed or uninstalled. %s",
		tfkit.Capitalize(describe(m)), installed, own, tfkit.UseNewer))}
}

// checkInstalled refuses to install the provider over a later release, or where the
// API server would refuse its kinds.
func (r *Resource) checkInstalled(ctx context.Context, cluster *management.Cluster, plan model) diag.Diagnostics {
	status, err := r.bundle.Installed(ctx, cluster, plan.Name.ValueString())
	switch {
	case management.IsAbsent(err):
	case err != nil:
		return diag.Diagnostics{tfkit.RequestError("read "+plan.object(), err)}
	default:
		if diags := r.checkRelease(plan, status.Release); diags.HasError() {
			return diags
		}
		if diags := r.checkSkip(plan, status.Release); diags.HasError() {
			return diags
		}
	}
	if diags := r.checkOthers(ctx, cluster, plan, false); diags.HasError() {
		return diags
	}
	return r.checkFit(ctx, cluster, plan, false)
}

// checkStored refuses to install kinds without the versions in which their objects may
// be stored. The API server refuses that, when half of the kinds are others already.
func (r *Resource) checkStored(ctx context.Context, cluster *management.Cluster, plan model) diag.Diagnostics {
	kinds, err := r.bundle.Unstorable(ctx, cluster, plan.Name.ValueString())
	if err != nil || len(kinds) == 0 {
		// What cannot be looked at, the installation will find out.
		return nil
	}
	names := make([]string, len(kinds))
	for n, kind := range kinds {
		names[n] = kind.String()
	}
	remedy := "Upgrade Cluster API to a release that has both versions first, with clusterctl upgrade apply: its controllers move the objects on, " +
		"and take the old version off status.storedVersions of the CustomResourceDefinition."
	if slices.ContainsFunc(kinds, bundle.StoredKind.IsLater) {
		remedy = tfkit.UseNewer
	}
	return diag.Diagnostics{diag.NewAttributeErrorDiagnostic(path.Root("version"), "Objects stored in an unknown version", fmt.Sprintf(
		"%s cannot be installed from %s, because objects of its kinds may be stored in versions of the API that it does not have:\n\n%s\n\n%s",
		tfkit.Capitalize(describe(plan)), r.bundle.Release(), tfkit.Indent(list(names)), remedy))}
}
