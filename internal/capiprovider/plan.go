// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package capiprovider

import (
	"context"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"
	clusterctlv1 "sigs.k8s.io/cluster-api/cmd/clusterctl/api/v1alpha3"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/terraform-capi/terraform-provider-capi/controllers/config"
	"github.com/terraform-capi/terraform-provider-capi/internal/bundle"
	"github.com/terraform-capi/terraform-provider-capi/internal/management"
	"github.com/terraform-capi/terraform-provider-capi/internal/management/kind"
	"github.com/terraform-capi/terraform-provider-capi/internal/session"
	"github.com/terraform-capi/terraform-provider-capi/internal/tfkit"
)

// ModifyPlan plans what this binary would install. All of it is known without a
// management cluster, so that a new binary shows as an update, and only then.
func (r *Resource) ModifyPlan(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	known, diags := tfkit.ReadRecord[tfkit.Record](ctx, req.Private)
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() {
		return
	}
	if !req.State.Raw.IsNull() {
		tfkit.ManageRecorded(r.session, known.UID, known)
	}
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
	plan.fromRelease(r.bundle.Release())
	plan.InstalledBy = types.StringValue(bundle.ByTerraform)
	resp.Diagnostics.Append(r.planImage(ctx, &plan, configured)...)
	if resp.Diagnostics.HasError() {
		return
	}
	plan.Ready = types.BoolUnknown()
	if req.State.Raw.IsNull() {
		resp.Diagnostics.Append(r.checkCreation(ctx, plan, known, resp.Private)...)
	} else {
		var state model
		resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
		same := plan.release() == state.release()
		if !same {
			resp.Diagnostics.Append(r.checkUpgrade(ctx, plan, state)...)
		}
		if state.Ready.ValueBool() && known.Creation == "" && plan.Image.Equal(state.Image) && same && plan.ID.Equal(state.ID) &&
			plan.Manager.Equal(state.Manager) && plan.Deployment.Equal(state.Deployment) && plan.InstalledBy.Equal(state.InstalledBy) {
			plan.Ready = state.Ready
		}
	}
	resp.Diagnostics.Append(resp.Plan.Set(ctx, plan)...)
}

// planImage names the image that will be installed. Only the provider block's
// management cluster need not be a KinD cluster, so one that is not known yet is taken for one.
func (r *Resource) planImage(ctx context.Context, plan *model, configured model) diag.Diagnostics {
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
		// Without a management cluster an image would not help.
		if _, connecting := tfkit.ConnectAtPlan(ctx, r.session, plan.ManagementCluster, true); connecting.HasError() {
			return connecting
		}
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
func (r *Resource) checkCreation(ctx context.Context, plan model, known tfkit.Record, private tfkit.PrivateState) diag.Diagnostics {
	diags := r.checkDocker(ctx, plan)
	if r.session == nil || plan.ManagementCluster.IsUnknown() {
		return diags
	}
	if !r.session.Claim(session.Plan, ResourceType, plan.id()) {
		return append(diags, tfkit.CreatedTwice(path.Root("name"), plan.object()))
	}
	cluster, connecting := tfkit.ConnectAtPlan(ctx, r.session, plan.ManagementCluster, true)
	diags.Append(connecting...)
	if cluster == nil {
		return diags
	}
	if diags.Append(r.checkOthers(ctx, cluster, plan, true)...); diags.HasError() {
		return diags
	}
	diags.Append(r.checkNew(ctx, cluster, plan, known, private)...)
	return append(diags, r.checkFit(ctx, cluster, plan, true)...)
}

// checkUpgrade refuses what is no upgrade of what the state has, and looks, where
// there is an API, whether the provider will fit what is there.
func (r *Resource) checkUpgrade(ctx context.Context, plan, state model) diag.Diagnostics {
	if diags := r.checkRelease(state, state.release()); diags.HasError() {
		return diags
	}
	if diags := r.checkSkip(state, state.release()); diags.HasError() {
		return diags
	}
	cluster, diags := tfkit.ConnectAtPlan(ctx, r.session, plan.ManagementCluster, false)
	if cluster == nil {
		return diags
	}
	diags.Append(r.checkOthers(ctx, cluster, plan, true)...)
	return append(diags, r.checkFit(ctx, cluster, plan, true)...)
}

// checkNew refuses to install a provider that is installed, or that another
// resource of the configuration installs, too.
func (r *Resource) checkNew(ctx context.Context, cluster *management.Cluster, plan model, known tfkit.Record, private tfkit.PrivateState) diag.Diagnostics {
	entry := &clusterctlv1.Provider{}
	key := client.ObjectKey{Namespace: plan.Namespace.ValueString(), Name: plan.Name.ValueString()}
	if err := cluster.Get(ctx, key, entry); err != nil {
		return nil
	}
	if r.session.MayCreate(ctx, entry, known.UID) {
		if diags := r.checkRelease(plan, bundle.ReleaseOf(entry)); diags.HasError() {
			return diags
		}
		return tfkit.CarryRecord(ctx, r.session, private, known.UID, entry.UID)
	}
	installed := bundle.Status{Release: bundle.ReleaseOf(entry), Origin: bundle.OriginOf(entry)}
	return diag.Diagnostics{alreadyInstalled(plan, installed)}
}
