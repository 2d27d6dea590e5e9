// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package acctest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/provider"
)

const module = "github.com/terraform-capi/terraform-provider-capi"

// Workspace is a folder with a Terraform configuration that uses the provider's
// executable as it is released. Tests in which controllers run need it, because
// the controllers are that executable; all others are simpler with Factories.
type Workspace struct {
	t         *testing.T
	directory string
	env       []string
	// binaries is the folder of the provider's executable; empty if the test's own process serves it.
	binaries string
}

// NewWorkspace builds the provider and makes an empty workspace. Call
// NeedTerraform first.
func NewWorkspace(t *testing.T) *Workspace {
	t.Helper()
	w := emptyWorkspace(t, "")
	w.Use(Build(t, ".", "dev"))
	return w
}

// Build builds the provider of the given version from the module that has the source
// folder, as it is released, and returns the folder of the executable.
func Build(t *testing.T, source, version string) string {
	t.Helper()
	binaries := t.TempDir()
	build := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-ldflags=-s -w -X main.version="+version,
		"-o", filepath.Join(binaries, "terraform-provider-capi"), module)
	build.Dir = source
	// The controllers image has nothing but the executable.
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("cannot build the provider: %v\n%s", err, out)
	}
	return binaries
}

// Use makes Terraform run the executable in a folder.
func (w *Workspace) Use(binaries string) {
	w.t.Helper()
	w.binaries = binaries
	w.Write("terraformrc", fmt.Sprintf(
		"provider_installation {\n  dev_overrides {\n    \"terraform-capi/capi\" = %q\n  }\n  direct {}\n}\n", binaries))
}

// NewWorkspace makes an empty workspace in which the provider serves Terraform
// from the test's own process.
func (p Provider) NewWorkspace(t *testing.T) *Workspace {
	t.Helper()
	return NewWorkspaceFor(t, func() provider.Provider { return testProvider{p} })
}

// NewWorkspaceFor is NewWorkspace for any provider.
func NewWorkspaceFor(t *testing.T, newProvider func() provider.Provider) *Workspace {
	t.Helper()
	w := emptyWorkspace(t, "")
	w.env = append(w.env, "TF_REATTACH_PROVIDERS="+reattach(t, newProvider))
	return w
}

func emptyWorkspace(t *testing.T, terraformrc string) *Workspace {
	t.Helper()
	w := &Workspace{t: t, directory: t.TempDir()}
	w.Write("terraformrc", terraformrc)
	w.Write("versions.tf", "terraform {\n  required_providers {\n    capi = { source = \"terraform-capi/capi\" }\n  }\n}\n")
	w.env = append(os.Environ(),
		"TF_CLI_CONFIG_FILE="+filepath.Join(w.directory, "terraformrc"),
		"TF_IN_AUTOMATION=1", "TF_INPUT=0", "TF_CLI_ARGS=-no-color")
	return w
}

// Setenv sets a variable in the environment of Terraform commands.
func (w *Workspace) Setenv(name, value string) { w.env = append(w.env, name+"="+value) }

// Executable is the provider's.
func (w *Workspace) Executable() string {
	return filepath.Join(w.binaries, "terraform-provider-capi")
}

// Directory is the folder.
func (w *Workspace) Directory() string { return w.directory }

// In is the workspace as a subtest uses it, which then is the one that fails.
func (w *Workspace) In(t *testing.T) *Workspace {
	t.Helper()
	return &Workspace{t: t, directory: w.directory, env: w.env}
}

// Write writes a file of the workspace.
func (w *Workspace) Write(name, content string) {
	w.t.Helper()
	if err := os.WriteFile(filepath.Join(w.directory, name), []byte(content), 0o600); err != nil {
		w.t.Fatal(err)
	}
}

// Copy copies the files of a folder into the workspace.
func (w *Workspace) Copy(folder string) {
	w.t.Helper()
	entries, err := os.ReadDir(folder)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, entry := range entries {
		content, err := os.ReadFile(filepath.Join(folder, entry.Name()))
		if err != nil {
			w.t.Fatal(err)
		}
		w.Write(entry.Name(), string(content))
	}
}

// Read returns a file of the workspace.
func (w *Workspace) Read(name string) string {
	w.t.Helper()
	content, err := os.ReadFile(filepath.Join(w.directory, name))
	if err != nil {
		w.t.Fatal(err)
	}
	return string(content)
}

// Terraform runs a Terraform command and returns what it printed. The test fails
// if the command does.
func (w *Workspace) Terraform(args ...string) string {
	w.t.Helper()
	out, code := w.Try(args...)
	if code != 0 {
		w.t.Fatalf("terraform %v exited with %d:\n%s", args, code, out)
	}
	return out
}

// Try runs a Terraform command and returns what it printed and its exit code.
func (w *Workspace) Try(args ...string) (string, int) {
	w.t.Helper()
	// A destroy in a test's cleanup comes after the end of the test's context.
	cmd := exec.CommandContext(context.WithoutCancel(w.t.Context()), os.Getenv(terraformPathVariable), args...)
	cmd.Dir, cmd.Env = w.directory, w.env
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		w.t.Fatalf("cannot run terraform: %v", err)
	}
	return out.String(), cmd.ProcessState.ExitCode()
}

// NeedEmptyPlan fails the test if a plan would change anything.
func (w *Workspace) NeedEmptyPlan() {
	w.t.Helper()
	if out, code := w.Try("plan", "-detailed-exitcode"); code != 0 {
		w.t.Fatalf("the plan is not empty (exit code %d):\n%s", code, out)
	}
}
