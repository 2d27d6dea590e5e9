// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package tfkit

import (
	"context"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/terraform-capi/terraform-provider-capi/internal/management"
	"github.com/terraform-capi/terraform-provider-capi/internal/session"
)

// limit is a configured time-out, or the given default.
type limit func(ctx context.Context, byDefault time.Duration) (time.Duration, diag.Diagnostics)

// Begin begins the creation, update or deletion of an object: it bounds the time of the returned context, and connects to the
// management cluster, which has to be the known one. The function that it returns ends the context; it is never nil.
func Begin(
	ctx context.Context, s *session.Session, limit limit, byDefault time.Duration, managementCluster types.String, known management.Identity,
) (context.Context, context.CancelFunc, *management.Cluster, error) {
	timeout, _ := limit(ctx, byDefault) // The attribute has been validated.
	ctx, cancel := context.WithTimeout(ctx, timeout)
	s.Retry(managementCluster.ValueString())
	mgmt, err := s.Reconnect(ctx, managementCluster.ValueString(), known)
	return ctx, cancel, mgmt, err
}

// waitUnfinished is the key in the private state under which it is noted that a wait ended before the object was ready.
const waitUnfinished = "wait_unfinished"

// NoteWait notes whether an object was waited for to the end. If not, the next plan resumes the wait.
func NoteWait(ctx context.Context, private PrivateState, finished bool) diag.Diagnostics {
	note := "true"
	if finished {
		note = "false"
	}
	return private.SetKey(ctx, waitUnfinished, []byte(note))
}

// IsWaitUnfinished says whether the last wait ended before the object was ready.
func IsWaitUnfinished(ctx context.Context, private PrivateReader) (bool, diag.Diagnostics) {
	note, diags := private.GetKey(ctx, waitUnfinished)
	return string(note) == "true", diags
}
