// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package provider

import (
	"context"
	"fmt"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework-validators/listvalidator"
	"github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/hashicorp/terraform-plugin-framework/provider/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/terraform-capi/terraform-provider-capi/internal/connection"
)

// Schema describes the provider block.
func (p *Provider) Schema(_ context.Context, _ provider.SchemaRequest, resp *provider.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "Manages Kubernetes clusters with [Cluster API](https://cluster-api.sigs.k8s.io). " +
			"The block says which management cluster is meant where a resource does not name one with `management_cluster`. " +
			"All attributes are optional and have the names that they have in the `kubernetes` provider, where that has them. " +
			"They may come from other resources; nothing is connected to before it is needed. Several management clusters are several blocks, with an `alias` each.",
		Attributes: map[string]schema.Attribute{
			"kubeconfig": text(connection.Kubeconfig, true,
				"Content of a kubeconfig for the management cluster. Excludes `kubeconfig_path`, `host` and `in_cluster`."),
			"kubeconfig_path": text(connection.KubeconfigPath, false,
				"Path of a kubeconfig for the management cluster; a leading `~` is the home directory. Excludes `kubeconfig`, `host` and `in_cluster`."),
			"context": text(connection.Context, false,
				"Context of the kubeconfig to use. Default: its current context."),
			"host": text(connection.Host, false,
				"URL of the management cluster's API server; `https://` may be left out. Excludes `kubeconfig`, `kubeconfig_path` and `in_cluster`."),
			"token": text(connection.Token, true,
				"Bearer token, for `host`. Excludes `client_certificate` and `exec`."),
			"cluster_ca_certificate": text(connection.ClusterCACertificate, false,
				"Certificates of the authorities that the API server's certificate may be signed by, as PEM, for `host`. Default: those that this machine trusts."),
			"client_certificate": text(connection.ClientCertificate, false,
				"Client certificate, as PEM, for `host`. Needs `client_key`; excludes `token` and `exec`."),
			"client_key": text(connection.ClientKey, true,
				"Key of the client certificate, as PEM. Needs `client_certificate`."),
			"tls_server_name": text(connection.TLSServerName, false,
				"Name that the API server's certificate has to be for. Default: the host of the URL."),
			"proxy_url": text(connection.ProxyURL, true,
				"URL of a proxy for all requests to the management cluster, with `http`, `https` or `socks5`. Default: the proxy of the environment (`HTTPS_PROXY`)."),
			"insecure": flag(connection.Insecure,
				"Whether to accept any certificate from the API server. Excludes `cluster_ca_certificate`. Default: `false`."),
			"in_cluster": flag(connection.InCluster,
				"Whether Terraform runs in a pod of the management cluster, as an agent may, and uses the pod's service account. Excludes all other attributes. Default: `false`."),
		},
		Blocks: map[string]schema.Block{
			"exec": schema.ListNestedBlock{
				MarkdownDescription: "A command that prints credentials for `host`, as in a kubeconfig; it is never asked for anything. At most one. Excludes `token` and `client_certificate`. " +
					defaultFrom(connection.Exec) + ", which has the arguments of this block as JSON.",
				Validators: []validator.List{listvalidator.SizeAtMost(1)},
				NestedObject: schema.NestedBlockObject{Attributes: map[string]schema.Attribute{
					"api_version": schema.StringAttribute{
						MarkdownDescription: "Version of the protocol: `client.authentication.k8s.io/v1` or `client.authentication.k8s.io/v1beta1`.",
						Required:            true,
					},
					"command": schema.StringAttribute{
						MarkdownDescription: "Command to run.",
						Required:            true,
					},
					"args": schema.ListAttribute{
						MarkdownDescription: "Arguments of the command. Default: none.",
						ElementType:         types.StringType,
						Optional:            true,
					},
					"env": schema.MapAttribute{
						MarkdownDescription: "Variables that the command finds in its environment, beside those of Terraform. Default: none.",
						ElementType:         types.StringType,
						Optional:            true,
						Sensitive:           true,
					},
				}},
			},
		},
	}
}

func text(attribute connection.Attribute, sensitive bool, description string) schema.StringAttribute {
	return schema.StringAttribute{MarkdownDescription: describe(attribute, description), Optional: true, Sensitive: sensitive}
}

func flag(attribute connection.Attribute, description string) schema.BoolAttribute {
	return schema.BoolAttribute{MarkdownDescription: describe(attribute, description), Optional: true}
}

func describe(attribute connection.Attribute, description string) string {
	return description + " " + defaultFrom(attribute) + "."
}

// defaultFrom names the environment variables that are asked when the block says nothing.
func defaultFrom(attribute connection.Attribute) string {
	var variables []string
	for _, variable := range attribute.Variables() {
		variables = append(variables, "`"+variable+"`")
	}
	return fmt.Sprintf("If it is not set: %s", strings.Join(variables, ", then "))
}
