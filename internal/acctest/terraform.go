// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package acctest

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"testing"
)

const (
	terraformPathVariable = "TF_ACC_TERRAFORM_PATH"
	registryVariable      = "TF_ACC_PROVIDER_HOST"
)

// NeedTerraform skips the test if there is no Terraform binary. It makes the test framework use the one on the PATH, which
// otherwise would download its own. OpenTofu will do: the framework then has to name providers by OpenTofu's registry.
func NeedTerraform(t *testing.T) {
	t.Helper()
	if os.Getenv(terraformPathVariable) == "" {
		binary := findTerraform()
		if binary == "" {
			t.Skipf("no terraform or tofu on the PATH, and %s is not set", terraformPathVariable)
		}
		t.Setenv(terraformPathVariable, binary)
	}
	tofu, err := isOpenTofu()
	if err != nil {
		t.Fatalf("cannot ask %s for its version: %v", os.Getenv(terraformPathVariable), err)
	}
	if tofu {
		t.Setenv(registryVariable, "registry.opentofu.org")
	}
}

func findTerraform() string {
	for _, name := range []string{"terraform", "tofu"} {
		if found, err := exec.LookPath(name); err == nil {
			return found
		}
	}
	return ""
}

// isOpenTofu asks the Terraform binary what it is: its name may be anything.
var isOpenTofu = sync.OnceValues(func() (bool, error) {
	version := exec.CommandContext(context.Background(), os.Getenv(terraformPathVariable), "version")
	// Terraform would ask whether there is a later one.
	version.Env = append(os.Environ(), "CHECKPOINT_DISABLE=1")
	out, err := version.Output()
	return bytes.Contains(out, []byte("OpenTofu v")), err
})

// words are those by which OpenTofu speaks of itself, and Terraform's for them.
var words = strings.NewReplacer("OpenTofu", "Terraform", "tofu ", "terraform ")

// legend explains the symbols of a plan.
var legend = regexp.MustCompile(`Terraform used the selected providers[^:]*:\n(?:[-+~/<=. ]{3} [^\n]+\n)+`)

// PlanText is what a plan printed, as golden files have it: in Terraform's words even if OpenTofu printed it, and without
// the legend.
func PlanText(out string) string {
	return strings.TrimSpace(legend.ReplaceAllString(words.Replace(out), "")) + "\n"
}
