// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package capiprovider

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-log/tflog"

	"github.com/terraform-capi/terraform-provider-capi/internal/management"
	"github.com/terraform-capi/terraform-provider-capi/internal/tfkit"
	"github.com/terraform-capi/terraform-provider-capi/internal/waiter"
)

// shownObjects is how many objects a message names before it only counts.
const shownObjects = 10

// install brings the image into the nodes and the manifests into the API. The
// provider does not work yet when it returns.
func (r *Resource) install(ctx context.Context, cluster *management.Cluster, plan *model) diag.Diagnostics {
	image, err := r.bundle.Image(plan.ManagementCluster.ValueString(), plan.Image.ValueString())
	if err != nil {
		return diag.Diagnostics{imageError(err)}
	}
	settings, diags := plan.settings(ctx)
	if diags.HasError() {
		return diags
	}
	plan.Ready = types.BoolValue(false)
	tflog.Info(ctx, "loading the controllers image", map[string]any{"image": image.Reference})
	if err := r.bundle.Load(ctx, cluster, image); err != nil {
		return diag.Diagnostics{diag.NewErrorDiagnostic("Controllers image not loaded", fmt.Sprintf("Cannot install %s: %s.", describe(*plan), err))}
	}
	tflog.Info(ctx, "installing "+plan.object())
	if err := r.bundle.Install(ctx, cluster, plan.Name.ValueString(), image, settings); err != nil {
		return diag.Diagnostics{tfkit.RequestError("install "+plan.object(), err)}
	}
	return nil
}

// waitReady waits until the provider works, and sets whether it does.
func (r *Resource) waitReady(ctx context.Context, cluster *management.Cluster, plan *model) diag.Diagnostics {
	err := waiter.Wait(ctx, func(ctx context.Context) (bool, string, error) {
		pending, err := r.bundle.Pending(ctx, cluster, plan.Name.ValueString())
		return pending == "" && err == nil, pending, err
	})
	plan.Ready = types.BoolValue(err == nil)
	var timeout *waiter.TimeoutError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &timeout):
		return diag.Diagnostics{tfkit.TimeoutWarning(plan.object()+" to work", timeout, fmt.Sprintf(
			"The provider is installed. Applying again resumes the wait; the pods of namespace %s tell more", plan.Namespace.ValueString()))}
	default:
		return diag.Diagnostics{asWarning(tfkit.RequestError("wait for "+plan.object(), err))}
	}
}

// asWarning keeps an error after the installation from tainting the resource:
// Terraform would uninstall the provider.
func asWarning(d diag.Diagnostic) diag.Diagnostic {
	return diag.NewWarningDiagnostic(d.Summary(), d.Detail()+" The provider is installed; applying again resumes the wait.")
}

// waitUnused waits until no object of the provider's kinds exists: nobody would
// be left to delete what they stand for.
func (r *Resource) waitUnused(ctx context.Context, cluster *management.Cluster, state model) diag.Diagnostics {
	err := waiter.Wait(ctx, func(ctx context.Context) (bool, string, error) {
		objects, err := r.bundle.Serves(ctx, cluster, state.Name.ValueString())
		return len(objects) == 0, "objects of its kinds exist:\n" + list(objects), err
	})
	return deletionDiagnostics(state, err, "Destroy these objects first")
}

func waitGone(
	ctx context.Context, cluster *management.Cluster, state model, what func(context.Context, *management.Cluster, string) (string, error),
) diag.Diagnostics {
	err := waiter.Wait(ctx, func(ctx context.Context) (bool, string, error) {
		left, err := what(ctx, cluster, state.Name.ValueString())
		return left == "", "being deleted: " + left, err
	})
	return deletionDiagnostics(state, err, "Look for finalizers on these objects, and destroy again")
}

func deletionDiagnostics(state model, err error, remedy string) diag.Diagnostics {
	var timeout *waiter.TimeoutError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &timeout):
		return diag.Diagnostics{tfkit.TimeoutErrorDiagnostic(state.object()+" to be unused and gone", timeout, remedy)}
	default:
		return diag.Diagnostics{tfkit.RequestError("uninstall "+state.object(), err)}
	}
}

func list(objects []string) string {
	if len(objects) > shownObjects {
		objects = append(objects[:shownObjects:shownObjects], fmt.Sprintf("and %d more", len(objects)-shownObjects))
	}
	return strings.Join(objects, "\n")
}
