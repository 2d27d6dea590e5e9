// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package functions

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/function"
	"github.com/hashicorp/terraform-plugin-framework/types"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"

	"github.com/terraform-capi/terraform-provider-capi/internal/clusterclass"
	"github.com/terraform-capi/terraform-provider-capi/internal/tfkit"
	"github.com/terraform-capi/terraform-provider-capi/internal/topology"
)

type classVariablesTemplate struct{}

// NewClassVariablesTemplate returns the function class_variables_template.
func NewClassVariablesTemplate() function.Function { return classVariablesTemplate{} }

func (classVariablesTemplate) Metadata(_ context.Context, _ function.MetadataRequest, resp *function.MetadataResponse) {
	resp.Name = "class_variables_template"
}

func (classVariablesTemplate) Definition(_ context.Context, _ function.DefinitionRequest, resp *function.DefinitionResponse) {
	resp.Definition = function.Definition{
		Summary: "Values to start from for the variables of a class",
		MarkdownDescription: "Returns an object with a value for every variable of a class, to start the `variables` of a `capi_cluster` from. " +
			"The values are valid, so that a cluster can be planned with them:\n\n" +
			"- A variable that has a default has its default: leave it, or remove it, which comes to the same as long as the class keeps it.\n" +
			"- A variable without a default that is required, or that a patch needs which is always enabled, has an example: that of its schema, " +
			"or the first value that the schema enumerates, or a value that its bounds, lengths, formats, patterns and rules allow. " +
			"Replace these: a string is the name in angle brackets, as in `<region>`, wherever the schema allows that, a number is the least or `1`, " +
			"a boolean `false`, a list as short as may be, and an object has all its properties, of which those that are optional may go.\n" +
			"- Any other variable is `null`, which declares nothing.\n\n" +
			"To see them, print them in `terraform console`, and copy what is to be changed; or keep the call and replace single values with " +
			"`merge(provider::capi::class_variables_template(...), { region = \"eu\" })`.",
		Parameters: []function.Parameter{
			function.DynamicParameter{
				Name: "class",
				MarkdownDescription: "The class: a string with the YAML of its manifest, or the attribute `variables` of `capi_cluster_class`, " +
					"the resource or the data source.",
			},
		},
		Return: function.DynamicReturn{},
	}
}

func (classVariablesTemplate) Run(ctx context.Context, req function.RunRequest, resp *function.RunResponse) {
	var argument types.Dynamic
	resp.Error = req.Arguments.Get(ctx, &argument)
	if resp.Error != nil {
		return
	}
	class, err := classOf(argument) //nolint:contextcheck // Parsing waits for nothing.
	if err != nil {
		resp.Error = function.NewArgumentFuncError(0, err.Error())
		return
	}
	values, err := topology.VariablesTemplate(class) //nolint:contextcheck // The examples are found by rules that wait for nothing.
	if err != nil {
		resp.Error = function.NewFuncError(err.Error())
		return
	}
	template, err := tfkit.DynamicFromAny(values) //nolint:contextcheck // Converting values waits for nothing.
	if err != nil {
		resp.Error = function.NewArgumentFuncError(0, err.Error())
		return
	}
	resp.Error = resp.Result.Set(ctx, template)
}

func classOf(argument types.Dynamic) (*clusterv1.ClusterClass, error) {
	if manifest, ok := argument.UnderlyingValue().(types.String); ok {
		return clusterclass.Manifest{Text: manifest.ValueString()}.ClusterClass()
	}
	return clusterclass.FromVariables(argument)
}
