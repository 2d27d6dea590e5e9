// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package redact_test

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"

	"github.com/terraform-capi/terraform-provider-capi/internal/redact"
)

// Credentials are recognised by where they stand, and nothing else is taken out.
func TestText(t *testing.T) {
	for text, want := range map[string]string{
		// Options.
		"kubeadm join 10.0.0.1:6443 --token abcdef.0123456789abcdef --discovery-token-ca-cert-hash sha256:1a": "kubeadm join 10.0.0.1:6443 --token <redacted> --discovery-token-ca-cert-hash sha256:1a",
		"kubeadm join --certificate-key 0123abcd --node-name a":                                               "kubeadm join --certificate-key <redacted> --node-name a",
		"x --password=s3cret! --force":                                                                        "x --password=<redacted> --force",
		`x --registry-password 'two words' y`:                                                                 `x --registry-password '<redacted>' y`,
		`[--token abc "--password" "def"]`:                                                                    `[--token <redacted> "--password" "<redacted>"]`,
		"docker login --password-stdin registry.example.com":                                                  "docker login --password-stdin registry.example.com",
		"x --token-file /etc/token --token-ttl 2h":                                                            "x --token-file /etc/token --token-ttl 2h",
		"x --token $TOKEN --password \"${DB_PASSWORD}\"":                                                      "x --token $TOKEN --password \"${DB_PASSWORD}\"",
		"curl -u bob:s3cret https://example.com":                                                              "curl -u bob:<redacted> https://example.com",
		"curl --user=bob:s3cret x":                                                                            "curl --user=bob:<redacted> x",
		"docker run -u 1000:1000 x":                                                                           "docker run -u 1000:1000 x",
		"docker login -u bob -p s3cret registry.example.com":                                                  "docker login -u bob -p <redacted> registry.example.com",
		"mkdir -p /etc/containerd && ssh -p 22 host":                                                          "mkdir -p /etc/containerd && ssh -p 22 host",
		"echo 'root:s3cret' | chpasswd":                                                                       "echo 'root:<redacted>' | chpasswd",
		`curl -H "Authorization: Bearer s3cret" https://example.com`:                                          `curl -H "Authorization: Bearer <redacted>" https://example.com`,
		`curl -H "X-Vault-Token: s3cret" https://example.com`:                                                 `curl -H "X-Vault-Token: <redacted>" https://example.com`,
		// Variables.
		"PASSWORD=s3cret ./join.sh":                  "PASSWORD=<redacted> ./join.sh",
		"+ export PGPASSWORD='s3cret' DB_PASS=other": "+ export PGPASSWORD='<redacted>' DB_PASS=<redacted>",
		"TOKEN=$(cat /etc/token)":                    "TOKEN=$(cat /etc/token)",
		"PWD=/root":                                  "PWD=/root",
		// URLs.
		"Get \"https://bob:s3cret@mirror.example.com:5000/v2/\": EOF":  "Get \"https://<redacted>@mirror.example.com:5000/v2/\": EOF",
		"HTTPS_PROXY=http://bob:s3@cret@proxy:3128":                    "HTTPS_PROXY=http://<redacted>@proxy:3128",
		"git clone https://s3crettoken@example.com/x.git":              "git clone https://<redacted>@example.com/x.git",
		"invalid mirror \"bob:s3cret@mirror.example.com/library/a:1\"": "invalid mirror \"<redacted>@mirror.example.com/library/a:1\"",
		"docker.io/kindest/node:v1.35.0@sha256:0123":                   "docker.io/kindest/node:v1.35.0@sha256:0123",
		"node:v1.35.0@sha256:0123 ssh://git@example.com:22":            "node:v1.35.0@sha256:0123 ssh://<redacted>@example.com:22",
		// Fields.
		"bootstrapToken:\n  token: s3cret\n  ttl: 24h":                                 "bootstrapToken:\n  token: <redacted>\n  ttl: 24h",
		`{"password":"s3cret","user":"bob"}`:                                           `{"password":"<redacted>","user":"bob"}`,
		"- name: oidc-client-secret\n  value: s3cret":                                  "- name: oidc-client-secret\n  value: <redacted>",
		"could not read the token: no such file":                                       "could not read the token: no such file",
		"Secret: not found":                                                            "Secret: not found",
		"failed to find Secret \"default/web-token\": secrets \"web-token\" not found": "failed to find Secret \"default/web-token\": secrets \"web-token\" not found",
		// Forms.
		"[upload-certs] Using certificate key:\n" + strings.Repeat("0a", 32):                "[upload-certs] Using certificate key:\n<redacted>",
		"image sha256:" + strings.Repeat("0a", 32):                                          "image sha256:" + strings.Repeat("0a", 32),
		"a $6$salt$abcdefgh./0 b":                                                           "a <redacted> b",
		"-----BEGIN RSA PRIVATE KEY-----\nabc\n-----END RSA PRIVATE KEY-----\nb":            "-----BEGIN RSA PRIVATE KEY-----<redacted>-----END RSA PRIVATE KEY-----\nb",
		"a -----BEGIN PRIVATE KEY-----\nabc":                                                "a -----BEGIN PRIVATE KEY-----<redacted>",
		"eyJhbGciOiJSUzI1.eyJpc3MiOiJr.c2ln":                                                "<redacted>",
		"join with abcdef.0123456789abcdef":                                                 "join with <redacted>",
		"[ERROR Port-10250]: Port 10250 is in use":                                          "[ERROR Port-10250]: Port 10250 is in use",
		"error execution phase preflight: couldn't validate the identity of the API Server": "error execution phase preflight: couldn't validate the identity of the API Server",
	} {
		if got := redact.Text(text); got != want {
			t.Errorf("%s\nbecomes\n%s\nwant\n%s", text, got, want)
		}
		if got := redact.Text(want); got != want {
			t.Errorf("%s\nbecomes\n%s", want, got)
		}
	}
}

