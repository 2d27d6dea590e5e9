// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package kind_test

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/terraform-capi/terraform-provider-capi/internal/acctest"
	"github.com/terraform-capi/terraform-provider-capi/internal/management/kind"
	"github.com/terraform-capi/terraform-provider-capi/internal/managementcluster"
)

// childVariable makes the test a process that creates a cluster and waits to be
// killed.
const childVariable = "TERRAFORM_PROVIDER_CAPI_TEST_CREATE"

// What a process had made that was killed, the next one removes or takes over.
func TestAccKilledCreation(t *testing.T) {
	const name = "acc-killed"
	config := kind.Config{Name: name, NodeImage: managementcluster.DefaultNodeImage}
	if os.Getenv(childVariable) != "" {
		if _, err := kind.New().Create(t.Context(), config); err != nil {
			t.Fatal(err)
		}
		_, _ = fmt.Fprintln(os.Stdout, "created")
		<-t.Context().Done()
	}
	acctest.NeedDocker(t)
	acctest.NeedImage(t, config.NodeImage)
	acctest.NoLeaks(t, name)
	clusters, node := kind.New(), kind.NodeName(name)
	t.Cleanup(func() {
		for _, container := range append(containers(t, "label="+kind.Label+"="+name), containers(t, "label=terraform-capi.io/claim="+name)...) {
			acctest.Docker(t, "rm", "--force", "--volumes", container)
		}
	})

	// Killed as soon as there is a node.
	child := startChild(t)
	for !strings.Contains(strings.Join(containers(t, "label="+kind.Label+"="+name), " "), node) {
		time.Sleep(100 * time.Millisecond) //nolint:forbidigo // Nothing tells.
	}
	child.kill(t)
	// Killed when all is done, but nothing saved.
	child = startChild(t)
	child.waitFor(t, "created")
	child.kill(t)
	before, err := clusters.Identity(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	if err := clusters.CheckName(t.Context(), name); err != nil {
		t.Errorf("a plan would refuse: %v", err)
	}

	creation, err := clusters.Create(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]kind.Remains{{Nodes: []string{node}, Adopted: true}}, creation.Remains); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(before, creation.Identity); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(config, creation.Description.Config); diff != "" {
		t.Error(diff)
	}
	if err := creation.Release(t.Context()); err != nil {
		t.Error(err)
	}
	if left := containers(t, "label=terraform-capi.io/claim="+name); len(left) > 0 {
		t.Errorf("claims are left: %q", left)
	}
	if err := clusters.Delete(t.Context(), creation.Identity.Nodes); err != nil {
		t.Error(err)
	}
}

func containers(t *testing.T, filter string) []string {
	t.Helper()
	return strings.Fields(acctest.Docker(t, "ps", "--all", "--filter", filter, "--format", "{{.Names}}"))
}

type child struct {
	*exec.Cmd
	output *bufio.Scanner
}

func startChild(t *testing.T) child {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$")
	cmd.Env = append(os.Environ(), childVariable+"=1")
	output, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return child{cmd, bufio.NewScanner(output)}
}

func (c child) waitFor(t *testing.T, line string) {
	t.Helper()
	for c.output.Scan() {
		if c.output.Text() == line {
			return
		}
		t.Log(c.output.Text())
	}
	t.Fatalf("the process ended before %q", line)
}

func (c child) kill(t *testing.T) {
	t.Helper()
	if err := c.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = c.Wait()
}
