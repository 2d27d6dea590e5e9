// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/booldefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringdefault"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"

	"github.com/terraform-capi/terraform-provider-capi/internal/live"
	"github.com/terraform-capi/terraform-provider-capi/internal/tfkit"
)

// What to do when a wait times out.
const (
	onTimeoutWarn  = "warn"
	onTimeoutError = "error"
)

// What destroying the resource does to the cluster.
const (
	deletionPolicyDelete = "delete"
	deletionPolicyOrphan = "orphan"
)

// lifecycleAttributes say how Terraform handles the cluster. Nothing in the
// management cluster depends on them.
func lifecycleAttributes() map[string]schema.Attribute {
	return map[string]schema.Attribute{
		"wait_for": schema.StringAttribute{
			MarkdownDescription: "How far the cluster has to have come before an apply continues. Each level includes those before it. " + live.DescribeLevels() +
				" Default: `" + live.LevelRollout.String() + "`. A change touches nothing.",
			Optional:   true,
			Computed:   true,
			Default:    stringdefault.StaticString(live.LevelRollout.String()),
			Validators: []validator.String{stringvalidator.OneOf(live.LevelNames()...)},
		},
		"on_timeout": schema.StringAttribute{
			MarkdownDescription: "What a wait is that takes too long, or that ends because the cluster is stuck: with `warn` a warning, `ready` is false and the next apply resumes the wait; " +
				"with `error` an error, which on creation makes Terraform replace the cluster next time. Default: `warn`. A change touches nothing.",
			Optional:   true,
			Computed:   true,
			Default:    stringdefault.StaticString(onTimeoutWarn),
			Validators: []validator.String{stringvalidator.OneOf(onTimeoutWarn, onTimeoutError)},
		},
		"deletion_protection": schema.BoolAttribute{
			MarkdownDescription: "Whether a plan that destroys or replaces the cluster is an error. What counts is the last value that was applied: " +
				"to destroy the cluster, first apply `false`. Default: `false`. A change touches nothing.",
			Optional: true,
			Computed: true,
			Default:  booldefault.StaticBool(false),
		},
		"deletion_policy": schema.StringAttribute{
			MarkdownDescription: "What destroying the resource does: `" + deletionPolicyDelete + "` deletes the cluster; `" + deletionPolicyOrphan +
				"` only forgets it, and it keeps running in its management cluster. Default: `" + deletionPolicyDelete + "`. A change touches nothing.",
			Optional:   true,
			Computed:   true,
			Default:    stringdefault.StaticString(deletionPolicyDelete),
			Validators: []validator.String{stringvalidator.OneOf(deletionPolicyDelete, deletionPolicyOrphan)},
		},
		"force_delete_after": schema.StringAttribute{
			MarkdownDescription: "How long a deletion may take, such as `20m`, before finalizers are removed by force: from bottom to top, and only from objects " +
				"whose dependents and infrastructure no longer exist. Infrastructure objects themselves (such as DockerMachines) and bootstrap configurations are never forced. " +
				"Each removal is reported as a warning. It counts from when the Cluster was deleted, and needs a `timeouts.delete` that is longer. " +
				"Default: never. A change touches nothing.",
			Optional:   true,
			Validators: []validator.String{tfkit.Duration()},
		},
	}
}
