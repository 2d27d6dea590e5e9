// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package acctest

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What is the same in what Terraform and OpenTofu print.
const (
	refreshing = `terraform_data.a: Refreshing state... [id=0488d884]
terraform_data.b: Refreshing state... [id=814f1416]

`
	changes = `

  # terraform_data.a will be updated in-place
  ~ resource "terraform_data" "a" {
      ~ input  = "one" -> "two"
    }

  # terraform_data.b must be replaced
-/+ resource "terraform_data" "b" {
      ~ triggers_replace = "one" -> "two"
        # (1 unchanged attribute hidden)
    }

Plan: 1 to add, 1 to change, 1 to destroy.
`
)

// A plan reads the same whichever program printed it.
func TestPlanText(t *testing.T) {
	for name, test := range map[string]struct{ printed, want string }{
		"Terraform 1.11.4": {
			printed: refreshing + `Terraform used the selected providers to generate the following execution
plan. Resource actions are indicated with the following symbols:
  + create
  ~ update in-place
-/+ destroy and then create replacement

Terraform will perform the following actions:` + changes,
			want: refreshing + "\nTerraform will perform the following actions:" + changes,
		},
		"OpenTofu 1.12.6": {
			printed: refreshing + `OpenTofu used the selected providers to generate the following execution
plan. Resource actions are indicated with the following symbols:
  + create
  ~ update in-place (current -> planned)
-/+ destroy and then create replacement

OpenTofu will perform the following actions:` + changes,
			want: refreshing + "\nTerraform will perform the following actions:" + changes,
		},
		"OpenTofu 1.12.6, without a plan": {
			printed: "\nPlanning failed. OpenTofu encountered an error while generating this plan.\n\n\nError: Invalid cluster\n",
			want:    "Planning failed. Terraform encountered an error while generating this plan.\n\n\nError: Invalid cluster\n",
		},
		"OpenTofu 1.12.6, with a command": {
			printed: "create and apply a refresh-only plan:\n  tofu apply -refresh-only\n",
			want:    "create and apply a refresh-only plan:\n  terraform apply -refresh-only\n",
		},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, PlanText(test.printed)); diff != "" {
				t.Error(diff)
			}
		})
	}
}
