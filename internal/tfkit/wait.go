// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package tfkit

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/hashicorp/terraform-plugin-log/tflog"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/terraform-capi/terraform-provider-capi/internal/management"
)

// pollInterval is short against anything waited for, and long against a request
// to a management cluster on the same machine.
const pollInterval = 500 * time.Millisecond

// Condition looks once at what is waited for. While it is not there, pending
// says in one or more lines what is missing, for people to read. An error ends
// the wait, unless it is one that goes away by itself.
type Condition func(ctx context.Context) (done bool, pending string, err error)

// TimeoutError is what Wait returns when the deadline of its context passes.
type TimeoutError struct {
	// Waited is for how long.
	Waited time.Duration
	// Pending is the last thing that the condition said was missing.
	Pending string
}

func (e *TimeoutError) Error() string {
	return fmt.Sprintf("timed out after %s: %s", e.Waited.Round(time.Second), e.Pending)
}

// Unwrap makes the error a context.DeadlineExceeded.
func (e *TimeoutError) Unwrap() error { return context.DeadlineExceeded }

// Wait returns when the condition is done, when it fails, or with a
// *TimeoutError when ctx's deadline passes. What is pending is logged once per
// change.
func Wait(ctx context.Context, condition Condition) error {
	start := time.Now()
	ticker := time.NewTicker(pollInterval)
	defer ticker.Stop()
	last := "not checked yet"
	for {
		done, pending, err := condition(ctx)
		switch {
		case done && err == nil:
			return nil
		case ctx.Err() != nil:
			return ended(ctx, time.Since(start), last)
		case isOutOfTime(err):
			pending = last
		case err != nil && !isTransient(err):
			return err
		case err != nil:
			pending = err.Error()
		}
		if pending != last {
			tflog.Info(ctx, pending, map[string]any{"waited": time.Since(start).Round(time.Second).String()})
			last = pending
		}
		select {
		case <-ctx.Done():
			return ended(ctx, time.Since(start), last)
		case <-ticker.C:
		}
	}
}

func ended(ctx context.Context, waited time.Duration, pending string) error {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return &TimeoutError{Waited: waited, Pending: pending}
	}
	return fmt.Errorf("interrupted after %s: %s: %w", waited.Round(time.Second), pending, ctx.Err())
}

// isOutOfTime recognises a request that was not made because the deadline is due
// this very moment. The rate limiter that says so has no error type for it.
func isOutOfTime(err error) bool {
	return err != nil && strings.Contains(err.Error(), "would exceed context deadline")
}

// isTransient says whether a request may well succeed when it is made again. A
// webhook or API server that is starting, or is being moved, is met often while
// waiting.
func isTransient(err error) bool {
	return management.IsConnectionError(err) ||
		apierrors.IsServerTimeout(err) ||
		apierrors.IsTimeout(err) ||
		apierrors.IsTooManyRequests(err) ||
		apierrors.IsInternalError(err) ||
		apierrors.IsServiceUnavailable(err) ||
		apierrors.IsConflict(err)
}
