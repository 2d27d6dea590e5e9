// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package functions

import (
	"context"
	"errors"

	"github.com/hashicorp/terraform-plugin-framework/function"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/terraform-capi/terraform-provider-capi/internal/topology"
)

type upgradePath struct{}

// NewUpgradePath returns the function upgrade_path.
func NewUpgradePath() function.Function { return upgradePath{} }

func (upgradePath) Metadata(_ context.Context, _ function.MetadataRequest, resp *function.MetadataResponse) {
	resp.Name = "upgrade_path"
}

func (upgradePath) Definition(_ context.Context, _ function.DefinitionRequest, resp *function.DefinitionResponse) {
	resp.Definition = function.Definition{
		Summary: "The versions that an upgrade goes through",
		MarkdownDescription: "Returns the Kubernetes versions that a control plane goes through from one version, which is left out, to another, " +
			"which comes last. For every minor version in between it is the newest that the class lists. " +
			"The list is empty if the versions are equal. It is an error if Cluster API would refuse the upgrade.",
		Parameters: []function.Parameter{
			versionParameter("from", "The version that the cluster has."),
			versionParameter("to", "The version that it is to have."),
			versionsParameter("an upgrade goes up by one minor version at most."),
		},
		Return: function.ListReturn{ElementType: types.StringType},
	}
}

func (upgradePath) Run(ctx context.Context, req function.RunRequest, resp *function.RunResponse) {
	var from, to string
	var versions []string
	resp.Error = req.Arguments.Get(ctx, &from, &to, &versions)
	if resp.Error != nil {
		return
	}
	resp.Error = function.ConcatFuncErrors(checkVersion(0, from), checkVersion(1, to), checkVersions(2, versions))
	if resp.Error != nil {
		return
	}
	path, err := topology.UpgradePath(from, to, versions) //nolint:contextcheck // Comparing versions waits for nothing.
	var panicked *topology.PanicError
	switch {
	case errors.As(err, &panicked):
		resp.Error = function.NewFuncError(err.Error())
		return
	case err != nil:
		resp.Error = function.NewArgumentFuncError(1, to+": "+err.Error())
		return
	}
	resp.Error = resp.Result.Set(ctx, append([]string{}, path...))
}
