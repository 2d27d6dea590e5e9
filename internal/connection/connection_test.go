// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package connection

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"k8s.io/client-go/rest"
	certutil "k8s.io/client-go/util/cert"

	"github.com/terraform-capi/terraform-provider-capi/internal/management"
)

type block = map[Attribute]Value

type variables map[string]string

func (v variables) get(name string) string { return v[name] }

func say(text string) Value { return Value{Text: text} }

var unknown = Value{Unknown: true}

const kubeconfigText = `{
  "current-context": "one",
  "contexts": [{"name": "one", "context": {"cluster": "c", "user": "u"}}, {"name": "two", "context": {"cluster": "c", "user": "v"}}],
  "clusters": [{"name": "c", "cluster": {"server": "https://file.example.com:6443"}}],
  "users": [{"name": "u", "user": {"token": "first"}}, {"name": "v", "user": {"token": "second"}}]
}`

// pair is a certificate and its key, which is also its authority.
func pair(t *testing.T) (certificate, key string) {
	t.Helper()
	c, k, err := certutil.GenerateSelfSignedCertKey("mgmt.example.com", nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	return string(c), string(k)
}

func TestConnections(t *testing.T) {
	certificate, key := pair(t)
	file := filepath.Join(t.TempDir(), "kubeconfig")
	if err := os.WriteFile(file, []byte(kubeconfigText), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		block     block
		variables variables
		want      func(*rest.Config) bool
		sources   string
	}{
		"host and token": {
			block: block{Host: say("https://mgmt.example.com"), Token: say("abc\n"), ClusterCACertificate: say(certificate)},
			want: func(c *rest.Config) bool {
				return c.Host == "https://mgmt.example.com" && c.BearerToken == "abc" && strings.TrimSpace(string(c.CAData)) == strings.TrimSpace(certificate)
			},
			sources: "the provider block's host, the provider block's cluster_ca_certificate, the provider block's token",
		},
		"host without a scheme": {
			block: block{Host: say("mgmt.example.com:6443"), Token: say("abc")},
			want:  func(c *rest.Config) bool { return c.Host == "https://mgmt.example.com:6443" },
		},
		"dynamic credentials of HCP Terraform": {
			block:     block{Host: say("https://mgmt.example.com")},
			variables: variables{"KUBE_TOKEN": "dynamic"},
			want:      func(c *rest.Config) bool { return c.BearerToken == "dynamic" },
			sources:   "the provider block's host, the environment variable KUBE_TOKEN",
		},
		"an alias with a token of its own": {
			block:     block{Host: say("https://mgmt.example.com"), Token: say("own")},
			variables: variables{"KUBE_TOKEN": "of another", "CAPI_CLIENT_CERTIFICATE": certificate, "CAPI_CLIENT_KEY": key},
			want:      func(c *rest.Config) bool { return c.BearerToken == "own" && c.CertData == nil },
		},
		"our variables go first": {
			variables: variables{"CAPI_HOST": "https://ours", "KUBE_HOST": "https://ours", "CAPI_TOKEN": "ours", "KUBE_TOKEN": "theirs", "KUBE_PROXY_URL": "http://proxy:3128"},
			want: func(c *rest.Config) bool {
				return c.Host == "https://ours" && c.BearerToken == "ours" && c.Proxy != nil
			},
			sources: "the environment variable CAPI_HOST, the environment variable KUBE_PROXY_URL, the environment variable CAPI_TOKEN",
		},
		"variables about another cluster": {
			variables: variables{"CAPI_HOST": "https://ours", "KUBE_HOST": "https://theirs", "KUBE_TOKEN": "theirs", "KUBE_INSECURE": "true"},
			want:      func(c *rest.Config) bool { return c.Host == "https://ours" && c.BearerToken == "" && !c.Insecure },
		},
		"certificate from the environment": {
			block:     block{Host: say("https://mgmt.example.com"), ClientCertificate: say(certificate)},
			variables: variables{"KUBE_CLIENT_KEY_DATA": key, "KUBE_TOKEN": "of another"},
			want:      func(c *rest.Config) bool { return len(c.KeyData) > 0 && c.BearerToken == "" },
		},
		"insecure by a variable": {
			block:     block{Host: say("https://mgmt.example.com")},
			variables: variables{"KUBE_INSECURE": "true", "KUBE_TLS_SERVER_NAME": "other.example.com"},
			want:      func(c *rest.Config) bool { return c.Insecure && c.ServerName == "other.example.com" },
		},
		"kubeconfig": {
			block: block{Kubeconfig: say(kubeconfigText), Context: say("two"), ProxyURL: say("socks5://proxy:1080")},
			// Credentials for another cluster must not be sent to this one.
			variables: variables{"KUBE_TOKEN": "of another", "KUBE_HOST": "https://another", "KUBE_INSECURE": "true", "KUBE_CONFIG_PATH": "/another"},
			want: func(c *rest.Config) bool {
				return c.Host == "https://file.example.com:6443" && c.BearerToken == "second" && c.Proxy != nil
			},
		},
		"kubeconfig, all from the environment": {
			variables: variables{"CAPI_KUBECONFIG": kubeconfigText, "CAPI_CONTEXT": "two"},
			want:      func(c *rest.Config) bool { return c.BearerToken == "second" },
		},
		"a context for another kubeconfig": {
			variables: variables{"CAPI_KUBECONFIG": kubeconfigText, "KUBE_CTX": "two"},
			want:      func(c *rest.Config) bool { return c.BearerToken == "first" },
		},
		"kubeconfig of the kubernetes provider": {
			variables: variables{"KUBE_CONFIG_PATH": file, "KUBE_CTX": "two"},
			want:      func(c *rest.Config) bool { return c.BearerToken == "second" },
		},
		"switched off": {
			variables: variables{"CAPI_IN_CLUSTER": "0", "KUBE_HOST": "https://theirs", "KUBE_INSECURE": "False", "CAPI_CLUSTER_CA_CERTIFICATE": certificate},
			want:      func(c *rest.Config) bool { return c.Host == "https://theirs" && !c.Insecure },
		},
		"empty values say nothing": {
			block:     block{Host: say(""), Token: say(""), InCluster: say("false")},
			variables: variables{"KUBE_HOST": "https://theirs"},
			want:      func(c *rest.Config) bool { return c.Host == "https://theirs" },
		},
		"exec": {
			block: block{Host: say("https://mgmt.example.com"), Exec: say(`{"api_version": "client.authentication.k8s.io/v1", "command": "true", "env": {"B": "2", "A": "1"}}`)},
			want: func(c *rest.Config) bool {
				return c.ExecProvider.Command == "true" && c.ExecProvider.InteractiveMode == "Never" && c.ExecProvider.StdinUnavailable && c.ExecProvider.Env[0].Name == "A"
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			c, problems := New(test.block, test.variables.get)
			if len(problems) > 0 {
				t.Fatal(problems)
			}
			config, err := c.RESTConfig()
			if err != nil {
				t.Fatal(err)
			}
			if !test.want(config) {
				t.Errorf("got %s", config)
			}
			if test.sources != "" && c.String() != test.sources {
				t.Errorf("the values come from %s", c)
			}
		})
	}
}

func TestProblems(t *testing.T) {
	certificate, key := pair(t)
	_, otherKey := pair(t)
	for name, test := range map[string]struct {
		block     block
		variables variables
		attribute Attribute
		text      string
	}{
		"two places": {block: block{Kubeconfig: say(kubeconfigText), Host: say("https://x")}, attribute: Host,
			text: "The provider block's kubeconfig and the provider block's host each say where"},
		"two identities": {block: block{Host: say("https://x"), Token: say("t"), ClientCertificate: say(certificate), ClientKey: say(key)}, attribute: ClientCertificate,
			text: "The provider block's token and the provider block's client_certificate each say who asks"},
		"token beside a kubeconfig":   {block: block{KubeconfigPath: say("/x"), Token: say("t")}, attribute: Token, text: "It is for host."},
		"proxy beside in_cluster":     {block: block{InCluster: say("true"), ProxyURL: say("http://proxy:3128")}, attribute: ProxyURL, text: "It is for kubeconfig and kubeconfig_path and host."},
		"context beside a host":       {block: block{Host: say("https://x"), Context: say("c")}, attribute: Context, text: "It is for kubeconfig and kubeconfig_path."},
		"certificate without a key":   {block: block{Host: say("https://x"), ClientCertificate: say(certificate)}, attribute: ClientCertificate, text: "set both"},
		"key of another certificate":  {block: block{Host: say("https://x"), ClientCertificate: say(certificate), ClientKey: say(otherKey)}, attribute: ClientCertificate, text: "does not match"},
		"certificate in base64":       {block: block{Host: say("https://x"), ClusterCACertificate: say("LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0t")}, attribute: ClusterCACertificate, text: "use base64decode"},
		"no certificate":              {block: block{Host: say("https://x"), ClusterCACertificate: say("ca.crt")}, attribute: ClusterCACertificate, text: "is not valid"},
		"authority that is not asked": {block: block{Host: say("https://x"), ClusterCACertificate: say(certificate), Insecure: say("true")}, attribute: Insecure, text: "would ignore the provider block's cluster_ca_certificate"},
		"host":                        {block: block{Host: say("https://a b")}, attribute: Host, text: "is not valid"},
		"token with a line break":     {block: block{Host: say("https://x"), Token: say("SECRET two")}, attribute: Token, text: "no blanks"},
		"proxy":                       {block: block{Host: say("https://x"), ProxyURL: say("proxy:3128")}, attribute: ProxyURL, text: "is not valid"},
		"kubeconfig":                  {block: block{Kubeconfig: say(`{"SECRET": `)}, attribute: Kubeconfig, text: "is not valid"},
		"no such context":             {block: block{Kubeconfig: say(kubeconfigText), Context: say("three")}, attribute: Kubeconfig, text: `no context "three", which is the provider block's context, but ["one" "two"]`},
		"exec of an old version":      {block: block{Host: say("https://x"), Exec: say(`{"api_version": "client.authentication.k8s.io/v1alpha1", "command": "x"}`)}, attribute: Exec, text: "must be one of"},
	} {
		t.Run(name, func(t *testing.T) {
			_, problems := New(test.block, test.variables.get)
			if len(problems) != 1 {
				t.Fatalf("got %v", problems)
			}
			if problems[0].Attribute != test.attribute || !strings.Contains(problems[0].Detail, test.text) {
				t.Errorf("got %+v", problems[0])
			}
			if strings.Contains(problems[0].Detail, "SECRET") {
				t.Errorf("%q has a credential", problems[0].Detail)
			}
		})
	}
}

// What can only be found out where the connection is used.
func TestConnectionsThatCannotBeUsed(t *testing.T) {
	interactive := strings.Replace(kubeconfigText, `{"token": "first"}`,
		`{"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": "true", "interactiveMode": "Always"}}`, 1)
	missing := strings.Replace(kubeconfigText, `{"token": "first"}`,
		`{"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": "no-such-plugin", "interactiveMode": "IfAvailable", "installHint": "Get it from example.com"}}`, 1)
	certificate, _ := pair(t)
	for name, test := range map[string]struct {
		block     block
		variables variables
		reason    error
		text      string
	}{
		"one of two places":       {block{KubeconfigPath: unknown, Host: say("https://x")}, nil, management.ErrNotKnownYet, "the provider block's kubeconfig_path"},
		"one of two identities":   {block{Host: say("https://x"), Token: say("t"), ClientCertificate: unknown}, nil, management.ErrNotKnownYet, "client_certificate"},
		"two places by variables": {nil, variables{"KUBE_HOST": "https://x", "KUBE_CONFIG_PATH": "/x"}, nil, "The environment variable KUBE_CONFIG_PATH and the environment variable KUBE_HOST each say where"},
		"bool":                    {block{Host: say("https://x")}, variables{"CAPI_INSECURE": "maybe"}, nil, "CAPI_INSECURE is not valid: it is neither true nor false"},
		"authority not asked":     {block{Host: say("https://x"), ClusterCACertificate: say(certificate)}, variables{"KUBE_INSECURE": "true"}, nil, "would ignore the provider block's cluster_ca_certificate"},
		"nothing":                 {nil, nil, management.ErrNotConfigured, "set management_cluster, or kubeconfig, kubeconfig_path, host or in_cluster in the provider block"},
		"no host":                 {block{Token: say("t")}, nil, management.ErrNotConfigured, "host is missing beside the provider block's token"},
		"not known yet":           {block{Host: unknown, Token: say("t")}, nil, management.ErrNotKnownYet, "the provider block's host"},
		"exec not known yet":      {block{Host: say("https://x"), Exec: unknown}, nil, management.ErrNotKnownYet, "the provider block's exec"},
		"no pod":                  {block{InCluster: say("true")}, nil, nil, "does not run in a pod"},
		"no file":                 {block{KubeconfigPath: say("/nonexistent")}, nil, nil, "the provider block's kubeconfig_path cannot be read"},
		"no plugin":               {block{Kubeconfig: say(missing)}, nil, nil, `the provider block's kubeconfig cannot be used: its command "no-such-plugin" is not on this machine: executable file not found in $PATH: Get it from example.com`},
		"interactive plugin":      {block{Kubeconfig: say(interactive)}, nil, nil, "has to ask a person"},
	} {
		t.Run(name, func(t *testing.T) {
			c, problems := New(test.block, test.variables.get)
			if len(problems) > 0 {
				t.Fatal(problems)
			}
			_, err := c.RESTConfig()
			if err == nil || !strings.Contains(err.Error(), test.text) {
				t.Fatalf("got %v", err)
			}
			if test.reason != nil && !errors.Is(err, test.reason) {
				t.Errorf("%v is not %v", err, test.reason)
			}
		})
	}
}
