// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package cloudinit

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	"k8s.io/utils/ptr"

	bootstrapv1 "sigs.k8s.io/cluster-api/api/bootstrap/kubeadm/v1beta2"
	upstream "sigs.k8s.io/cluster-api/bootstrap/kubeadm/pkg/cloudinit"
)

func TestParse(t *testing.T) {
	compressed := zip(t, "hello")
	for name, test := range map[string]struct {
		data string
		want Config
	}{
		"nothing": {data: "#cloud-config\n"},
		"plain file with defaults": {
			data: "#cloud-config\nwrite_files:\n- path: /etc/a\n  content: hello\n",
			want: Config{Files: []File{{Path: "/etc/a", Owner: "root:root", Mode: 0o644, Content: []byte("hello")}}},
		},
		"base64, appended, with owner and permissions": {
			data: "#cloud-config\nwrite_files:\n- path: /etc/a\n  encoding: b64\n  owner: etcd:etcd\n  permissions: '0600'\n  append: true\n  content: |\n    aGVs\n    bG8=\n",
			want: Config{Files: []File{{Path: "/etc/a", Owner: "etcd:etcd", Mode: 0o600, Append: true, Content: []byte("hello")}}},
		},
		"gzip and base64": {
			data: "#cloud-config\nwrite_files:\n- path: /etc/a\n  encoding: gzip+base64\n  content: " + base64.StdEncoding.EncodeToString(compressed) + "\n",
			want: Config{Files: []File{{Path: "/etc/a", Owner: "root:root", Mode: 0o644, Content: []byte("hello")}}},
		},
		"permissions without quotes": {
			data: "#cloud-config\nwrite_files:\n- path: /etc/a\n  permissions: 0640\n  content: ''\n",
			want: Config{Files: []File{{Path: "/etc/a", Owner: "root:root", Mode: 0o640, Content: []byte{}}}},
		},
		"commands of both forms": {
			data: "#cloud-config\nbootcmd:\n- echo boot\nruncmd:\n- 'a && b'\n- [ls, -l, 'x y']\n",
			want: Config{
				BootCommands: []Command{{Shell: "echo boot"}},
				Commands:     []Command{{Shell: "a && b"}, {Args: []string{"ls", "-l", "x y"}}},
			},
		},
		"nothing of what cannot be done": {data: "#cloud-config\nntp:\n  enabled: false\n  servers: [a]\ndisk_setup:\nfs_setup:\nmounts:\n"},
		"jinja template": {
			data: "## template: jinja\n#cloud-config\nruncmd:\n- echo {{ ds.meta_data.local_hostname }} '{{ other }}'\n",
			want: Config{Commands: []Command{{Shell: "echo node-1 '{{ other }}'"}}},
		},
		"no template": {
			data: "#cloud-config\nruncmd:\n- echo '{{ ds.meta_data.hostname }}'\n",
			want: Config{Commands: []Command{{Shell: "echo '{{ ds.meta_data.hostname }}'"}}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			config, err := Parse([]byte(test.data), "node-1")
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(*config).To(Equal(test.want))
		})
	}
}

func TestParseErrors(t *testing.T) {
	for name, test := range map[string]struct {
		data, want string
	}{
		"ignition":          {"{\"ignition\": {}}", "does not start with \"#cloud-config\""},
		"empty":             {"", "not cloud-config"},
		"unknown directive": {"#cloud-config\npackages: [a]\n", "unknown directive packages"},
		"unknown file key":  {"#cloud-config\nwrite_files:\n- path: /a\n  defer: true\n", "unknown directive defer"},
		"not YAML":          {"#cloud-config\na: [\n", "not understood"},
		"two documents":     {"#cloud-config\nruncmd: [a]\n---\nruncmd: [b]\n", "more than one"},
		"ntp":               {"#cloud-config\nntp:\n  enabled: true\n", "ntp is not supported"},
		"ntp by default":    {"#cloud-config\nntp:\n  servers: [a]\n", "ntp is not supported"},
		"mounts":            {"#cloud-config\nmounts:\n- [a, b]\n", "mounts is not supported"},
		"disks":             {"#cloud-config\ndisk_setup: {}\n", "disk_setup is not supported"},
		"file systems":      {"#cloud-config\nfs_setup: []\n", "fs_setup is not supported"},
		"relative path":     {"#cloud-config\nwrite_files:\n- path: etc/a\n", "not a clean absolute path"},
		"path with dots":    {"#cloud-config\nwrite_files:\n- path: /etc/../a\n", "not a clean absolute path"},
		"bad owner":         {"#cloud-config\nwrite_files:\n- path: /a\n  owner: 'a; b'\n", "owner"},
		"bad permissions":   {"#cloud-config\nwrite_files:\n- path: /a\n  permissions: rwx\n", "octal mode"},
		"bad base64":        {"#cloud-config\nwrite_files:\n- path: /a\n  encoding: base64\n  content: '!'\n", "not base64"},
		"bad gzip":          {"#cloud-config\nwrite_files:\n- path: /a\n  encoding: gz+b64\n  content: aGVsbG8=\n", "not gzip"},
		"bad encoding":      {"#cloud-config\nwrite_files:\n- path: /a\n  encoding: rot13\n", "encoding \"rot13\""},
		"empty command":     {"#cloud-config\nruncmd:\n- ''\n", "empty command"},
		"null command":      {"#cloud-config\nruncmd:\n- ~\n", "an empty command"},
		"no list":           {"#cloud-config\nruncmd: a\n", "commands must be a list"},
		"empty list":        {"#cloud-config\nruncmd:\n- []\n", "must be a string or a list"},
		"map as command":    {"#cloud-config\nruncmd:\n- a: b\n", "must be a string or a list"},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			_, err := Parse([]byte(test.data), "node")
			g.Expect(err).To(MatchError(ContainSubstring(test.want)))
			g.Expect(err.Error()).NotTo(ContainSubstring("cloudinit."), "types of this package mean nothing to users")
		})
	}
}

