// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

// Package cases plans the configurations in its folders, each with nothing running, and
// compares what Terraform prints with the folder's plan.golden.
package cases_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/terraform-capi/terraform-provider-capi/internal/acctest"
	"github.com/terraform-capi/terraform-provider-capi/internal/provider"
)

func TestIntegrationCases(t *testing.T) {
	acctest.NeedTerraform(t)
	folders, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, folder := range folders {
		if !folder.IsDir() {
			continue
		}
		t.Run(folder.Name(), func(t *testing.T) {
			t.Parallel()
			// An engine without a cluster: what the machine that runs the test has does not matter.
			w := acctest.NewWorkspaceFor(t, provider.NewFor("test", acctest.Engine{ID: acctest.EngineID}))
			w.Copy(folder.Name())
			// Without it the plan would be empty, and the golden file say so.
			w.Read("main.tf")
			out, _ := w.Try("plan")
			acctest.GoldenFile(t, filepath.Join(folder.Name(), "plan.golden"), manifests.ReplaceAllString(acctest.PlanText(out), ""))
		})
	}
}

// The README's example is a whole configuration.
func TestIntegrationReadme(t *testing.T) {
	acctest.NeedTerraform(t)
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, example, _ := strings.Cut(string(readme), "```hcl\n")
	example, _, found := strings.Cut(example, "```\n")
	if !found {
		t.Fatal("there is no example")
	}
	w := acctest.NewWorkspaceFor(t, provider.NewFor("test", acctest.Engine{ID: acctest.EngineID}))
	// It says by itself which providers it needs.
	w.Write("versions.tf", example)
	w.Terraform("validate")
	if out, code := w.Try("fmt", "-diff", "-check"); code != 0 {
		t.Errorf("it is not formatted:\n%s", out)
	}
}

// manifests are in the folder anyway.
var manifests = regexp.MustCompile(`(?ms)^ *\+ manifest += <<-EOT\n.*?^ *EOT\n`)
