// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package tfkit

import (
	"context"
	"errors"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/terraform-capi/terraform-provider-capi/internal/management"
	"github.com/terraform-capi/terraform-provider-capi/internal/session"
)

// ProviderData is what Configure methods do with the data that the provider
// hands them. It returns nil, and no error, for the nil that Terraform's
// validation hands over before the provider is configured.
func ProviderData(data any) (*session.Session, diag.Diagnostics) {
	if data == nil {
		return nil, nil
	}
	s, ok := data.(*session.Session)
	if !ok {
		return nil, diag.Diagnostics{diag.NewErrorDiagnostic(
			"Unexpected provider data",
			fmt.Sprintf("The provider handed over %T instead of %T. Please report this to the provider's developers.", data, s),
		)}
	}
	return s, nil
}

// ConnectAtPlan connects to a management cluster for what only a live API can
// tell while planning. It returns nil, and mostly no diagnostics, when there is
// none to talk to: a plan never needs one. The exceptions are a resource that no
// apply could create, because nothing says where, a connection that is rejected, and
// a creation where the provider block says that there is a management cluster: unlike a
// KinD cluster, it is not about to be made by this configuration.
func ConnectAtPlan(ctx context.Context, s *session.Session, id types.String, creates bool) (*management.Cluster, diag.Diagnostics) {
	if s == nil || id.IsUnknown() {
		return nil, nil
	}
	cluster, err := s.Connect(ctx, id.ValueString())
	switch {
	case err == nil:
		return cluster, nil
	case errors.Is(err, management.ErrNotKnownYet), errors.Is(err, management.ErrNotFound):
		return nil, nil
	case errors.Is(err, management.ErrUnreachable) && (!creates || id.ValueString() != ""):
		return nil, diag.Diagnostics{diag.NewAttributeWarningDiagnostic(ManagementClusterPath, "Management cluster unreachable",
			sentences("Some checks that need the management cluster were skipped: "+err.Error()))}
	default:
		return nil, diag.Diagnostics{ConnectError(err)}
	}
}
