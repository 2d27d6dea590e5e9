// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package crash_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/terraform-capi/terraform-provider-capi/internal/acctest"
	"github.com/terraform-capi/terraform-provider-capi/internal/cluster"
	"github.com/terraform-capi/terraform-provider-capi/internal/clusterclass"
)

// withTerraform is how many crashes there are with the Terraform binary, each of
// which takes some ten seconds.
var withTerraform = flag.Int("terraform", 4, "number of crashes with the Terraform binary")

// workspace is a folder with a class and a cluster of it, for which the Terraform
// binary runs this executable as the provider.
type workspace struct {
	w         *world
	directory string
	env       []string
}

func newWorkspace(w *world, name string) *workspace {
	w.t.Helper()
	made := clusterOf(name, 1)
	topology, _ := made["topology"].(object)
	topology["class"] = "${capi_cluster_class.test.name}"
	ws := &workspace{w: w, directory: w.t.TempDir()}
	executable, err := os.Executable()
	if err != nil {
		w.t.Fatal(err)
	}
	if err := os.Symlink(executable, filepath.Join(ws.directory, "terraform-provider-capi")); err != nil {
		w.t.Fatal(err)
	}
	ws.write("terraformrc", fmt.Sprintf("provider_installation {\n  dev_overrides {\n    \"terraform-capi/capi\" = %q\n  }\n  direct {}\n}\n", ws.directory))
	content, err := json.Marshal(object{
		"terraform": object{"required_providers": object{"capi": object{"source": "terraform-capi/capi"}}},
		"resource": object{
			clusterclass.ResourceType: object{"test": classOf(name+"-class", "kindest/node:v1.34.3")},
			cluster.ResourceType:      object{"test": made},
		},
	})
	if err != nil {
		w.t.Fatal(err)
	}
	ws.write("main.tf.json", string(content))
	ws.env = append(os.Environ(), engineVariable+"="+w.socket, "TF_CLI_CONFIG_FILE="+filepath.Join(ws.directory, "terraformrc"),
		"TF_IN_AUTOMATION=1", "TF_INPUT=0", "TF_CLI_ARGS=-no-color")
	return ws
}

func (ws *workspace) write(name, content string) {
	ws.w.t.Helper()
	if err := os.WriteFile(filepath.Join(ws.directory, name), []byte(content), 0o600); err != nil {
		ws.w.t.Fatal(err)
	}
}

// terraform runs a command, and returns what it printed and its exit code.
func (ws *workspace) terraform(args ...string) (string, int) {
	ws.w.t.Helper()
	cmd := exec.CommandContext(context.WithoutCancel(ws.w.t.Context()), os.Getenv("TF_ACC_TERRAFORM_PATH"), args...)
	cmd.Dir, cmd.Env = ws.directory, ws.env
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		ws.w.t.Fatal(err)
	}
	ws.w.interrupts(func() { _ = cmd.Process.Signal(os.Interrupt) })
	err := cmd.Wait()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		ws.w.t.Fatal(err)
	}
	return out.String(), cmd.ProcessState.ExitCode()
}

// must runs a command that has to succeed.
func (ws *workspace) must(after string, args ...string) string {
	ws.w.t.Helper()
	out, code := ws.terraform(args...)
	if code != 0 {
		ws.w.t.Fatalf("after\n%s\nterraform %v exited with %d:\n%s", after, args, code, out)
	}
	return out
}

// crashCLI is crash with the Terraform binary, whose state on disk is what counts.
func crashCLI(t *testing.T, on *suite, f *fault) (order []string, counts map[string]int) {
	t.Helper()
	name := fmt.Sprintf("test-%d", runs.Add(1))
	w := newWorld(t, on)
	before, containers := inventory(t, on, name, false), w.containers()
	ws := newWorkspace(w, name)
	w.watch(f)
	after, _ := ws.terraform("apply", "-auto-approve")
	order, counts = w.watch(nil)
	for {
		out, code := ws.terraform("apply", "-auto-approve")
		if code == 0 {
			break
		}
		// Lines are wrapped, but not commands, which are on lines of their own.
		command := importCommand.FindStringSubmatch(out)
		if command == nil {
			t.Fatalf("after\n%s\napplying again:\n%s", after, out)
		}
		address := clusterclass.ResourceType + ".test"
		if strings.Contains(command[0], cluster.ResourceType+".NAME") {
			address = cluster.ResourceType + ".test"
		}
		ws.must(after, "import", address, command[1])
	}
	ws.must(after, "plan", "-detailed-exitcode")
	ws.must(after, "destroy", "-auto-approve")
	if left := ws.must(after, "state", "list"); strings.TrimSpace(left) != "" {
		t.Errorf("in the state are\n%s", left)
	}
	if diff := cmp.Diff(before, inventory(t, on, name, false)); diff != "" {
		t.Errorf("after\n%s\nleft are:\n%s", after, diff)
	}
	if diff := cmp.Diff(containers, w.containers()); diff != "" {
		t.Errorf("after\n%s\nleft or touched are:\n%s", after, diff)
	}
	return order, counts
}

func TestCrashWithTerraform(t *testing.T) {
	acctest.NeedTerraform(t)
	on := newSuite(t, false)
	order, counts := crashCLI(t, on, nil)
	all := faults(order, counts, map[string]bool{}, true)
	wanted := min(*withTerraform, len(all))
	for i := range wanted {
		f := all[i*len(all)/wanted]
		t.Run(f.String(), func(t *testing.T) {
			t.Parallel()
			crashCLI(t, on, f)
		})
	}
}
