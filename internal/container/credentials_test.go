// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package container

import (
	"encoding/base64"
	"testing"

	. "github.com/onsi/gomega"
)

func TestParseDockerConfig(t *testing.T) {
	g := NewWithT(t)
	auth := base64.StdEncoding.EncodeToString([]byte("me:pass:word"))
	keychain, err := ParseDockerConfig([]byte(`{"auths": {
		"https://index.docker.io/v1/": {"auth": "` + auth + `"},
		"docker.io": {"username": "older", "password": "entry"},
		"registry.example.com:5000": {"username": "u", "password": "p"},
		"https://registry.example.com:5000/team/": {"identitytoken": "t"},
		"helped.example.com": {}
	}, "credsStore": "desktop"}`))
	g.Expect(err).NotTo(HaveOccurred())

	g.Expect(keychain.For("kindest/node:v1")).To(HaveValue(Equal(
		Credentials{Username: "me", Password: "pass:word", ServerAddress: "https://index.docker.io/v1/"})))
	g.Expect(keychain.For("busybox")).To(Equal(keychain.For("docker.io/library/busybox:1")))
	g.Expect(keychain.For("registry.example.com:5000/other/image:1")).To(HaveValue(Equal(
		Credentials{Username: "u", Password: "p", ServerAddress: "registry.example.com:5000"})))
	g.Expect(keychain.For("registry.example.com:5000/team/deep/image")).To(HaveValue(Equal(
		Credentials{IdentityToken: "t", ServerAddress: "registry.example.com:5000"})))
	g.Expect(keychain.For("registry.example.com:5000/teammates/image")).To(HaveValue(HaveField("Username", "u")))
	for _, image := range []string{"registry.example.com/image", "helped.example.com/image", "not an image"} {
		g.Expect(keychain.For(image)).To(BeNil(), image)
	}
	g.Expect(Keychain(nil).For("busybox")).To(BeNil())
}

func TestParseDockerConfigRefuses(t *testing.T) {
	const secret = "hunter2"
	noColon := base64.StdEncoding.EncodeToString([]byte(secret))
	for name, test := range map[string]struct{ content, want string }{
		"nonsense":              {secret, "not a Docker configuration file"},
		"another format":        {`{"auths": ["` + secret + `"]}`, "not a Docker configuration file"},
		"not base64":            {`{"auths": {"a": {"auth": "` + secret + `!"}}}`, "for a cannot be used: auth is not base64"},
		"no password":           {`{"auths": {"a": {"auth": "` + noColon + `"}}}`, "USERNAME:PASSWORD"},
		"no auths":              {`{"` + secret + `": {}}`, "credsStore"},
		"helpers have them":     {`{"auths": {"a": {}}, "credsStore": "desktop"}`, "credsStore"},
		"the file's old format": {`{"a": {"auth": "` + noColon + `"}}`, "credsStore"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := ParseDockerConfig([]byte(test.content))
			NewWithT(t).Expect(err).To(MatchError(And(
				ContainSubstring(test.want), Not(ContainSubstring(secret)), Not(ContainSubstring(noColon)))))
		})
	}
}
