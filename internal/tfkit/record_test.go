// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package tfkit

import (
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/terraform-plugin-framework/diag"

	"github.com/terraform-capi/terraform-provider-capi/internal/management"
	"github.com/terraform-capi/terraform-provider-capi/internal/management/kind"
)

type privateContent string

func (p privateContent) GetKey(context.Context, string) ([]byte, diag.Diagnostics) {
	return []byte(p), nil
}

// A record that this version does not understand wholly is no record, and an error.
func TestReadRecord(t *testing.T) {
	const written = `{"managementCluster":{"uid":"1","kind":{"engine":"e","nodes":["n"]}},"uid":"2","creation":"c"}`
	recorded := Record{
		Management: management.Identity{UID: "1", KinD: &kind.Identity{Engine: "e", Nodes: []string{"n"}}}, UID: "2", Creation: "c",
	}
	for name, test := range map[string]struct {
		content string
		want    Record
		summary string
		detail  string
	}{
		"none":                        {"", Record{}, "", ""},
		"as it has always been":       {written, recorded, "", ""},
		"with a field of its own":     {strings.Replace(written, `"uid":"2"`, `"uid":"2","seal":"x"`, 1), Record{}, "State of a newer version", `unknown field "seal"`},
		"with a field further down":   {strings.Replace(written, `"engine":"e"`, `"engine":"e","context":"x"`, 1), Record{}, "State of a newer version", `terraform init -upgrade`},
		"not of this form":            {`{"uid":["2"]}`, Record{}, "Unreadable private state", "terraform state rm"},
		"not of this form, and newer": {`{"seal":"x","uid":["2"]}`, Record{}, "Unreadable private state", ""},
		"nothing that can be read":    {`{`, Record{}, "Unreadable private state", ""},
	} {
		t.Run(name, func(t *testing.T) {
			got, diags := ReadRecord[Record](t.Context(), privateContent(test.content))
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
			if diags.HasError() != (test.summary != "") {
				t.Fatal(diags)
			}
			if diags.HasError() && (diags[0].Summary() != test.summary || !strings.Contains(diags[0].Detail(), test.detail)) {
				t.Errorf("%s: %s", diags[0].Summary(), diags[0].Detail())
			}
		})
	}
}
