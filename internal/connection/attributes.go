// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package connection

import "strings"

// Attribute is an attribute of the provider block, by its name.
type Attribute string

// Where the management cluster is: one of these.
const (
	Kubeconfig     Attribute = "kubeconfig"
	KubeconfigPath Attribute = "kubeconfig_path"
	Host           Attribute = "host"
	InCluster      Attribute = "in_cluster"
)

// Who asks, beside a host.
const (
	Token             Attribute = "token"
	ClientCertificate Attribute = "client_certificate"
	ClientKey         Attribute = "client_key"
	Exec              Attribute = "exec"
)

// How the management cluster is spoken to.
const (
	Context              Attribute = "context"
	ClusterCACertificate Attribute = "cluster_ca_certificate"
	Insecure             Attribute = "insecure"
	TLSServerName        Attribute = "tls_server_name"
	ProxyURL             Attribute = "proxy_url"
)

var (
	places = []Attribute{Kubeconfig, KubeconfigPath, Host, InCluster}
	// identities are ways to say who asks. The attributes of one belong together.
	identities = [][]Attribute{{Token}, {ClientCertificate, ClientKey}, {Exec}}

	// takes are the attributes that go with a place. The values of a kubeconfig that also has them are replaced.
	takes = map[Attribute][]Attribute{
		Kubeconfig:     {Context, Insecure, TLSServerName, ProxyURL},
		KubeconfigPath: {Context, Insecure, TLSServerName, ProxyURL},
		Host:           {ClusterCACertificate, Insecure, TLSServerName, ProxyURL, Token, ClientCertificate, ClientKey, Exec},
		InCluster:      nil,
	}
)

// switches are attributes that are true or say nothing.
var switches = []Attribute{Insecure, InCluster}

// shared are the environment variables of hashicorp/kubernetes for the same thing. Dynamic credentials of HCP Terraform set some
// of them. KUBECONFIG is not among them: the cluster that kubectl happens to point at must not become a management cluster by accident.
var shared = map[Attribute]string{
	KubeconfigPath:       "KUBE_CONFIG_PATH",
	Context:              "KUBE_CTX",
	Host:                 "KUBE_HOST",
	Token:                "KUBE_TOKEN",
	ClientCertificate:    "KUBE_CLIENT_CERT_DATA",
	ClientKey:            "KUBE_CLIENT_KEY_DATA",
	ClusterCACertificate: "KUBE_CLUSTER_CA_CERT_DATA",
	Insecure:             "KUBE_INSECURE",
	TLSServerName:        "KUBE_TLS_SERVER_NAME",
	ProxyURL:             "KUBE_PROXY_URL",
}

// variableSets give the environment variable of an attribute, if there is one. Earlier sets go first.
var variableSets = []func(Attribute) string{
	func(a Attribute) string { return "CAPI_" + strings.ToUpper(string(a)) },
	func(a Attribute) string { return shared[a] },
}

// Variables are the environment variables that say what the block does not. Earlier ones go first.
func (a Attribute) Variables() []string {
	var names []string
	for _, variable := range variableSets {
		if name := variable(a); name != "" {
			names = append(names, name)
		}
	}
	return names
}
