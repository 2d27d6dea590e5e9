// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package apifields

import (
	"context"
	"fmt"
	"math"
	"strconv"

	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"

	"github.com/terraform-capi/terraform-provider-capi/internal/tfkit"
)

// Autoscaler is the attribute that leaves the number of machines to the cluster
// autoscaler. It stands beside replicas and metadata.
func Autoscaler() schema.SingleNestedAttribute {
	size := func(description string) schema.Int64Attribute {
		return schema.Int64Attribute{
			CustomType:          tfkit.WholeNumberType{},
			MarkdownDescription: description + inPlace,
			Required:            true,
			Validators:          []validator.Int64{int64validator.Between(0, math.MaxInt32)},
		}
	}
	return schema.SingleNestedAttribute{
		MarkdownDescription: "Leaves the number of machines to the cluster autoscaler, within these limits. " +
			"The autoscaler itself has to be installed. Conflicts with `replicas`." + inPlace,
		Optional: true,
		Attributes: map[string]schema.Attribute{
			"min_size": size("At least this many machines."),
			"max_size": size("At most this many machines; not less than `min_size`."),
		},
		Validators: []validator.Object{ordered{"min_size", "max_size"}},
	}
}

// AutoscalerFields are the fields of a set's Autoscaler and of the metadata beside
// it, to be nested with Under. The cluster autoscaler reads annotations.
func AutoscalerFields() Fields {
	return Fields{
		"autoscaler":           At("metadata", "annotations"),
		"autoscaler.min_size":  AsText(clusterv1.AutoscalerMinSizeAnnotation),
		"autoscaler.max_size":  AsText(clusterv1.AutoscalerMaxSizeAnnotation),
		"metadata.annotations": At("annotations").Except(clusterv1.AutoscalerMinSizeAnnotation, clusterv1.AutoscalerMaxSizeAnnotation),
	}
}

// Exclusive refuses objects that have both of two attributes.
func Exclusive(a, b string) validator.Object { return exclusive{a, b} }

type exclusive struct{ a, b string }

func (v exclusive) Description(context.Context) string {
	return fmt.Sprintf("has either %s or %s", v.a, v.b)
}

func (v exclusive) MarkdownDescription(ctx context.Context) string { return v.Description(ctx) }

func (v exclusive) ValidateObject(_ context.Context, req validator.ObjectRequest, resp *validator.ObjectResponse) {
	attributes := req.ConfigValue.Attributes()
	if isSet(attributes[v.a]) && isSet(attributes[v.b]) {
		resp.Diagnostics.AddAttributeError(req.Path.AtName(v.a), "Conflicting attributes",
			fmt.Sprintf("%s: The attributes %q and %q exclude each other. Remove one of them.", req.Path, v.a, v.b))
	}
}

func isSet(value attr.Value) bool {
	value = underlying(value)
	return value != nil && !value.IsNull() && !value.IsUnknown()
}

// ordered refuses objects in which one number is greater than another.
type ordered struct{ low, high string }

func (v ordered) Description(context.Context) string {
	return fmt.Sprintf("%s is at most %s", v.low, v.high)
}

func (v ordered) MarkdownDescription(ctx context.Context) string { return v.Description(ctx) }

func (v ordered) ValidateObject(_ context.Context, req validator.ObjectRequest, resp *validator.ObjectResponse) {
	attributes := req.ConfigValue.Attributes()
	low, okLow := number(attributes[v.low])
	high, okHigh := number(attributes[v.high])
	if okLow && okHigh && low > high {
		resp.Diagnostics.AddAttributeError(req.Path.AtName(v.low), "Invalid value",
			fmt.Sprintf("%s: %s is %d, and %s is %d. The former must not be greater.", req.Path, v.low, low, v.high, high))
	}
}

func number(value attr.Value) (int64, bool) {
	converted, err := tfkit.ToAny(value)
	if err != nil || converted == nil {
		return 0, false
	}
	parsed, err := strconv.ParseInt(fmt.Sprint(converted), 10, 64)
	return parsed, err == nil
}
