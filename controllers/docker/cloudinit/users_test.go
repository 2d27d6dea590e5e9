// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package cloudinit

import (
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	"k8s.io/utils/ptr"

	bootstrapv1 "sigs.k8s.io/cluster-api/api/bootstrap/kubeadm/v1beta2"
	upstream "sigs.k8s.io/cluster-api/bootstrap/kubeadm/pkg/cloudinit"
)

func TestParseUsers(t *testing.T) {
	for name, test := range map[string]struct {
		user string
		want User
	}{
		"name only":                 {"name: a", User{Name: "a", LockPassword: true}},
		"lists":                     {"{name: a, groups: [b, 'c,d'], sudo: [e, f]}", User{Name: "a", LockPassword: true, Groups: []string{"b", "c", "d"}, Sudo: []string{"e", "f"}}},
		"no sudo":                   {"{name: a, sudo: false}", User{Name: "a", LockPassword: true}},
		"password to use":           {"{name: a, passwd: $6$b$c, lock_passwd: false}", User{Name: "a", Password: "$6$b$c"}},
		"password, locked":          {"{name: a, passwd: $6$b$c}", User{Name: "a", Password: "$6$b$c", LockPassword: true}},
		"number as name of a group": {"{name: a, gecos: 12}", User{Name: "a", Gecos: "12", LockPassword: true}},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			config, err := Parse([]byte("#cloud-config\nusers:\n- "+test.user+"\n"), "node")
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(config.Users).To(Equal([]User{test.want}))
		})
	}
}

func TestParseUsersErrors(t *testing.T) {
	for name, test := range map[string]struct{ user, want string }{
		"unknown key":               {"{name: a, uid: 1}", "unknown directive uid"},
		"default user":              {"default", "not understood"},
		"no name":                   {"{gecos: a}", `users[0]: name "" is not a user name`},
		"name for the shell":        {"{name: a;b}", `name "a;b" is not a user name`},
		"name for sudo":             {"{name: '%a'}", `name "%a" is not a user name`},
		"name as an option":         {"{name: '-a'}", `name "-a" is not a user name`},
		"long name":                 {"{name: " + strings.Repeat("a", 33) + "}", "32 at most"},
		"group":                     {"{name: a, groups: 'b,,c'}", `group "" is not a group name`},
		"primary group":             {"{name: a, primary_group: b c}", `group "b c" is not a group name`},
		"comment":                   {"{name: a, gecos: 'b:c'}", "gecos must not contain colons"},
		"home":                      {"{name: a, homedir: home}", `homedir "home" is not an absolute path`},
		"shell":                     {"{name: a, shell: bash}", `shell "bash" is not an absolute path`},
		"password":                  {"{name: a, passwd: 'secret:x'}", "passwd must not contain colons"},
		"key of two lines":          {"{name: a, ssh_authorized_keys: [\"secret\\nb\"]}", "must be one line"},
		"empty rule":                {"{name: a, sudo: ['']}", "must be one line"},
		"inactive for some days":    {"{name: a, inactive: 5}", "not understood"},
		"key that is no text":       {"{name: a, ssh_authorized_keys: [{secret: b}]}", "not understood"},
		"more than one is reported": {"{name: a, shell: bash}\n- {name: 'b c'}", `users[1]: name "b c"`},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			_, err := Parse([]byte("#cloud-config\nusers:\n- "+test.user+"\n"), "node")
			g.Expect(err).To(MatchError(ContainSubstring(test.want)))
			g.Expect(err.Error()).NotTo(ContainSubstring("secret"))
		})
	}
}

// What upstream's own template makes of users is understood, with every field set.
func TestParseUpstreamUsers(t *testing.T) {
	g := NewWithT(t)
	data, err := upstream.NewNode(&upstream.NodeInput{BaseUserData: upstream.BaseUserData{Users: []bootstrapv1.User{
		{
			Name: "alice", Gecos: "Alice, of Wonderland", Groups: "sudo, docker", HomeDir: "/srv/alice", Inactive: ptr.To(true),
			Shell: "/bin/bash", Passwd: "$6$salt$hash", PrimaryGroup: "staff", LockPassword: ptr.To(false),
			Sudo: "ALL=(ALL) NOPASSWD:ALL", SSHAuthorizedKeys: []string{"ssh-ed25519 AAAA alice@example.com", "ssh-rsa BBBB"},
		},
		{Name: "bob", Sudo: "[\"ALL=(root) /bin/ls\", \"ALL=(root) /bin/cat\"]", Inactive: ptr.To(false), LockPassword: ptr.To(true)},
	}}})
	g.Expect(err).NotTo(HaveOccurred())

	config, err := Parse(data, "node")
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(config.Users).To(Equal([]User{
		{
			Name: "alice", Gecos: "Alice, of Wonderland", Groups: []string{"sudo", "docker"}, HomeDir: "/srv/alice", Inactive: true,
			Shell: "/bin/bash", Password: "$6$salt$hash", PrimaryGroup: "staff",
			Sudo: []string{"ALL=(ALL) NOPASSWD:ALL"}, SSHAuthorizedKeys: []string{"ssh-ed25519 AAAA alice@example.com", "ssh-rsa BBBB"},
		},
		{Name: "bob", Sudo: []string{"ALL=(root) /bin/ls", "ALL=(root) /bin/cat"}, LockPassword: true},
	}))
}

// What upstream's templates emit and a container cannot do is refused, all of it at once.
func TestParseUpstreamUnsupported(t *testing.T) {
	g := NewWithT(t)
	input := &upstream.NodeInput{BaseUserData: upstream.BaseUserData{
		NTP: &bootstrapv1.NTP{Servers: []string{"a"}},
		DiskSetup: &bootstrapv1.DiskSetup{
			Partitions:  []bootstrapv1.Partition{{Device: "/dev/sdb", Layout: ptr.To(true), TableType: "gpt"}},
			Filesystems: []bootstrapv1.Filesystem{{Device: "/dev/sdb", Filesystem: "ext4", Label: "a", ExtraOpts: []string{"-E"}}},
		},
		Mounts: []bootstrapv1.MountPoints{{"LABEL=a", "/a"}},
	}}
	data, err := upstream.NewNode(input)
	g.Expect(err).NotTo(HaveOccurred())
	_, err = Parse(data, "node")
	for _, directive := range []string{"ntp", "disk_setup", "fs_setup", "mounts"} {
		g.Expect(err).To(MatchError(ContainSubstring(directive + " is not supported by the Docker infrastructure provider")))
	}

	input.NTP, input.Mounts, input.DiskSetup = &bootstrapv1.NTP{Enabled: ptr.To(false)}, nil, nil
	data, err = upstream.NewNode(input)
	g.Expect(err).NotTo(HaveOccurred())
	_, err = Parse(data, "node")
	g.Expect(err).NotTo(HaveOccurred(), "a node without NTP is what it is")
}
