// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package provider

import (
	"context"
	"encoding/json"
	"os"
	"strconv"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/terraform-capi/terraform-provider-capi/internal/connection"
)

type model struct {
	Kubeconfig           types.String `tfsdk:"kubeconfig"`
	KubeconfigPath       types.String `tfsdk:"kubeconfig_path"`
	Context              types.String `tfsdk:"context"`
	Host                 types.String `tfsdk:"host"`
	Token                types.String `tfsdk:"token"`
	ClusterCACertificate types.String `tfsdk:"cluster_ca_certificate"`
	ClientCertificate    types.String `tfsdk:"client_certificate"`
	ClientKey            types.String `tfsdk:"client_key"`
	TLSServerName        types.String `tfsdk:"tls_server_name"`
	ProxyURL             types.String `tfsdk:"proxy_url"`
	Insecure             types.Bool   `tfsdk:"insecure"`
	InCluster            types.Bool   `tfsdk:"in_cluster"`
	Exec                 types.List   `tfsdk:"exec"`
}

type execModel struct {
	APIVersion types.String `tfsdk:"api_version"`
	Command    types.String `tfsdk:"command"`
	Args       types.List   `tfsdk:"args"`
	Env        types.Map    `tfsdk:"env"`
}

// connection is what the block says, completed from the environment.
func (m model) connection(ctx context.Context) (connection.Connection, diag.Diagnostics) {
	block := map[connection.Attribute]connection.Value{}
	for attribute, value := range map[connection.Attribute]types.String{
		connection.Kubeconfig: m.Kubeconfig, connection.KubeconfigPath: m.KubeconfigPath, connection.Context: m.Context,
		connection.Host: m.Host, connection.Token: m.Token, connection.ClusterCACertificate: m.ClusterCACertificate,
		connection.ClientCertificate: m.ClientCertificate, connection.ClientKey: m.ClientKey,
		connection.TLSServerName: m.TLSServerName, connection.ProxyURL: m.ProxyURL,
	} {
		block[attribute] = connection.Value{Text: value.ValueString(), Unknown: value.IsUnknown()}
	}
	for attribute, value := range map[connection.Attribute]types.Bool{connection.Insecure: m.Insecure, connection.InCluster: m.InCluster} {
		block[attribute] = connection.Value{Text: strconv.FormatBool(value.ValueBool()), Unknown: value.IsUnknown()}
	}
	exec, diags := m.exec(ctx)
	block[connection.Exec] = exec
	c, problems := connection.New(block, os.Getenv)
	for _, problem := range problems {
		diags.AddAttributeError(path.Root(string(problem.Attribute)), problem.Summary, problem.Detail)
	}
	return c, diags
}

func (m model) exec(ctx context.Context) (connection.Value, diag.Diagnostics) {
	if m.Exec.IsNull() || m.Exec.IsUnknown() {
		return connection.Value{Unknown: m.Exec.IsUnknown()}, nil
	}
	var blocks []execModel
	diags := m.Exec.ElementsAs(ctx, &blocks, false)
	if len(blocks) == 0 {
		return connection.Value{}, diags
	}
	block := blocks[0]
	if raw, err := m.Exec.ToTerraformValue(ctx); err != nil || !raw.IsFullyKnown() {
		return connection.Value{Unknown: true}, diags
	}
	spec := connection.ExecSpec{APIVersion: block.APIVersion.ValueString(), Command: block.Command.ValueString()}
	diags.Append(block.Args.ElementsAs(ctx, &spec.Args, false)...)
	diags.Append(block.Env.ElementsAs(ctx, &spec.Env, false)...)
	text, err := json.Marshal(spec)
	if err != nil {
		diags.AddAttributeError(path.Root("exec"), "Invalid connection", err.Error())
	}
	return connection.Value{Text: string(text)}, diags
}
