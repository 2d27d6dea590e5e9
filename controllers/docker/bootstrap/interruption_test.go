// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package bootstrap

import (
	"errors"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	. "github.com/onsi/gomega"

	"github.com/terraform-capi/terraform-provider-capi/controllers/docker/cloudinit"
)

// crash ends everything in the node, once, if the test wants it at this point.
const crashScript = `#!/bin/bash
if [ "$(cat ROOT/crash 2>/dev/null)" = "$1" ]; then rm ROOT/crash; kill -KILL 0; fi
`

// kubeadmScript does to the node what the script under test sees of kubeadm, which refuses to run twice.
const kubeadmScript = `#!/bin/bash
echo "kubeadm $*" | sed 's# --config.*##' >>ROOT/calls
case "$*" in
"init phase certs"*)
  crash certificate
  touch ROOT/etc/kubernetes/pki/apiserver.{key,crt} ;;
init*|join*)
  if [ -e ROOT/etc/kubernetes/kubelet.conf ]; then echo "kubelet.conf already exists" >&2; exit 1; fi
  mkdir -p ROOT/etc/kubernetes/{pki,manifests}
  touch ROOT/etc/kubernetes/kubelet.conf
  if [ -e ROOT/node/control-plane ]; then touch ROOT/etc/kubernetes/{pki/apiserver.{key,crt},manifests/etcd.yaml}; fi
  crash kubeadm
  case $1 in
  init) printf '\nYour Kubernetes control-plane has initialized successfully!\n\n' ;;
  join) printf '\nThis node has joined the cluster:\n' ;;
  esac
  crash last-words ;;
reset*) rm -rf ROOT/etc/kubernetes ;;
esac
`

// kubectlScript is a cluster of one control plane node, whose configuration lacks the names. Waiting for it takes time, so
// kubeadm's success must be saved before.
const kubectlScript = `#!/bin/bash
[ -e ROOT/node/completed ] || echo "not saved" >>ROOT/calls
[ -e ROOT/etc/kubernetes/pki/apiserver.crt ] || exit 1
case "$*" in
*" get configmap "*) crash certificate-names; printf 'apiServer: {}\nkind: ClusterConfiguration\n' ;;
*" apply "*) crash network-plug-in; echo "kubectl apply" >>ROOT/calls ;;
esac
`

// syncScript is called for a file with the progress, then for its folder, in which it has got its name.
const syncScript = `#!/bin/bash
case "$1" in
*/completed.new) crash saving ;;
*/node) if [ -e ROOT/node/completed ]; then crash saved; fi ;;
esac
`

const rmScript = `#!/bin/bash
case "$*" in *ROOT/node/files*) crash clean-up ;; esac
exec /bin/rm "$@"
`

// node is a folder in which the real script runs as in a node.
type node struct {
	*WithT
	t                  *testing.T
	bash, root, script string
}

func newNode(t *testing.T, n Node, cloudConfig string) *node {
	t.Helper()
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("There is no bash on this machine to run the node's script with.")
	}
	s := &node{WithT: NewWithT(t), t: t, bash: bash, root: t.TempDir()}
	paths := strings.NewReplacer("/"+directory, s.root+"/node", "/run/", s.root+"/run/", "/etc/kubernetes", s.root+"/etc/kubernetes", "/kind/", s.root+"/kind/")
	s.script = paths.Replace(string(script))
	for name, content := range map[string]string{
		"crash": crashScript, "kubeadm": kubeadmScript, "kubectl": kubectlScript, "sync": syncScript, "rm": rmScript, "sleep": "#!/bin/bash\n",
	} {
		s.write("bin/"+name, strings.ReplaceAll(content, "ROOT", s.root), 0o755)
	}
	s.write("kind/manifests/default-cni.yaml", "podSubnet: {{ .PodSubnet }}\n", 0o644)
	// Only root can give files to other users.
	me, err := user.Current()
	s.Expect(err).NotTo(HaveOccurred())
	files, err := n.files([]byte(strings.ReplaceAll(paths.Replace(cloudConfig), "OWNER", me.Uid+":"+me.Gid)), Secrets(nil))
	s.Expect(err).NotTo(HaveOccurred())
	for _, file := range files {
		if name, ok := strings.CutPrefix(file.Path, directory+"/"); ok {
			s.write("node/"+name, string(file.Content), os.FileMode(file.Mode))
		}
	}
	return s
}

func (s *node) write(name, content string, mode os.FileMode) {
	s.t.Helper()
	path := filepath.Join(s.root, name)
	s.Expect(os.MkdirAll(filepath.Dir(path), 0o755)).To(Succeed())
	s.Expect(os.WriteFile(path, []byte(content), mode)).To(Succeed())
}

func (s *node) read(name string) string {
	s.t.Helper()
	content, err := os.ReadFile(filepath.Join(s.root, name))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		s.t.Fatal(err)
	}
	return string(content)
}

// boot starts the node, which forgets its tmpfs, and returns whether it stayed up until the script ended.
func (s *node) boot() bool {
	s.t.Helper()
	s.Expect(os.RemoveAll(filepath.Join(s.root, "run"))).To(Succeed())
	run := exec.CommandContext(s.t.Context(), s.bash, "-c", s.script)
	run.Env = append(os.Environ(), "PATH="+filepath.Join(s.root, "bin")+":"+os.Getenv("PATH"))
	run.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	var exit *exec.ExitError
	if err := run.Run(); err != nil && !errors.As(err, &exit) {
		s.t.Fatal(err)
	}
	return run.ProcessState.Exited()
}

