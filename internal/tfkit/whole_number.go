// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package tfkit

import (
	"context"
	"fmt"
	"math/big"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/attr/xattr"
	"github.com/hashicorp/terraform-plugin-framework/types/basetypes"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

// WholeNumberType is the type of Int64 attributes that a configuration sets. Of Int64Type
// a number such as 1.5 is a conversion error, which inside of an object the framework
// takes for one of the provider's (terraform-plugin-framework v1.19). Of this type it is
// an error of the attribute. Values that are whole numbers are Int64Values.
type WholeNumberType struct{ basetypes.Int64Type }

var _ basetypes.Int64Typable = WholeNumberType{}

// Equal takes both types for one: their values are the same.
func (WholeNumberType) Equal(other attr.Type) bool {
	switch other.(type) {
	case WholeNumberType, basetypes.Int64Type:
		return true
	}
	return false
}

// ValueFromTerraform never fails for a number.
func (t WholeNumberType) ValueFromTerraform(ctx context.Context, in tftypes.Value) (attr.Value, error) {
	value, err := t.Int64Type.ValueFromTerraform(ctx, in)
	if err == nil {
		return value, nil
	}
	var number *big.Float
	if asNumber := in.As(&number); asNumber != nil {
		return nil, asNumber
	}
	return notWhole{Int64Value: basetypes.NewInt64Unknown(), number: number}, nil
}

// notWhole is a number in a configuration that is being validated, which does not
// get any further. To whoever reads it before, it is not known.
type notWhole struct {
	basetypes.Int64Value
	number *big.Float
}

var _ xattr.ValidateableAttribute = notWhole{}

// Type is the one of the attribute.
func (notWhole) Type(context.Context) attr.Type { return WholeNumberType{} }

// ToTerraformValue is what the configuration has.
func (n notWhole) ToTerraformValue(context.Context) (tftypes.Value, error) {
	return tftypes.NewValue(tftypes.Number, n.number), nil
}

// ValidateAttribute refuses the number.
func (n notWhole) ValidateAttribute(_ context.Context, req xattr.ValidateAttributeRequest, resp *xattr.ValidateAttributeResponse) {
	problem := "is not a whole number"
	if n.number.IsInt() {
		problem = "does not fit into 64 bits"
	}
	resp.Diagnostics.AddAttributeError(req.Path, "Invalid value", fmt.Sprintf("%s: %s %s.", req.Path, n.number.Text('g', 10), problem))
}
