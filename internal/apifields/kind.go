// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package apifields

import (
	"context"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types/basetypes"

	"github.com/terraform-capi/terraform-provider-capi/internal/tfkit"
)

// kindOf is what a person calls a declared value.
func kindOf(value any) string {
	switch value.(type) {
	case nil:
		return "null"
	case map[string]any:
		return "an object"
	case []any:
		return "a list"
	case string:
		return "a string"
	case bool:
		return "a boolean"
	}
	return "a number"
}

// contentOf is of the kind of a value, whose parts may be unknown.
func contentOf(value attr.Value) any {
	switch value.(type) {
	case basetypes.ObjectValue, basetypes.MapValue:
		return map[string]any{}
	case basetypes.TupleValue, basetypes.ListValue, basetypes.SetValue:
		return []any{}
	}
	content, _ := tfkit.ToAny(value)
	return content
}

// kindFor is what a person calls the values of a type.
func kindFor(t attr.Type) string {
	switch t.(type) {
	case basetypes.ObjectType, basetypes.MapType:
		return "an object"
	case basetypes.ListType:
		return "a list"
	case basetypes.Int64Type, tfkit.WholeNumberType:
		return "a number"
	case basetypes.BoolType:
		return "a boolean"
	}
	return "a string"
}

// wrongKind says that a value of another kind belongs where it is.
func wrongKind(wanted string, value any) error {
	return fmt.Errorf("%s belongs here, and not %s", wanted, kindOf(value))
}

// IsObject refuses values of dynamic attributes that are no objects.
func IsObject() validator.Dynamic { return isObject{} }

type isObject struct{}

func (isObject) Description(context.Context) string { return "is an object" }

func (v isObject) MarkdownDescription(ctx context.Context) string { return v.Description(ctx) }

func (isObject) ValidateDynamic(_ context.Context, req validator.DynamicRequest, resp *validator.DynamicResponse) {
	switch value := underlying(req.ConfigValue).(type) {
	case basetypes.ObjectValue, basetypes.MapValue:
	default:
		if value.IsNull() || value.IsUnknown() {
			return
		}
		checker{diags: &resp.Diagnostics}.wrongType(req.Path, wrongKind("an object, name = value,", contentOf(value)))
	}
}