// What upstream's own templates emit is understood, with every field of a file set.
func TestParseUpstream(t *testing.T) {
	g := NewWithT(t)
	data, err := upstream.NewInitControlPlane(&upstream.ControlPlaneInput{
		BaseUserData: upstream.BaseUserData{
			BootCommands:        []string{"echo \"boot\""},
			PreKubeadmCommands:  []string{"echo 'pre' && true"},
			PostKubeadmCommands: []string{"echo post"},
			AdditionalFiles: []bootstrapv1.File{
				{Path: "/etc/plain", Content: "a: b\n\n  c\n", Append: ptr.To(true)},
				{Path: "/etc/encoded", Encoding: bootstrapv1.GzipBase64, Owner: "root:root", Permissions: "0600",
					Content: base64.StdEncoding.EncodeToString(zip(t, "secret"))},
			},
		},
		ClusterConfiguration: "kind: ClusterConfiguration\n",
		InitConfiguration:    "kind: InitConfiguration\n",
	})
	g.Expect(err).NotTo(HaveOccurred())

	config, err := Parse(data, "node")
	g.Expect(err).NotTo(HaveOccurred())
	contents := map[string]string{}
	for _, file := range config.Files {
		contents[file.Path] = string(file.Content)
	}
	g.Expect(contents).To(HaveKeyWithValue("/etc/encoded", "secret"))
	g.Expect(contents).To(HaveKeyWithValue("/etc/plain", HavePrefix("a: b\n\n  c\n")))
	g.Expect(contents).To(HaveKeyWithValue("/run/kubeadm/kubeadm.yaml", ContainSubstring("kind: InitConfiguration")))
	g.Expect(config.BootCommands).To(Equal([]Command{{Shell: "echo \"boot\""}}))
	g.Expect(config.Commands).To(HaveLen(3))
	g.Expect(config.Commands[1].Shell).To(HavePrefix("kubeadm init --config /run/kubeadm/kubeadm.yaml"))
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("#cloud-config\nwrite_files:\n- path: /a\n  encoding: gz+b64\n  content: aGVsbG8=\nruncmd:\n- a\n- [b, c]\n"))
	f.Add([]byte("#cloud-config\nusers:\n- name: a\n  groups: b, c\n  sudo: false\n  lock_passwd: false\n  ssh_authorized_keys: [d]\n"))
	f.Add([]byte("## template: jinja\n#cloud-config\nruncmd: [{a: b}]\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		config, err := Parse(data, "node")
		if (config == nil) == (err == nil) {
			t.Fatalf("config %v with error %v", config, err)
		}
		if config == nil {
			return
		}
		for _, file := range config.Files {
			if !strings.HasPrefix(file.Path, "/") || file.Mode > 0o7777 {
				t.Fatalf("file %+v", file)
			}
		}
		for _, user := range config.Users {
			if user.Name == "" || strings.ContainsAny(user.Name+strings.Join(user.Groups, ""), " /\n") {
				t.Fatalf("user %+v", user)
			}
		}
		for _, command := range append(config.BootCommands, config.Commands...) {
			if (command.Shell == "") == (len(command.Args) == 0) {
				t.Fatalf("command %+v", command)
			}
		}
	})
}

func zip(t *testing.T, text string) []byte {
	t.Helper()
	var buffer bytes.Buffer
	writer := gzip.NewWriter(&buffer)
	if _, err := writer.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
	return buffer.Bytes()
}