// What a content says is taken out wherever it stands. What every message may say stays.
func TestContents(t *testing.T) {
	var c redact.Contents
	c.Add("machine example.com login bob password Tr0ub4dor&3\n# registry.example.com:5000 /etc/netrc\nbr_netfilter\nvm.swappiness = 10\n")
	c.Add("hunter2\n")
	c.Add("-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkq\n-----END PRIVATE KEY-----\n")
	c.Add("apiVersion: v1\ndb_password: pw12\nnode: test-cp-1\n")
	c.AddValue("$6$salt$hash")
	c.AddValue("true")
	c.AddCredentials("PASSWORD=letmein ./join.sh --proxy-user bob:sesame; true")
	c.Except("test-cp-1")
	for text, want := range map[string]string{
		"netrc: machine example.com login bob password Tr0ub4dor&3":   "netrc: <redacted>",
		"login failed with Tr0ub4dor&3 at example.com":                "login failed with <redacted> at example.com",
		"modprobe: FATAL: Module br_netfilter not found":              "modprobe: FATAL: Module br_netfilter not found",
		"dial tcp registry.example.com:5000: refused; see /etc/netrc": "dial tcp registry.example.com:5000: refused; see /etc/netrc",
		"x=hunter2,y=pw12":                                               "x=<redacted>,y=<redacted>",
		"key MIIEvQIBADANBgkq":                                           "key <redacted>",
		"hash $6$salt$hash is true":                                      "hash <redacted> is true",
		"said letmein and sesame":                                        "said <redacted> and <redacted>",
		"nodes \"test-cp-1\" not found in apiVersion":                    "nodes \"test-cp-1\" not found in apiVersion",
		"[ERROR Port-10250]: Port 10250 is in use":                       "[ERROR Port-10250]: Port 10250 is in use",
		"Get \"https://bob:other@example.com/\": EOF":                    "Get \"https://<redacted>@example.com/\": EOF",
		strings.Repeat("a", 500) + "Tr0ub4dor&3":                         strings.Repeat("a", 500) + "<redacted>",
		"password Tr0ub4dor&3\npassword Tr0ub4dor&3":                     "password <redacted>\npassword <redacted>",
		"kubeadm: unknown field \"spec.nodeRegistration.taintz\" in v1":  "kubeadm: unknown field \"spec.nodeRegistration.taintz\" in v1",
		"error: unable to read client-cert /etc/kubernetes/pki/a.crt: x": "error: unable to read client-cert /etc/kubernetes/pki/a.crt: x",
	} {
		if got := c.Text(text); got != want {
			t.Errorf("%s\nbecomes\n%s\nwant\n%s", text, got, want)
		}
	}
}

// A redacted error still is what it was.
func TestError(t *testing.T) {
	if redact.Error(nil) != nil {
		t.Error("there is an error")
	}
	plain := errors.New("plain")
	if got := redact.Error(plain); got != plain { //nolint:errorlint // It is the very same.
		t.Errorf("got %v", got)
	}
	err := redact.Error(fmt.Errorf("reading https://bob:s3cret@example.com: %w", fs.ErrNotExist))
	if want := "reading https://<redacted>@example.com: file does not exist"; err.Error() != want {
		t.Errorf("got %s", err)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		t.Error("it is another error")
	}
}
