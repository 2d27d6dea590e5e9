// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package bootstrap

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
)

// The script edits kubeadm's configuration with awk, because that is what nodes have.
func TestScriptAddsNames(t *testing.T) {
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("There is no bash on this machine to run the node's script with.")
	}
	_, function, found := strings.Cut(string(script), "\nadd_names() {")
	NewWithT(t).Expect(found).To(BeTrue())
	function, _, found = strings.Cut(function, "\n}\n")
	NewWithT(t).Expect(found).To(BeTrue())

	const names = "  certSANs:\n  - 127.0.0.1\n  - lb\n"
	for name, test := range map[string]struct{ config, want string }{
		"none":         {"apiServer: {}\nkind: ClusterConfiguration\n", "apiServer:\n" + names + "kind: ClusterConfiguration\n"},
		"no apiServer": {"kind: ClusterConfiguration\n", "kind: ClusterConfiguration\napiServer:\n" + names},
		"other settings": {
			"apiServer:\n  extraArgs:\n  - name: v\n    value: \"2\"\ndns: {}\n",
			"apiServer:\n" + names + "  extraArgs:\n  - name: v\n    value: \"2\"\ndns: {}\n",
		},
		"other names": {
			"a: b\napiServer:\n  certSANs:\n  - example.com\n  - lb\n  extraArgs:\n  - lb\netcd:\n  - example.com\n",
			"a: b\napiServer:\n" + names + "  - example.com\n  extraArgs:\n  - lb\netcd:\n  - example.com\n",
		},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			root := t.TempDir()
			config := filepath.Join(root, "config")
			g.Expect(os.WriteFile(filepath.Join(root, "control-plane"), []byte("127.0.0.1\nlb\n"), 0o600)).To(Succeed())
			g.Expect(os.WriteFile(config, []byte(test.config), 0o600)).To(Succeed())
			run := exec.CommandContext(t.Context(), bash, "-c", "root=$1; add_names() {"+function+"\n}\nadd_names $2", "bash", root, config)
			out, err := run.CombinedOutput()
			g.Expect(err).NotTo(HaveOccurred(), string(out))
			g.Expect(string(out)).To(Equal(test.want))
		})
	}
}
