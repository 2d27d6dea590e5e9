// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package functions

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/function"
	"github.com/hashicorp/terraform-plugin-framework/types"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/terraform-capi/terraform-provider-capi/internal/tfkit"
)

type kubeconfigParse struct{}

// NewKubeconfigParse returns the function kubeconfig_parse.
func NewKubeconfigParse() function.Function { return kubeconfigParse{} }

func (kubeconfigParse) Metadata(_ context.Context, _ function.MetadataRequest, resp *function.MetadataResponse) {
	resp.Name = "kubeconfig_parse"
}

// parsedKubeconfig has the names that provider blocks give to the same things.
type parsedKubeconfig struct {
	Context              types.String `tfsdk:"context"`
	Contexts             []string     `tfsdk:"contexts"`
	Namespace            types.String `tfsdk:"namespace"`
	Host                 types.String `tfsdk:"host"`
	ClusterCACertificate types.String `tfsdk:"cluster_ca_certificate"`
	Insecure             types.Bool   `tfsdk:"insecure"`
	TLSServerName        types.String `tfsdk:"tls_server_name"`
	ProxyURL             types.String `tfsdk:"proxy_url"`
	ClientCertificate    types.String `tfsdk:"client_certificate"`
	ClientKey            types.String `tfsdk:"client_key"`
	Token                types.String `tfsdk:"token"`
	Exec                 *parsedExec  `tfsdk:"exec"`
}

type parsedExec struct {
	APIVersion types.String      `tfsdk:"api_version"`
	Command    types.String      `tfsdk:"command"`
	Args       []string          `tfsdk:"args"`
	Env        map[string]string `tfsdk:"env"`
}

func parsedTypes() map[string]attr.Type {
	attributes := map[string]attr.Type{
		"contexts": types.ListType{ElemType: types.StringType}, "insecure": types.BoolType,
		"exec": types.ObjectType{AttrTypes: map[string]attr.Type{
			"api_version": types.StringType, "command": types.StringType,
			"args": types.ListType{ElemType: types.StringType}, "env": types.MapType{ElemType: types.StringType},
		}},
	}
	for _, name := range []string{
		"context", "namespace", "host", "cluster_ca_certificate", "tls_server_name", "proxy_url", "client_certificate", "client_key", "token",
	} {
		attributes[name] = types.StringType
	}
	return attributes
}

func (kubeconfigParse) Definition(_ context.Context, _ function.DefinitionRequest, resp *function.DefinitionResponse) {
	resp.Definition = function.Definition{
		Summary: "What a kubeconfig consists of",
		MarkdownDescription: "Returns the parts of a kubeconfig under the names that provider blocks give them: `context`, `contexts`, `namespace`, `host`, " +
			"`cluster_ca_certificate`, `insecure`, `tls_server_name`, `proxy_url`, `client_certificate`, `client_key`, `token` and " +
			"`exec` with `api_version`, `command`, `args` and `env`. What the kubeconfig does not say is null. " +
			"It is an error if the kubeconfig names files: functions read none (`kubectl config view --flatten` puts them in). A sensitive kubeconfig gives a sensitive result.",
		Parameters: []function.Parameter{function.StringParameter{Name: "kubeconfig", MarkdownDescription: "The kubeconfig, as YAML or JSON."}},
		VariadicParameter: function.StringParameter{
			Name: "context", MarkdownDescription: "Name of the context to return, at most one. Default: the current context.",
		},
		Return: function.ObjectReturn{AttributeTypes: parsedTypes()},
	}
}

func (kubeconfigParse) Run(ctx context.Context, req function.RunRequest, resp *function.RunResponse) {
	var text string
	var contexts []string
	resp.Error = req.Arguments.Get(ctx, &text, &contexts)
	if resp.Error != nil {
		return
	}
	if len(contexts) > 1 {
		resp.Error = function.NewArgumentFuncError(2, "only one context can be returned")
		return
	}
	config, err := loadKubeconfig(text)
	if err != nil {
		resp.Error = function.NewArgumentFuncError(0, err.Error())
		return
	}
	name := config.CurrentContext
	if len(contexts) == 1 {
		name = contexts[0]
	}
	parsed, err := parseContext(config, name)
	if err != nil {
		resp.Error = function.NewArgumentFuncError(int64(len(contexts)), err.Error())
		return
	}
	resp.Error = resp.Result.Set(ctx, parsed)
}

func parseContext(config *clientcmdapi.Config, name string) (*parsedKubeconfig, error) {
	selected := config.Contexts[name]
	if selected == nil {
		return nil, fmt.Errorf("the kubeconfig has no context %q, but %q", name, slices.Sorted(maps.Keys(config.Contexts)))
	}
	cluster, user := config.Clusters[selected.Cluster], cmp.Or(config.AuthInfos[selected.AuthInfo], &clientcmdapi.AuthInfo{})
	if cluster == nil {
		return nil, fmt.Errorf("the kubeconfig has no cluster %q, which context %q names", selected.Cluster, name)
	}
	parsed := &parsedKubeconfig{
		Context: types.StringValue(name), Contexts: slices.Sorted(maps.Keys(config.Contexts)), Namespace: tfkit.TextOrNull(selected.Namespace),
		Host: tfkit.TextOrNull(cluster.Server), ClusterCACertificate: tfkit.TextOrNull(string(cluster.CertificateAuthorityData)),
		Insecure: types.BoolValue(cluster.InsecureSkipTLSVerify), TLSServerName: tfkit.TextOrNull(cluster.TLSServerName), ProxyURL: tfkit.TextOrNull(cluster.ProxyURL),
		ClientCertificate: tfkit.TextOrNull(string(user.ClientCertificateData)), ClientKey: tfkit.TextOrNull(string(user.ClientKeyData)), Token: tfkit.TextOrNull(user.Token),
	}
	if exec := user.Exec; exec != nil {
		parsed.Exec = &parsedExec{APIVersion: types.StringValue(exec.APIVersion), Command: types.StringValue(exec.Command), Args: exec.Args, Env: map[string]string{}}
		for _, variable := range exec.Env {
			parsed.Exec.Env[variable.Name] = variable.Value
		}
	}
	return parsed, nil
}
