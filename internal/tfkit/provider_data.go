// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package tfkit

import (
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework/diag"

	"github.com/terraform-capi/terraform-provider-capi/internal/management"
)

// ProviderData is what Configure methods do with the data that the provider
// hands them. It returns nil, and no error, for the nil that Terraform's
// validation hands over before the provider is configured.
func ProviderData(data any) (*management.Resolver, diag.Diagnostics) {
	if data == nil {
		return nil, nil
	}
	resolver, ok := data.(*management.Resolver)
	if !ok {
		return nil, diag.Diagnostics{diag.NewErrorDiagnostic(
			"Unexpected provider data",
			fmt.Sprintf("The provider handed over %T instead of %T. Please report this to the provider's developers.", data, resolver),
		)}
	}
	return resolver, nil
}
