// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package machine

import (
	"testing"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"sigs.k8s.io/cluster-api/util/conditions"

	infrav1 "github.com/terraform-capi/terraform-provider-capi/controllers/docker/api/v1beta2"
)

// usersConfig makes users and looks at them. Before that it puts programs in the way of those that are used, to
// write down their arguments: everybody in the node can see those.
const usersConfig = `#cloud-config
bootcmd:
- |
  for program in useradd usermod groupadd chpasswd getent id cut awk cat install chown chmod mv; do
    printf '#!/bin/sh\necho %s "$@" >>/arguments\nexec %s "$@"\n' "$program" "$(command -v "$program")" >/wrapper
    /bin/chmod 755 /wrapper
    /bin/mv /wrapper "/usr/local/sbin/$program"
  done
write_files:
- path: /etc/skel/skeleton
  content: hello
users:
- name: alice.o
  gecos: it's Alice
  homedir: /srv/alice
  shell: /bin/bash
  primary_group: team
  groups: adm, alice.o, new
  passwd: $6$saltsalt$thehash
  lock_passwd: false
  sudo: ALL=(ALL) NOPASSWD:ALL
  ssh_authorized_keys: [ssh-ed25519 THEKEY alice@example.com, ssh-rsa OTHERKEY]
- name: bob
  passwd: $6$saltsalt$thehash
  groups: bob, new
  sudo: ALL=(root) /bin/ls
- name: carol
  inactive: true
- name: daemon
  shell: /bin/sh
  lock_passwd: false
runcmd:
- test "$(getent passwd alice.o | cut -d':' -f5-)" = "it's Alice:/srv/alice:/bin/bash"
- test "$(id -gn alice.o) $(id -Gn alice.o)" = "team team adm alice.o new"
- test "$(getent shadow alice.o | cut -d':' -f2)" = '$6$saltsalt$thehash'
- test "$(cat /srv/alice/skeleton)" = hello
- printf 'ssh-ed25519 THEKEY alice@example.com\nssh-rsa OTHERKEY\n' | cmp - /srv/alice/.ssh/authorized_keys
- test "$(stat -c %a:%U:%G /srv/alice/.ssh /srv/alice/.ssh/authorized_keys | xargs)" = "700:alice.o:team 600:alice.o:team"
- test "$(id -Gn bob)" = "bob new"
- test "$(getent shadow bob | cut -d':' -f2)" = '!$6$saltsalt$thehash'
- printf 'alice.o ALL=(ALL) NOPASSWD:ALL\nbob ALL=(root) /bin/ls\n' | cmp - /etc/sudoers.d/90-cloud-init-users
- test "$(stat -c %a:%U /etc/sudoers.d/90-cloud-init-users)" = 440:root
- test "$(getent shadow carol | cut -d':' -f8)" = 1
- test "$(getent passwd daemon | cut -d':' -f7)" = /bin/sh
- grep -q 'no sudo; alice.o' /usr/local/lib/terraform-capi/log
- grep -q 'chpasswd --encrypted' /arguments
- '! grep -E "THEKEY|OTHERKEY|thehash" /arguments'
`

// TestAccUsers makes users in a real node.
func TestAccUsers(t *testing.T) {
	for name, test := range map[string]struct {
		cloudConfig string
		status      metav1.ConditionStatus
		message     string
	}{
		"of all kinds": {cloudConfig: usersConfig, status: metav1.ConditionTrue},
		"after an interruption": {
			cloudConfig: "#cloud-config\nbootcmd:\n- useradd alice\nusers:\n- {name: alice, passwd: $6$saltsalt$thehash, sudo: ALL=(ALL) ALL, " +
				"ssh_authorized_keys: [a]}\nruncmd:\n" +
				"- cp /etc/shadow /before; bash /usr/local/lib/terraform-capi/user.sh /usr/local/lib/terraform-capi/users/000-alice\n" +
				"- cmp /before /etc/shadow\n- test $(wc -l </home/alice/.ssh/authorized_keys) = 1\n- test $(wc -l </etc/sudoers.d/90-cloud-init-users) = 1\n",
			status: metav1.ConditionTrue,
		},
		"that cannot be": {
			cloudConfig: "#cloud-config\nbootcmd:\n- groupadd alice\nusers:\n- {name: alice, passwd: $6$saltsalt$thehash}\n",
			status:      metav1.ConditionFalse,
			message:     "Bootstrap command \"users: alice\" failed with exit code 9:",
		},
		"with rules that are none": {
			cloudConfig: "#cloud-config\nbootcmd:\n- printf '#!/bin/sh\\necho syntax error; exit 1' >/usr/local/bin/visudo; chmod 755 /usr/local/bin/visudo\n" +
				"users:\n- {name: alice, sudo: nonsense}\n",
			status:  metav1.ConditionFalse,
			message: "Bootstrap command \"users: alice\" failed with exit code 1:",
		},
	} {
		t.Run(name, func(t *testing.T) {
			e := newDockerEnvironment(t, test.cloudConfig)
			e.loop(func() bool {
				condition := conditions.Get(e.dockerMachine(), infrav1.BootstrapCompletedCondition)
				return condition != nil && condition.Reason != infrav1.BootstrapNotCompletedReason && condition.Reason != infrav1.BootstrapWaitingForContainerReason
			})
			condition := conditions.Get(e.dockerMachine(), infrav1.BootstrapCompletedCondition)
			e.Expect(condition).To(HaveField("Status", test.status), condition.Message)
			e.Expect(condition).To(HaveField("Message", And(ContainSubstring(test.message), Not(ContainSubstring("thehash")))))
		})
	}
}
