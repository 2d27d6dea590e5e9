// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package tfkit

import (
	"context"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

func TestValidators(t *testing.T) {
	for _, test := range []struct {
		name      string
		validator validator.String
		valid     []string
		invalid   []string
	}{
		{"DNSLabel", DNSLabel(10), []string{"a", "web-1", "1234567890"}, []string{"", "Web", "-a", "a_b", "a.b", "12345678901"}},
		{"DNSSubdomain", DNSSubdomain(), []string{"a.b-c.d"}, []string{"", "a..b", "A", strings.Repeat("a", 254)}},
		{"KubernetesVersion", KubernetesVersion(), []string{"v1.35.0", "v1.36.0-rc.1"}, []string{"1.35.0", "v1.35", "v1.35.x", "", "latest"}},
		{"CIDR", CIDR(), []string{"10.0.0.0/16", "fd00::/64"}, []string{"10.0.0.0", "10.0.0.0/33", ""}},
		{"IPAddress", IPAddress(), []string{"127.0.0.1", "::1"}, []string{"localhost", "1.2.3", ""}},
		{"Duration", Duration(), []string{"90s", "1h30m"}, []string{"90", "-1s", "0s", "soon"}},
		{"AbsolutePath", AbsolutePath(), []string{"/", "/a/b"}, []string{"a", "./a", ""}},
		{"YAMLObject", YAMLObject(), []string{"kind: InitConfiguration\nx: 1"}, []string{"x: 1", "kind: [", "- kind", ""}},
		{"ImageReference", ImageReference(), []string{"kindest/node:v1.35.0", "kindest/node@sha256:" + strings.Repeat("0", 64)}, []string{"", "Kindest/Node", "a:b:c"}},
		{"ManagementClusterID", ManagementClusterID(), []string{"kind://mgmt"}, []string{"", "mgmt", "kind://", "kind://a/b", "aks://x"}},
		{"LabelKey", LabelKey(), []string{"a", "example.com/a-b"}, []string{"", "a/b/c", "-a", "ä"}},
		{"LabelValue", LabelValue(), []string{"", "a.b", "1"}, []string{"a b", "-a", strings.Repeat("a", 64)}},
	} {
		t.Run(test.name, func(t *testing.T) {
			for _, value := range test.valid {
				if problem := validate(test.validator, types.StringValue(value)); problem != "" {
					t.Errorf("%q is refused: %s", value, problem)
				}
			}
			for _, value := range test.invalid {
				if validate(test.validator, types.StringValue(value)) == "" {
					t.Errorf("%q is accepted", value)
				}
			}
			for _, value := range []types.String{types.StringNull(), types.StringUnknown()} {
				if problem := validate(test.validator, value); problem != "" {
					t.Errorf("%s is refused: %s", value, problem)
				}
			}
		})
	}
}

func TestValidatorSaysWhatIsAllowed(t *testing.T) {
	got := validate(KubernetesVersion(), types.StringValue("1.35.0"))
	want := `"1.35.0" is not valid: the leading v is missing. ` +
		`The value must be a full semantic version with a leading v, such as v1.35.0.`
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// Terraform shows where the outermost attribute begins.
func TestValidatorNamesAttributeInside(t *testing.T) {
	resp := &validator.StringResponse{}
	Duration().ValidateString(t.Context(), validator.StringRequest{
		Path: path.Root("timeouts").AtName("create"), ConfigValue: types.StringValue("0s"),
	}, resp)
	want := `timeouts.create: "0s" is not valid: it is not positive. The value must be a positive duration, such as 90s or 1h30m.`
	if len(resp.Diagnostics) != 1 || resp.Diagnostics[0].Detail() != want {
		t.Errorf("it says %v, want %s", resp.Diagnostics, want)
	}
}

func validate(v validator.String, value types.String) string {
	resp := &validator.StringResponse{}
	v.ValidateString(context.Background(), validator.StringRequest{Path: path.Root("x"), ConfigValue: value}, resp)
	if !resp.Diagnostics.HasError() {
		return ""
	}
	return resp.Diagnostics[0].Detail()
}
