// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package functions_test

import (
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/function"
	"github.com/hashicorp/terraform-plugin-framework/types"
	. "github.com/onsi/gomega"
	"k8s.io/utils/ptr"

	"github.com/terraform-capi/terraform-provider-capi/internal/functions"
)

func TestUpgradePath(t *testing.T) {
	offered := versions("v1.33.4", "v1.34.1", "v1.34.3", "v1.35.0")
	for name, test := range map[string]struct {
		from, to string
		versions types.List
		want     []string
		problem  string
		argument int64
	}{
		"through the class's versions": {from: "v1.33.4", to: "v1.35.0", versions: offered, want: []string{"v1.34.3", "v1.35.0"}},
		"a patch":                      {from: "v1.34.1", to: "v1.34.3", versions: offered, want: []string{"v1.34.3"}},
		"nowhere":                      {from: "v1.34.3", to: "v1.34.3", versions: offered, want: []string{}},
		"one minor without a list":     {from: "v1.34.1", to: "v1.35.0", versions: versions(), want: []string{"v1.35.0"}},
		"two minors without a list":    {from: "v1.33.4", to: "v1.35.0", versions: types.ListNull(types.StringType), problem: "one minor version at a time", argument: 1},
		"not offered":                  {from: "v1.33.4", to: "v1.35.1", versions: offered, problem: "offers the versions v1.33.4, v1.34.1", argument: 1},
		"down":                         {from: "v1.35.0", to: "v1.34.3", versions: offered, problem: "cannot be downgraded", argument: 1},
		"no version to start from":     {from: "1.34", to: "v1.35.0", versions: offered, problem: `does not start with "v"`, argument: 0},
		"no version to go to":          {from: "v1.34.3", to: "v1.35", versions: offered, problem: "not a semantic version", argument: 1},
		"no version in the list":       {from: "v1.34.3", to: "v1.35.0", versions: versions("latest"), problem: "latest", argument: 2},
		"a list out of order":          {from: "v1.33.4", to: "v1.35.0", versions: versions("v1.35.0", "v1.34.3"), problem: "oldest first", argument: 2},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			result, err := run(t, functions.NewUpgradePath(), types.StringValue(test.from), types.StringValue(test.to), test.versions)
			expect(g, err, test.problem, test.argument)
			if err == nil {
				g.Expect(result).To(Equal(versions(test.want...)))
			}
		})
	}
}

func TestNextVersions(t *testing.T) {
	offered := versions("v1.33.4", "v1.34.1", "v1.35.0", "v1.37.0")
	for name, test := range map[string]struct {
		version  string
		versions types.List
		want     []string
		problem  string
		argument int64
	}{
		"up to a gap":         {version: "v1.33.4", versions: offered, want: []string{"v1.34.1", "v1.35.0"}},
		"the newest":          {version: "v1.37.0", versions: offered, want: []string{}},
		"nothing to choose":   {version: "v1.33.4", versions: types.ListNull(types.StringType), want: []string{}},
		"no version":          {version: "v1", versions: offered, problem: "not a semantic version", argument: 0},
		"a list out of order": {version: "v1.33.4", versions: versions("v1.35.0", "v1.34.1"), problem: "v1.34.1 comes after v1.35.0", argument: 1},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			result, err := run(t, functions.NewNextVersions(), types.StringValue(test.version), test.versions)
			expect(g, err, test.problem, test.argument)
			if err == nil {
				g.Expect(result).To(Equal(versions(test.want...)))
			}
		})
	}
}

// run calls a function as Terraform does.
func run(t *testing.T, f function.Function, arguments ...attr.Value) (attr.Value, *function.FuncError) {
	t.Helper()
	var definition function.DefinitionResponse
	f.Definition(t.Context(), function.DefinitionRequest{}, &definition)
	result, funcErr := definition.Definition.Return.NewResultData(t.Context())
	if funcErr != nil {
		t.Fatal(funcErr)
	}
	resp := &function.RunResponse{Result: result}
	f.Run(t.Context(), function.RunRequest{Arguments: function.NewArgumentsData(arguments)}, resp)
	return resp.Result.Value(), resp.Error
}

func expect(g *WithT, err *function.FuncError, problem string, argument int64) {
	if problem == "" {
		g.Expect(err).To(BeNil())
		return
	}
	g.Expect(err).NotTo(BeNil())
	g.Expect(err.Text).To(ContainSubstring(problem))
	g.Expect(err.FunctionArgument).To(Equal(ptr.To(argument)))
}

func versions(list ...string) types.List {
	elements := make([]attr.Value, len(list))
	for i, version := range list {
		elements[i] = types.StringValue(version)
	}
	return types.ListValueMust(types.StringType, elements)
}
