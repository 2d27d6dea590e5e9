// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

// Package bootstrap turns a container into a Kubernetes node.
//
// Everything that the bootstrap data asks for goes into the container in one upload before it starts: the files,
// the commands, and a systemd unit with a script that does it all and leaves its outcome on disk. From then on
// the node needs nobody, unless it is to wait for images. The controllers look at the outcome, and can be restarted at any
// moment.
package bootstrap

import (
	"bytes"
	_ "embed"
	"fmt"
	"strings"

	"github.com/blang/semver/v4"

	"github.com/terraform-capi/terraform-provider-capi/controllers/docker/cloudinit"
	"github.com/terraform-capi/terraform-provider-capi/internal/container"
	"github.com/terraform-capi/terraform-provider-capi/internal/redact"
)

const (
	// directory is in the container's own file system: systemd and the engine mount memory over others.
	directory = "usr/local/lib/terraform-capi"
	unitName  = "terraform-capi-bootstrap.service"
	units     = "etc/systemd/system"
)

var (
	//go:embed node/bootstrap.sh
	script []byte
	//go:embed node/terraform-capi-bootstrap.service
	unit []byte
)

// Node is what the bootstrap must know about a node beyond its bootstrap data.
type Node struct {
	// Name of the container and the node.
	Name string
	// ProviderID of the machine.
	ProviderID string
	// Version of Kubernetes.
	Version semver.Version
	// CgroupV1 says that the host has cgroup v1.
	CgroupV1 bool
	// ControlPlane says that the node gets an API server.
	ControlPlane bool
	// CertificateNames are names and addresses that the API server's certificate must be valid for.
	CertificateNames []string
	// PodSubnet, if not empty, installs the node image's network plug-in on control plane nodes.
	PodSubnet string
	// WaitForImages makes the commands wait until the images of the machine are loaded.
	WaitForImages bool
}

// Payload is the tar archive, to be unpacked at the container's root before it starts, that makes the container
// bootstrap itself from cloud-config. Errors are about the cloud-config, without its secrets.
func (n Node) Payload(cloudConfig []byte) ([]byte, error) {
	secrets := Secrets(cloudConfig, n.Name)
	files, err := n.files(cloudConfig, secrets)
	if err != nil {
		return nil, secrets.Error(err)
	}
	return container.Archive(files)
}

// Secrets are what messages about a bootstrap must not show, but for names that they are full of.
func Secrets(cloudConfig []byte, names ...string) *redact.Contents {
	secrets := cloudinit.Secrets(cloudConfig)
	secrets.Except(names...)
	return secrets
}

func (n Node) files(cloudConfig []byte, secrets *redact.Contents) ([]container.File, error) {
	config, err := cloudinit.Parse(cloudConfig, n.Name)
	if err != nil {
		return nil, err
	}
	written, err := n.tune(config.Files)
	if err != nil {
		return nil, err
	}
	files := []container.File{
		{Path: units + "/" + unitName, Mode: 0o644, Content: unit},
		{Path: units + "/multi-user.target.wants/" + unitName, Mode: 0o777, Content: []byte("../" + unitName), Link: true},
		private("bootstrap.sh", script),
	}
	files = append(files, commandFiles("boot", config.BootCommands, secrets)...)
	files = append(files, writtenFiles(written)...)
	files = append(files, userFiles(config.Users)...)
	files = append(files, commandFiles("commands", config.Commands, secrets)...)
	if n.WaitForImages {
		files = append(files, private("wait-for-images", nil))
	}
	if n.ControlPlane {
		files = append(files, private("control-plane", []byte(lines(n.CertificateNames))))
		if n.PodSubnet != "" {
			files = append(files, private("pod-subnet", []byte(n.PodSubnet)))
		}
	}
	return files, nil
}

// private is a file of the script's folder. They hold keys and tokens.
func private(name string, content []byte) container.File {
	return container.File{Path: directory + "/" + name, Mode: 0o600, Content: content}
}

func writtenFiles(files []cloudinit.File) []container.File {
	var list bytes.Buffer
	out := make([]container.File, 0, len(files)+1)
	for i, file := range files {
		how := "write"
		if file.Append {
			how = "append"
		}
		_, _ = fmt.Fprintf(&list, "%03d\t%04o\t%s\t%s\t%s\n", i, file.Mode, file.Owner, how, file.Path)
		out = append(out, private(fmt.Sprintf("files/%03d", i), file.Content))
	}
	return append(out, private("files.list", list.Bytes()))
}

func commandFiles(folder string, commands []cloudinit.Command, secrets *redact.Contents) []container.File {
	files := make([]container.File, 0, 2*len(commands))
	for i, command := range commands {
		name := fmt.Sprintf("%s/%03d", folder, i)
		files = append(files,
			private(name+".sh", []byte(shellScript(command))),
			private(name+".label", []byte(label(command, secrets))))
	}
	return files
}

func shellScript(command cloudinit.Command) string {
	if command.Shell != "" {
		return command.Shell + "\n"
	}
	return "exec " + quote(command.Args...) + "\n"
}

// quote makes words that a shell reads as they are.
func quote(words ...string) string {
	quoted := make([]string, len(words))
	for i, word := range words {
		quoted[i] = "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
	}
	return strings.Join(quoted, " ")
}

// label is a command on one line that fits into a message, without secrets: the node writes it to its log.
func label(command cloudinit.Command, secrets *redact.Contents) string {
	const limit = 200
	text := []rune(strings.Join(strings.Fields(secrets.Text(command.String())), " "))
	if len(text) > limit {
		return string(text[:limit]) + "..."
	}
	return string(text)
}

func lines(values []string) string {
	var text strings.Builder
	for _, value := range values {
		text.WriteString(value + "\n")
	}
	return text.String()
}
