// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package failure

import (
	"context"
	"errors"
	"time"
)

const (
	// ReconcileTimeout is the deadline of a reconcile. It leaves the longest single call to the container engine its time,
	// and with ReportTimeout an object says within three minutes why nothing happens.
	ReconcileTimeout = 150 * time.Second
	// ReportTimeout is what a reconcile has in addition to report its result.
	ReportTimeout = 15 * time.Second
)

// ReportContext returns a context in which a reconcile can report its result although its deadline has passed. A
// reconcile that was cancelled, because the manager stops, has nothing to report.
func ReportContext(ctx context.Context) (context.Context, context.CancelFunc) {
	if errors.Is(ctx.Err(), context.Canceled) {
		return ctx, func() {}
	}
	return context.WithTimeout(context.WithoutCancel(ctx), ReportTimeout)
}
