// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package bootstrap

import (
	"archive/tar"
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/blang/semver/v4"
	"github.com/google/go-cmp/cmp"
	. "github.com/onsi/gomega"

	"github.com/terraform-capi/terraform-provider-capi/controllers/docker/cloudinit"
)

var updateGolden = flag.Bool("update", false, "write the golden files anew")

const controlPlaneConfig = `## template: jinja
#cloud-config

write_files:
-   path: /etc/kubernetes/pki/ca.key
    owner: root:root
    permissions: '0600'
    content: |
      key
-   path: /etc/hosts
    append: true
    content: "10.0.0.1 a\n"
-   path: /run/kubeadm/kubeadm.yaml
    owner: root:root
    permissions: '0640'
    content: |
      ---
      apiVersion: kubeadm.k8s.io/v1beta4
      kind: ClusterConfiguration
      apiServer:
        certSANs:
        - example.com
        - localhost
      clusterName: test
      kubernetesVersion: v1.35.0
      ---
      apiVersion: kubeadm.k8s.io/v1beta4
      kind: InitConfiguration
      nodeRegistration:
        imagePullPolicy: IfNotPresent
        kubeletExtraArgs:
        - name: eviction-hard
          value: memory.available<5%
        name: '{{ ds.meta_data.local_hostname }}'
        taints: []
bootcmd:
  - "sysctl -w a=b"
runcmd:
  - "echo 'pre'"
  - 'kubeadm init --config /run/kubeadm/kubeadm.yaml  && echo success > /run/cluster-api/bootstrap-success.complete'
  - [echo, "it's done"]
`

const workerConfig = `#cloud-config
write_files:
- path: /run/kubeadm/kubeadm-join-config.yaml
  content: |
    apiVersion: kubeadm.k8s.io/v1beta3
    kind: JoinConfiguration
    nodeRegistration:
      kubeletExtraArgs:
        cgroup-root: /mine
runcmd:
- kubeadm join --config /run/kubeadm/kubeadm-join-config.yaml
`

const usersConfig = `#cloud-config
users:
- name: alice.o
  gecos: it's Alice
  homedir: /srv/alice
  shell: /bin/bash
  primary_group: staff
  groups: sudo, docker
  inactive: true
  passwd: $6$salt$hash
  lock_passwd: false
  sudo: ALL=(ALL) NOPASSWD:ALL
  ssh_authorized_keys:
  - ssh-ed25519 AAAA $(alice)
  - ssh-rsa BBBB
- name: bob
`

func controlPlane() Node {
	return Node{
		Name: "test-cp-1", ProviderID: "docker:////test-cp-1", Version: semver.MustParse("1.35.0"), CgroupV1: true,
		ControlPlane: true, CertificateNames: []string{"127.0.0.1", "localhost", "test-lb"}, PodSubnet: "10.10.0.0/16",
	}
}

func TestPayload(t *testing.T) {
	worker := Node{
		Name: "test-w-1", ProviderID: "docker:////test-w-1", Version: semver.MustParse("1.30.2"), CgroupV1: true,
		CertificateNames: []string{"127.0.0.1"}, PodSubnet: "10.10.0.0/16", WaitForImages: true,
	}
	for _, test := range []struct {
		name   string
		node   Node
		config string
	}{
		{"control-plane", controlPlane(), controlPlaneConfig},
		{"worker", worker, workerConfig},
		{"users", worker, usersConfig},
	} {
		t.Run(test.name, func(t *testing.T) {
			g := NewWithT(t)
			payload, err := test.node.Payload([]byte(test.config))
			g.Expect(err).NotTo(HaveOccurred())
			expectGolden(t, filepath.Join("testdata", test.name+".golden"), describeArchive(t, payload))

			again, err := test.node.Payload([]byte(test.config))
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(bytes.Equal(payload, again)).To(BeTrue(), "the same data give the same archive")
		})
	}
}

