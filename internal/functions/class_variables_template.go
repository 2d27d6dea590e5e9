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
			"A variable that has a default has its default. One that is required and has none has its schema's example, or else the least value " +
			"that the schema allows: a string is then the variable's name in angle brackets, as in `<region>`, for somebody to replace. " +
			"Any other is null, which declares nothing.",
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
	template, err := tfkit.DynamicFromAny(topology.VariablesTemplate(class)) //nolint:contextcheck // Converting values waits for nothing.
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
