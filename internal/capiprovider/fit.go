// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package capiprovider

import (
	"context"
	"fmt"
	"strings"
	"sync"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"

	"github.com/terraform-capi/terraform-provider-capi/internal/bundle"
	"github.com/terraform-capi/terraform-provider-capi/internal/management"
	"github.com/terraform-capi/terraform-provider-capi/internal/session"
	"github.com/terraform-capi/terraform-provider-capi/internal/tfkit"
)

// plannedCores are the management clusters whose core provider this plan installs or upgrades.
type plannedCores struct{ sync.Map }

// checkFit refuses to install a provider beside what it does not work with: objects that its kinds cannot hold, and a core
// provider of another contract. In a plan, a core provider that has been planned before is taken
// for upgraded: Terraform plans what a resource depends on before the resource.
func (r *Resource) checkFit(ctx context.Context, cluster *management.Cluster, plan model, planning bool) diag.Diagnostics {
	diags := r.checkStored(ctx, cluster, plan)
	cores := session.Part[plannedCores](r.session)
	if plan.Name.ValueString() == bundle.CoreProvider {
		cores.Store(cluster.ID, true)
	} else if _, planned := cores.Load(cluster.ID); !planned || !planning {
		diags.Append(r.checkCore(ctx, cluster, plan, planning)...)
	}
	if planning {
		diags.Append(checkVersions(ctx, cluster, plan)...)
	}
	return diags
}

// checkOthers refuses a second installation of a provider.
func (r *Resource) checkOthers(ctx context.Context, cluster *management.Cluster, plan model, planning bool) diag.Diagnostics {
	others, err := r.bundle.Others(ctx, cluster, plan.Name.ValueString())
	if err != nil {
		return unasked(plan, err, planning)
	}
	if len(others) == 0 {
		return nil
	}
	texts := make([]string, len(others))
	for i, other := range others {
		texts[i] = other.String()
	}
	return diag.Diagnostics{diag.NewAttributeErrorDiagnostic(path.Root("name"), "Provider installed otherwise", fmt.Sprintf(
		"%s cannot be installed, because there is:\n\n%s\n\nTwo installations of a provider would reconcile the same objects. "+
			"Use the one that is there, and leave this resource out; or have who installed it remove it first.",
		tfkit.Capitalize(describe(plan)), tfkit.Indent(list(texts))))}
}

// checkCore refuses a provider that the installed core provider does not understand.
func (r *Resource) checkCore(ctx context.Context, cluster *management.Cluster, plan model, planning bool) diag.Diagnostics {
	contracts, err := r.bundle.CoreContracts(ctx, cluster)
	if err != nil {
		return unasked(plan, err, planning)
	}
	if bundle.Fits(contracts) {
		return nil
	}
	return diag.Diagnostics{diag.NewAttributeErrorDiagnostic(path.Root("version"), "Core provider too old", fmt.Sprintf(
		"%s follows the contract %s of Cluster API, and the installed core provider, %s, speaks %s. "+
			"The core provider has to be upgraded first: let this resource depend on the one of the core provider, with depends_on = [capi_provider.core].",
		tfkit.Capitalize(describe(plan)), bundle.Contract, bundle.CoreProvider, strings.Join(contracts, ", ")))}
}

// unasked is about a question that the management cluster did not answer. A plan does without the answer, an apply does not.
func unasked(plan model, err error, planning bool) diag.Diagnostics {
	if planning {
		return nil
	}
	return diag.Diagnostics{tfkit.RequestError("look for what "+plan.object()+" would be installed beside", err)}
}

// checkSkip refuses an upgrade that leaves out releases.
func (r *Resource) checkSkip(m model, installed bundle.Release) diag.Diagnostics {
	first, skips := installed.SkipsTooMany(r.bundle.Release())
	if !skips {
		return nil
	}
	return diag.Diagnostics{diag.NewAttributeErrorDiagnostic(path.Root("version"), "Upgrade skips too many versions", fmt.Sprintf(
		"%s is of Cluster API %s, and this provider brings %s. Cluster API is upgraded by three minor versions at most at once, because stored objects are "+
			"migrated from release to release. Upgrade to %s first: with clusterctl upgrade apply, or with a version of this provider that has it.",
		tfkit.Capitalize(describe(m)), installed.ClusterAPI, r.bundle.Release().ClusterAPI, first))}
}

// alreadyInstalled says that a provider is there, from whom, and how to go on.
func alreadyInstalled(plan model, installed bundle.Status) diag.Diagnostic {
	exists := tfkit.AlreadyExists(path.Root("name"), describe(plan), ResourceType, plan.id())
	return diag.WithPath(path.Root("name"), diag.NewErrorDiagnostic(exists.Summary(), fmt.Sprintf(
		"%s It is Cluster API %s, installed by %s.", exists.Detail(), installed.Release.ClusterAPI, installed.Origin)))
}
