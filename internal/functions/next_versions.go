// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package functions

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/function"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/terraform-capi/terraform-provider-capi/internal/topology"
)

type nextVersions struct{}

// NewNextVersions returns the function next_versions.
func NewNextVersions() function.Function { return nextVersions{} }

func (nextVersions) Metadata(_ context.Context, _ function.MetadataRequest, resp *function.MetadataResponse) {
	resp.Name = "next_versions"
}

func (nextVersions) Definition(_ context.Context, _ function.DefinitionRequest, resp *function.DefinitionResponse) {
	resp.Definition = function.Definition{
		Summary: "The versions that a cluster may be upgraded to",
		MarkdownDescription: "Returns those of a class's Kubernetes versions that a cluster of the class may be set to next, oldest first: " +
			"all that are newer and that no missing minor version separates from the cluster's. The last is the newest that can be had.",
		Parameters: []function.Parameter{
			versionParameter("version", "The version that the cluster has."),
			versionsParameter("nothing is known to choose from: the result is empty."),
		},
		Return: function.ListReturn{ElementType: types.StringType},
	}
}

func (nextVersions) Run(ctx context.Context, req function.RunRequest, resp *function.RunResponse) {
	var version string
	var versions []string
	resp.Error = req.Arguments.Get(ctx, &version, &versions)
	if resp.Error != nil {
		return
	}
	resp.Error = function.ConcatFuncErrors(checkVersion(0, version), checkVersions(1, versions))
	if resp.Error != nil {
		return
	}
	next, err := topology.NextVersions(version, versions) //nolint:contextcheck // Comparing versions waits for nothing.
	if err != nil {
		resp.Error = function.NewFuncError(err.Error())
		return
	}
	resp.Error = resp.Result.Set(ctx, append([]string{}, next...))
}