// bootThrough boots a node that goes down once at the point, and returns its result.
func (s *node) bootThrough(point string) *Result {
	s.t.Helper()
	s.write("crash", point, 0o600)
	s.Expect(s.boot()).To(BeFalse(), "the node did not go down: %s", s.read("node/log"))
	s.Expect(s.boot()).To(BeTrue())
	result, err := parseResult(s.read("node/result"))
	s.Expect(err).NotTo(HaveOccurred())
	return result
}

// Commands leave their traces in "calls", except one before kubeadm, which edits a file.
const interruptedConfig = `#cloud-config
write_files:
- {path: CONFIG, owner: OWNER, content: CONTENT}
- {path: /etc/kubernetes-edited, owner: OWNER, content: original}
- {path: /run/part, owner: OWNER, content: 'one '}
- {path: /run/part, owner: OWNER, append: true, content: two}
runcmd:
- echo pre >>/run/../calls && echo edited > /etc/kubernetes-edited
- 'KUBEADM --config CONFIG && mkdir -p /run/cluster-api && echo success > /run/cluster-api/bootstrap-success.complete && crash command'
- echo post-1 >>/run/../calls && crash post-1
- test -e /run/cluster-api/bootstrap-success.complete && test "$(cat /run/part)" = "one two" && crash post-2
- test "$(cat /etc/kubernetes-edited)" = edited
`

func configOf(command string) string {
	path, content := cloudinit.KubeadmInitPath, "'{kind: InitConfiguration}'"
	if command == "kubeadm join" {
		path, content = cloudinit.KubeadmJoinPath, "'{kind: JoinConfiguration}'"
	}
	return strings.NewReplacer("CONFIG", path, "CONTENT", content, "KUBEADM", command).Replace(interruptedConfig)
}

func TestInterruptedControlPlane(t *testing.T) {
	const (
		before, after = "pre;kubeadm init;", "kubeadm init phase certs apiserver;kubectl apply;post-1;"
		once          = before + after
	)
	for point, want := range map[string]string{
		"kubeadm":           before + "kubeadm reset --force;" + once,
		"last-words":        once,
		"command":           once,
		"saving":            once,
		"saved":             once,
		"certificate-names": once,
		"certificate":       before + "kubeadm init phase certs apiserver;kubeadm init phase certs apiserver;" + after,
		"network-plug-in":   before + "kubeadm init phase certs apiserver;" + after,
		"post-1":            once + "post-1;",
		"post-2":            once,
		"clean-up":          once,
	} {
		t.Run(point, func(t *testing.T) {
			s := newNode(t, Node{ControlPlane: true, CertificateNames: []string{"lb"}, PodSubnet: "10.0.0.0/16"}, configOf("kubeadm init"))
			s.Expect(s.bootThrough(point)).To(HaveField("ExitCode", 0), s.read("node/log"))
			s.Expect(strings.ReplaceAll(s.read("calls"), "\n", ";")).To(Equal(want))
			s.Expect(filepath.Join(s.root, "node/files")).NotTo(BeADirectory())
			s.Expect(s.boot()).To(BeTrue())
			s.Expect(strings.ReplaceAll(s.read("calls"), "\n", ";")).To(Equal(want), "done is done")
		})
	}
}

func TestInterruptedWorker(t *testing.T) {
	for point, want := range map[string]string{
		"kubeadm":    "pre;kubeadm join;kubeadm reset --force;pre;kubeadm join;post-1;",
		"last-words": "pre;kubeadm join;post-1;",
		"post-1":     "pre;kubeadm join;post-1;post-1;",
	} {
		t.Run(point, func(t *testing.T) {
			s := newNode(t, Node{}, configOf("kubeadm join"))
			s.Expect(s.bootThrough(point)).To(HaveField("ExitCode", 0), s.read("node/log"))
			s.Expect(strings.ReplaceAll(s.read("calls"), "\n", ";")).To(Equal(want))
		})
	}
}

// A member of etcd that loses its data takes the quorum of two with it.
func TestInterruptedMemberOfEtcd(t *testing.T) {
	s := newNode(t, Node{ControlPlane: true}, configOf("kubeadm join"))
	s.Expect(s.bootThrough("kubeadm").Describe(Secrets(nil))).To(ContainSubstring("member of etcd; delete the Machine to replace it"))
	s.Expect(s.read("calls")).NotTo(ContainSubstring("reset"))
}

// Without the file of Cluster API's contract nothing says which command ran kubeadm.
func TestInterruptedWithoutSentinel(t *testing.T) {
	s := newNode(t, Node{ControlPlane: true}, "#cloud-config\nruncmd:\n- kubeadm init && crash command\n")
	s.Expect(s.bootThrough("command").Describe(Secrets(nil))).To(ContainSubstring("unknown where to resume"))
	s.Expect(s.read("calls")).NotTo(ContainSubstring("reset"))
}

// What was on a tmpfs is written again in full, what was not is not appended to again.
func TestFilesOfRepeatedAttempt(t *testing.T) {
	s := newNode(t, Node{}, "#cloud-config\nwrite_files:\n"+
		"- {path: /run/part, owner: OWNER, content: 'one '}\n- {path: /run/part, owner: OWNER, append: true, content: two}\n"+
		"- {path: /kind/part, owner: OWNER, append: true, content: one}\nruncmd:\n- crash first\n- cat /run/part /kind/part\n")
	s.Expect(s.bootThrough("first")).To(HaveField("ExitCode", 0))
	s.Expect(s.read("node/log")).To(ContainSubstring("one twoone---"))
}