func TestPayloadErrors(t *testing.T) {
	for name, test := range map[string]struct{ config, want string }{
		"cloud-config": {"#cloud-config\nntp: {}\n", "ntp is not supported"},
		"kubeadm's YAML": {
			"#cloud-config\nwrite_files:\n- path: /run/kubeadm/kubeadm.yaml\n  content: 'a: ['\n",
			"/run/kubeadm/kubeadm.yaml: not valid YAML",
		},
		"kubeadm's types": {
			"#cloud-config\nwrite_files:\n- path: /run/kubeadm/kubeadm.yaml\n  content: '{kind: ClusterConfiguration, apiServer: 1}'\n",
			"ClusterConfiguration: apiServer is not an object",
		},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := controlPlane().Payload([]byte(test.config))
			NewWithT(t).Expect(err).To(MatchError(ContainSubstring(test.want)))
		})
	}
}

func TestNeedsCgroupV1(t *testing.T) {
	for _, test := range []struct {
		version  string
		cgroupV1 bool
		want     bool
	}{
		{"1.35.0", true, true},
		{"1.35.0-rc.1", true, true},
		{"1.36.2", true, true},
		{"1.34.9", true, false},
		{"1.35.0", false, false},
	} {
		node := Node{Version: semver.MustParse(test.version), CgroupV1: test.cgroupV1}
		NewWithT(t).Expect(node.NeedsCgroupV1()).To(Equal(test.want), test.version)
	}
}

func TestParseResult(t *testing.T) {
	g := NewWithT(t)
	result, err := parseResult("exit=0\ncommand=\n\n")
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(result.Succeeded()).To(BeTrue())

	result, err = parseResult("exit=1\ncommand=kubeadm join\n\n" + strings.Repeat("noise\n", 50) + "token abcdef.0123456789abcdef\n")
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(result.Succeeded()).To(BeFalse())
	text := result.Describe(Secrets(nil))
	g.Expect(text).To(HavePrefix("command \"kubeadm join\" failed with exit code 1:\nnoise\n"))
	g.Expect(text).To(HaveSuffix("\ntoken <redacted>"))
	g.Expect(strings.Count(text, "\n")).To(BeNumerically("<", 20))
	g.Expect(result.DescribeWithoutLog("test-cp-1")).To(Equal(
		"command \"kubeadm join\" failed with exit code 1; what it wrote is in /usr/local/lib/terraform-capi/log of container test-cp-1"))

	result, err = parseResult("exit=1\ncommand=a\n\n" + strings.Repeat("a", 40000))
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(result.Describe(Secrets(nil))).To(HaveSuffix(":\n" + strings.Repeat("a", 500) + "..."))

	_, err = parseResult("garbage")
	g.Expect(err).To(MatchError(ContainSubstring("not understood")))
}

func TestLabelsHaveNoSecrets(t *testing.T) {
	for command, want := range map[string]string{
		"kubeadm join --token abcdef.0123456789abcdef":                   "kubeadm join --token <redacted>",
		"echo 'root:$6$salt$abcdefgh./0' |\n  chpasswd":                  "echo 'root:<redacted>' | chpasswd",
		strings.Repeat("x", 180) + " --token " + strings.Repeat("0", 64): strings.Repeat("x", 180) + " --token <redacted>",
		strings.Repeat("x", 201):                                         strings.Repeat("x", 200) + "...",
		"join.sh Tr0ub4dor&3 /etc/credentials":                           "join.sh <redacted> /etc/credentials",
	} {
		secrets := Secrets([]byte("#cloud-config\nwrite_files:\n- path: /etc/credentials\n  content: Tr0ub4dor&3\n"))
		NewWithT(t).Expect(label(cloudinit.Command{Shell: command}, secrets)).To(Equal(want))
	}
}

