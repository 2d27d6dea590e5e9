// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package tfkit

import (
	"cmp"
	"errors"
	"fmt"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/terraform-capi/terraform-provider-capi/internal/management"
)

// DataSource returns the attributes by which a data source finds one object of
// what kind, with those that it reads.
func DataSource(what string, read map[string]schema.Attribute) map[string]schema.Attribute {
	read["id"] = schema.StringAttribute{
		MarkdownDescription: "Identifies the object: `[MANAGEMENT_CLUSTER_ID/]NAMESPACE/NAME`.",
		Computed:            true,
	}
	read["management_cluster"] = ManagementClusterToRead()
	read["namespace"] = schema.StringAttribute{
		MarkdownDescription: "Namespace of the " + what + ". Default: `" + DefaultNamespace + "`.",
		Optional:            true,
		Computed:            true,
		Validators:          []validator.String{DNSLabel(MaxDNSLabel)},
	}
	read["name"] = schema.StringAttribute{
		MarkdownDescription: "Name of the " + what + ".",
		Required:            true,
		Validators:          []validator.String{stringvalidator.LengthAtLeast(1)},
	}
	return read
}

// ManagementClusterToRead says from which management cluster a data source reads.
func ManagementClusterToRead() schema.StringAttribute {
	return schema.StringAttribute{
		MarkdownDescription: "Id of the management cluster to read from: the `id` of a `capi_management_cluster`, " +
			"or `kind://NAME` of any KinD cluster on this machine. Default: the management cluster of the provider block.",
		Optional:   true,
		Validators: []validator.String{ManagementClusterID()},
	}
}

// NamespaceOf is the namespace that a data source reads from.
func NamespaceOf(configured types.String) string {
	return cmp.Or(configured.ValueString(), DefaultNamespace)
}

// ReadConnectError is ConnectError for data sources. Unlike a resource, a data
// source that is read during the plan cannot do without its management cluster.
func ReadConnectError(err error) diag.Diagnostic {
	if !errors.Is(err, management.ErrNotKnownYet) && !errors.Is(err, management.ErrNotFound) {
		return ConnectError(err)
	}
	summary, _ := connectProblem(err)
	return diag.NewAttributeErrorDiagnostic(ManagementClusterPath, summary, sentences(err.Error(),
		"If the same configuration makes the management cluster, let management_cluster refer to its id, "+
			"or let the data source depend on it (depends_on): then it is read during the apply, when it exists"))
}

// NotThere says that there is no object of the name that a data source is asked
// for, and of what names there are.
func NotThere(object string, names []string) diag.Diagnostic {
	const shown = 10
	there := "There is none at all."
	if len(names) > 0 {
		there = "There are " + strings.Join(names[:min(len(names), shown)], ", ")
	}
	if len(names) > shown {
		there += fmt.Sprintf(", and %d more", len(names)-shown)
	}
	return diag.NewAttributeErrorDiagnostic(path.Root("name"), "Not found", sentences(object+" does not exist.", there))
}
