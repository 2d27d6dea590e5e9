// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package cloudinit

import (
	"go.yaml.in/yaml/v3"

	"github.com/terraform-capi/terraform-provider-capi/internal/redact"
)

// Paths of kubeadm's configuration, as the kubeadm bootstrap provider writes it.
const (
	KubeadmInitPath = "/run/kubeadm/kubeadm.yaml"
	KubeadmJoinPath = "/run/kubeadm/kubeadm-join-config.yaml"
)

// Secrets returns what messages about a node made from the document must not show: the contents of its files, the passwords
// of its users, and the credentials in its commands. If the data are not a cloud-config document, all of them are secret.
func Secrets(data []byte) *redact.Contents {
	secrets := &redact.Contents{}
	var doc struct {
		Files []struct {
			Path, Encoding, Content string
		} `yaml:"write_files"`
		Users []struct {
			Passwd string
		}
		BootCommands yaml.Node `yaml:"bootcmd"`
		Commands     yaml.Node `yaml:"runcmd"`
	}
	// A document with a value of the wrong type has all others.
	if err := yaml.Unmarshal(data, &doc); err != nil && !isTypeError(err) {
		secrets.Add(string(data))
		return secrets
	}
	for _, file := range doc.Files {
		content := file.Content
		if decoded, err := decodeContent(file.Content, file.Encoding); err == nil {
			content = string(decoded)
		}
		if file.Path == KubeadmInitPath || file.Path == KubeadmJoinPath {
			// All but its credentials is what Cluster API's objects say anyway, and what errors are about.
			secrets.AddCredentials(content)
		} else {
			secrets.Add(content)
		}
	}
	for _, user := range doc.Users {
		secrets.AddValue(user.Passwd)
	}
	for _, commands := range []*yaml.Node{&doc.BootCommands, &doc.Commands} {
		for _, item := range commands.Content {
			var command Command
			if command.UnmarshalYAML(item) == nil {
				secrets.AddCredentials(command.String())
			}
		}
	}
	return secrets
}
