// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package functions_test

import (
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/types"
	. "github.com/onsi/gomega"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/terraform-capi/terraform-provider-capi/internal/functions"
)

const kubeconfig = `{
  "current-context": "one",
  "contexts": [
    {"name": "one", "context": {"cluster": "c", "user": "u", "namespace": "team"}},
    {"name": "two", "context": {"cluster": "c", "user": "e"}},
    {"name": "three", "context": {"cluster": "none", "user": "u"}}
  ],
  "clusters": [{"name": "c", "cluster": {"server": "https://example.com", "certificate-authority-data": "Q0E="}}],
  "users": [
    {"name": "u", "user": {"client-certificate-data": "Q0VSVA==", "client-key-data": "S0VZ"}},
    {"name": "e", "user": {"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": "aws", "args": ["eks"], "env": [{"name": "A", "value": "1"}], "interactiveMode": "Never"}}}
  ]
}`

func TestKubeconfigParse(t *testing.T) {
	for name, test := range map[string]struct {
		text     string
		contexts []string
		want     map[string]string
		problem  string
		argument int64
	}{
		"current context": {text: kubeconfig, want: map[string]string{
			"context": "one", "namespace": "team", "host": "https://example.com", "cluster_ca_certificate": "CA",
			"client_certificate": "CERT", "client_key": "KEY", "token": "",
		}},
		"another context":  {text: kubeconfig, contexts: []string{"two"}, want: map[string]string{"context": "two", "client_key": "", "namespace": ""}},
		"no such context":  {text: kubeconfig, contexts: []string{"four"}, problem: `has no context "four", but ["one" "three" "two"]`, argument: 1},
		"context of none":  {text: kubeconfig, contexts: []string{"three"}, problem: `has no cluster "none"`, argument: 1},
		"several contexts": {text: kubeconfig, contexts: []string{"one", "two"}, problem: "only one context", argument: 2},
		"no kubeconfig":    {text: "hello: SECRET", problem: "not a kubeconfig", argument: 0},
		"not YAML":         {text: "{", problem: "not a kubeconfig", argument: 0},
		"files": {
			text:    `{"contexts": [{"name": "x", "context": {"cluster": "c"}}], "clusters": [{"name": "c", "cluster": {"certificate-authority": "/ca.crt"}}]}`,
			problem: "needs the file /ca.crt", argument: 0,
		},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			contexts := make([]attr.Value, len(test.contexts))
			kinds := make([]attr.Type, len(test.contexts))
			for i, context := range test.contexts {
				contexts[i], kinds[i] = types.StringValue(context), types.StringType
			}
			result, err := run(t, functions.NewKubeconfigParse(), types.StringValue(test.text), types.TupleValueMust(kinds, contexts))
			expect(g, err, test.problem, test.argument)
			if err != nil {
				return
			}
			parsed, ok := result.(types.Object)
			g.Expect(ok).To(BeTrue())
			for attribute, want := range test.want {
				value, ok := parsed.Attributes()[attribute].(types.String)
				g.Expect(ok).To(BeTrue())
				g.Expect(value.ValueString()).To(Equal(want), attribute)
				g.Expect(value.IsNull()).To(Equal(want == ""), attribute)
			}
		})
	}
}

func TestKubeconfigMerge(t *testing.T) {
	g := NewWithT(t)
	texts := types.MapValueMust(types.StringType, map[string]attr.Value{"web": types.StringValue(kubeconfig), "api": types.StringValue(kubeconfig)})
	result, err := run(t, functions.NewKubeconfigMerge(), texts)
	g.Expect(err).To(BeNil())
	text, ok := result.(types.String)
	g.Expect(ok).To(BeTrue())
	merged, loadErr := clientcmd.Load([]byte(text.ValueString()))
	g.Expect(loadErr).NotTo(HaveOccurred())
	g.Expect(clientcmd.Validate(*merged)).To(Succeed())
	g.Expect(merged.CurrentContext).To(Equal("api"))
	g.Expect(merged.Contexts).To(HaveLen(2))
	g.Expect(merged.Contexts["web"].Cluster).To(Equal("web"))
	g.Expect(merged.Contexts["web"].Namespace).To(Equal("team"))
	g.Expect(string(merged.AuthInfos["web"].ClientKeyData)).To(Equal("KEY"))

	_, err = run(t, functions.NewKubeconfigMerge(), types.MapValueMust(types.StringType, map[string]attr.Value{"web": types.StringValue("{")}))
	expect(g, err, `kubeconfig "web": it is not a kubeconfig`, 0)
}
