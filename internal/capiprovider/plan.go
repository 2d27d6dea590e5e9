// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package capiprovider

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	clusterctlv1 "sigs.k8s.io/cluster-api/cmd/clusterctl/api/v1alpha3"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/terraform-capi/terraform-provider-capi/controllers/config"
	"github.com/terraform-capi/terraform-provider-capi/internal/bundle"
	"github.com/terraform-capi/terraform-provider-capi/internal/management"
	"github.com/terraform-capi/terraform-provider-capi/internal/management/kind"
	"github.com/terraform-capi/terraform-provider-capi/internal/tfkit"
)

var errNoImage = errors.New("this provider's executable can be loaded into KinD clusters on this machine only")

// ModifyPlan plans what this binary would install. All of it is known without a
// management cluster, so that a new binary shows as an update, and only then.
func (r *Resource) ModifyPlan(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	if req.Plan.Raw.IsNull() {
		return
	}
	var plan, configured model
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	resp.Diagnostics.Append(req.Config.Get(ctx, &configured)...)
	if resp.Diagnostics.HasError() || plan.Name.IsUnknown() {
		return
	}
	provider, err := config.Find(plan.Name.ValueString())
	if err != nil {
		resp.Diagnostics.AddAttributeError(path.Root("name"), "Unknown provider", err.Error())
		return
	}
	plan.fromProvider(provider)
	plan.Version = types.StringValue(bundle.Version())
	resp.Diagnostics.Append(r.planImage(&plan, configured)...)
	if resp.Diagnostics.HasError() {
		return
	}
	plan.Ready = types.BoolUnknown()
	if req.State.Raw.IsNull() {
		resp.Diagnostics.Append(r.checkCreation(ctx, plan)...)
	} else {
		var state model
		resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
		if !plan.Version.Equal(state.Version) {
			resp.Diagnostics.Append(r.checkUpgrade(ctx, plan)...)
		}
		if state.Ready.ValueBool() && plan.Image.Equal(state.Image) && plan.Version.Equal(state.Version) && plan.ID.Equal(state.ID) {
			plan.Ready = state.Ready
		}
	}
	resp.Diagnostics.Append(resp.Plan.Set(ctx, plan)...)
}

// planImage names the image that will be installed. Only the provider block's
// management cluster need not be a KinD cluster, so one that is not known yet is taken for one.
func (r *Resource) planImage(plan *model, configured model) diag.Diagnostics {
	if !configured.Image.IsNull() {
		plan.Image = configured.Image
		return nil
	}
	managementCluster := plan.ManagementCluster.ValueString()
	if plan.ManagementCluster.IsUnknown() {
		managementCluster = management.KindID("unknown")
	}
	image, err := r.bundle.Image(managementCluster, "")
	if err != nil {
		return diag.Diagnostics{imageError(err)}
	}
	plan.Image = types.StringValue(image.Reference)
	return nil
}

func imageError(err error) diag.Diagnostic {
	return diag.NewAttributeErrorDiagnostic(path.Root("image"), "No image for the controllers", fmt.Sprintf(
		"There is no default image for the controllers here: %s. Set image to one in a registry that the management cluster can pull.", err))
}

// checkDocker refuses to install a provider into a KinD cluster whose node lacks
// the engine's socket: its pod would never start, and the mount cannot be added.
func (r *Resource) checkDocker(ctx context.Context, plan model) diag.Diagnostics {
	managementCluster := plan.ManagementCluster.ValueString()
	if !r.bundle.LacksDocker(ctx, managementCluster, plan.Name.ValueString()) {
		return nil
	}
	return diag.Diagnostics{diag.NewAttributeErrorDiagnostic(tfkit.ManagementClusterPath, "No Docker socket", fmt.Sprintf(
		"The node of %s has no %s, through which provider %s makes containers. A KinD cluster's mounts cannot be changed: "+
			"let capi_management_cluster make it with mount_docker_socket (which is the default), or kind with extraMounts.",
		management.Describe(managementCluster), kind.DockerSocket, plan.Name.ValueString()))}
}

// checkCreation looks, where there is an API already, whether the provider is
// there too.
func (r *Resource) checkCreation(ctx context.Context, plan model) diag.Diagnostics {
	diags := r.checkDocker(ctx, plan)
	cluster, connecting := tfkit.ConnectAtPlan(ctx, r.session, plan.ManagementCluster)
	diags.Append(connecting...)
	if cluster == nil {
		return diags
	}
	diags.Append(r.checkForeign(ctx, cluster, plan)...)
	return append(diags, checkVersions(ctx, cluster, plan)...)
}

// checkUpgrade looks, where there is an API, whether the provider will fit the
// others.
func (r *Resource) checkUpgrade(ctx context.Context, plan model) diag.Diagnostics {
	cluster, diags := tfkit.ConnectAtPlan(ctx, r.session, plan.ManagementCluster)
	if cluster == nil {
		return diags
	}
	return append(diags, checkVersions(ctx, cluster, plan)...)
}

// checkForeign refuses to take over a provider that somebody else installed,
// which is what importing is for. One that was installed by us is left from a
// creation that was cut off.
func (r *Resource) checkForeign(ctx context.Context, cluster *management.Cluster, plan model) diag.Diagnostics {
	provider, err := config.Find(plan.Name.ValueString())
	if err != nil {
		return diag.Diagnostics{diag.NewAttributeErrorDiagnostic(path.Root("name"), "Unknown provider", err.Error())}
	}
	entry := &clusterctlv1.Provider{}
	err = cluster.Get(ctx, client.ObjectKey{Namespace: provider.Namespace, Name: provider.Name}, entry)
	switch {
	case management.IsAbsent(err):
		return nil
	case err != nil:
		return diag.Diagnostics{tfkit.RequestError("see whether "+plan.object()+" is installed", err)}
	case slices.ContainsFunc(entry.ManagedFields, isOurs):
		return nil
	}
	return diag.Diagnostics{tfkit.AlreadyExists(path.Root("name"), describe(plan), ResourceType, plan.ID.ValueString())}
}

func isOurs(entry metav1.ManagedFieldsEntry) bool { return entry.Manager == management.FieldManager }
