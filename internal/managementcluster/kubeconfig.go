// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package managementcluster

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/terraform-capi/terraform-provider-capi/internal/management"
	"github.com/terraform-capi/terraform-provider-capi/internal/management/kind"
)

// readContext notices that the context has gone from the kubeconfig, so that the
// next apply writes it again.
func readContext(state *model) {
	if state.KubeconfigPath.ValueString() == "" {
		return
	}
	path, err := management.ExpandHome(state.KubeconfigPath.ValueString())
	if err != nil || !kind.HasContext(path, state.Name.ValueString(), state.Endpoint.ValueString()) {
		state.KubeconfigPath = types.StringNull()
	}
}

// exportKubeconfig writes the kubeconfig that the model asks for. Failing that is
// a warning: the cluster works, and Read notices that the context is missing.
func (r *Resource) exportKubeconfig(ctx context.Context, m model) diag.Diagnostics {
	if m.KubeconfigPath.ValueString() == "" {
		return nil
	}
	path, err := management.ExpandHome(m.KubeconfigPath.ValueString())
	if err == nil {
		err = r.clusters.ExportKubeConfig(ctx, m.Name.ValueString(), path)
	}
	return kubeconfigWarning("Kubeconfig not written", err)
}

func removeContext(ctx context.Context, m model) diag.Diagnostics {
	if m.KubeconfigPath.ValueString() == "" {
		return nil
	}
	path, err := management.ExpandHome(m.KubeconfigPath.ValueString())
	if err == nil {
		err = kind.RemoveContext(ctx, path, m.Name.ValueString(), m.Endpoint.ValueString(), m.ClusterCACertificate.ValueString())
	}
	return kubeconfigWarning("Kubeconfig not cleaned up", err)
}
