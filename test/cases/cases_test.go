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
			acctest.GoldenFile(t, filepath.Join(folder.Name(), "plan.golden"), normalize(out))
		})
	}
}

// noise is what Terraform says of itself, and manifests, which the folder has anyway.
var noise = regexp.MustCompile(`(?s)(Terraform|OpenTofu) used the selected providers[^:]*:\n(  [-+~/<=]+ [^\n]*\n)+` +
	`|─{20,}\n\nNote: You didn't use the -out option.*?now\.\n` +
	`|(?m:^ *\+ manifest += <<-EOT\n).*?(?m:^ *EOT\n)`)

func normalize(out string) string {
	return strings.TrimSpace(noise.ReplaceAllString(out, "")) + "\n"
}