// What kubeadm may print of its configuration is redacted wherever it stands, and what it makes itself where it says so.
// What failed remains.
func TestDescribeHasNoSecrets(t *testing.T) {
	key := strings.Repeat("0a", 32)
	secrets := Secrets([]byte(`## template: jinja
#cloud-config
write_files:
- path: /etc/kubernetes/pki/ca.key
  content: |
    -----BEGIN RSA PRIVATE KEY-----
    MIIEvQIBADANBgkqhkiG9w0B
    -----END RSA PRIVATE KEY-----
- path: /etc/encoded
  encoding: base64
  content: ZGVjb2RlZC1zM2NyZXQ=
- path: /run/kubeadm/kubeadm-join-config.yaml
  content: |
    kind: JoinConfiguration
    controlPlane: {certificateKey: `+key+`}
    discovery:
      bootstrapToken:
        apiServerEndpoint: 172.18.0.3:6443
        caCertHashes: ["sha256:`+key+`"]
        token: abcdef.0123456789abcdef
users:
- name: alice
  passwd: plain-passw0rd
runcmd:
- MIRROR_PASSWORD=hunter2 /etc/pull.sh
- [kubeadm, join, --config, /run/kubeadm/kubeadm-join-config.yaml]
`), "test-cp-1")
	for line, want := range map[string]string{
		"x MIIEvQIBADANBgkqhkiG9w0B":                         "x <redacted>",
		"x decoded-s3cret":                                   "x <redacted>",
		"certificate " + key:                                 "certificate <redacted>",
		"the token abcdef.0123456789abcdef has expired":      "the token <redacted> has expired",
		"alice has plain-passw0rd, and the mirror hunter2":   "alice has <redacted>, and the mirror <redacted>",
		"[upload-certs] Using certificate key: " + key:       "[upload-certs] Using certificate key: <redacted>",
		"kubeadm join --token 123456.0123456789abcdef":       "kubeadm join --token <redacted>",
		"dial tcp 172.18.0.3:6443: connect: refused":         "dial tcp 172.18.0.3:6443: connect: refused",
		"[ERROR Port-10250]: Port 10250 is in use":           "[ERROR Port-10250]: Port 10250 is in use",
		"nodes \"test-cp-1\" not found in JoinConfiguration": "nodes \"test-cp-1\" not found in JoinConfiguration",
	} {
		result := Result{ExitCode: 1, command: "kubeadm join", log: line}
		NewWithT(t).Expect(result.Describe(secrets)).To(HaveSuffix(":\n" + want))
	}
}

// Errors about the bootstrap data say where, and not what stands there.
func TestPayloadErrorsHaveNoSecrets(t *testing.T) {
	for config, want := range map[string]string{
		"#cloud-config\nusers: [{name: bob, lock_passwd: hunter2}]\n":                                      "into bool",
		"#cloud-config\nusers: [{name: bob, passwd: *hunter2}]\n":                                          "unknown anchor",
		"#cloud-config\nwrite_files:\n- path: /run/kubeadm/kubeadm.yaml\n  content: '{token: *hunter2}'\n": "/run/kubeadm/kubeadm.yaml: not valid YAML",
	} {
		_, err := controlPlane().Payload([]byte(config))
		NewWithT(t).Expect(err).To(MatchError(ContainSubstring(want)))
		NewWithT(t).Expect(err).NotTo(MatchError(ContainSubstring("hunter2")))
	}
}

// describeArchive is a tar archive as text. The scripts and the unit are files of this package and left out.
func describeArchive(t *testing.T, archive []byte) string {
	t.Helper()
	var text strings.Builder
	reader := tar.NewReader(bytes.NewReader(archive))
	for {
		header, err := reader.Next()
		if errors.Is(err, io.EOF) {
			return text.String()
		}
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(reader)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = fmt.Fprintf(&text, "%04o %s", header.Mode, header.Name)
		if header.Linkname != "" {
			text.WriteString(" -> " + header.Linkname)
		}
		text.WriteString("\n")
		if bytes.Equal(content, script) || bytes.Equal(content, userScript) || bytes.Equal(content, unit) || len(content) == 0 {
			continue
		}
		for line := range strings.Lines(strings.TrimSuffix(string(content), "\n") + "\n") {
			text.WriteString("    " + line)
		}
	}
}

func expectGolden(t *testing.T, path, got string) {
	t.Helper()
	if *updateGolden {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s differs (go test -update writes it anew):\n%s", path, diff)
	}
}
