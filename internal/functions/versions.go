// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package functions

import (
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework/function"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/terraform-capi/terraform-provider-capi/internal/topology"
)

func versionParameter(name, description string) function.StringParameter {
	return function.StringParameter{Name: name, MarkdownDescription: description + " It begins with a v, as in `v1.35.0`."}
}

// versionsParameter may be null, as kubernetes_versions is of a class that
// declares none.
func versionsParameter(otherwise string) function.ListParameter {
	return function.ListParameter{
		Name: "versions",
		MarkdownDescription: "The class's `kubernetes_versions`, oldest first. If it is empty or null the class lists none, and " +
			otherwise,
		ElementType:    types.StringType,
		AllowNullValue: true,
	}
}

// checkVersion blames an argument that is no version.
func checkVersion(argument int64, version string) *function.FuncError {
	if _, err := topology.ParseVersion(version); err != nil {
		return function.NewArgumentFuncError(argument, err.Error())
	}
	return nil
}

// checkVersions blames the list if one of its versions is none, or is older than
// the one before it: the versions are gone through in the list's order.
func checkVersions(argument int64, versions []string) *function.FuncError {
	for i, version := range versions {
		parsed, err := topology.ParseVersion(version)
		if err != nil {
			return function.NewArgumentFuncError(argument, err.Error())
		}
		if i == 0 {
			continue
		}
		if before, _ := topology.ParseVersion(versions[i-1]); parsed.LT(before) {
			return function.NewArgumentFuncError(argument, fmt.Sprintf("the versions are to be listed oldest first, and %s comes after %s", version, versions[i-1]))
		}
	}
	return nil
}
