// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package waiter

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/terraform-plugin-log/tflog"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/terraform-capi/terraform-provider-capi/internal/management"
)

const (
	// pollInterval is short against anything that takes long, and long against a
	// request.
	pollInterval = 500 * time.Millisecond
	// What does not take long is mostly there at once.
	firstInterval = 100 * time.Millisecond
	firstPolls    = 20
	// What has taken long is looked at less often: a look comes at most this part
	// of the wait too late, less than people notice.
	backOff         = 120
	slowestInterval = 10 * time.Second
	// jitter keeps the waits of a configuration from looking all at once.
	jitter = 0.2
)

// interval is the time between two looks.
func interval(looks int, waited time.Duration) time.Duration {
	if looks < firstPolls {
		return firstInterval
	}
	return min(max(pollInterval, waited/backOff), slowestInterval)
}

// Condition looks once at what is waited for. While it is not there, pending
// says in one or more lines what is missing, for people to read. A line that
// starts with "OBJECT: " is about that object. An error ends the wait, unless it
// is one that goes away by itself.
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
// *TimeoutError when ctx's deadline passes. What changes of that which is pending
// is logged, with the fields of ctx's logger.
func Wait(ctx context.Context, condition Condition) error {
	start := time.Now()
	timer := time.NewTimer(0)
	defer timer.Stop()
	last := "not checked yet"
	reported := progress{}
	for looks := 1; ; looks++ {
		timer.Reset(wait.Jitter(interval(looks, time.Since(start)), jitter))
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
			if pending != last {
				logProgress(ctx, time.Since(start), pending)
			}
		default:
			for _, change := range reported.update(pending) {
				logProgress(ctx, time.Since(start), change)
			}
		}
		last = pending
		select {
		case <-ctx.Done():
			return ended(ctx, time.Since(start), last)
		case <-timer.C:
		}
	}
}

// progress is what was pending when the condition was last looked at: the lines
// about each object.
type progress map[string][]string

// update takes over what is pending now, and returns a line for each thing that is
// new: a state, or that an object is pending no longer.
func (p progress) update(pending string) []string {
	now, objects := progress{}, []string(nil)
	for line := range strings.Lines(pending) {
		line = strings.TrimRight(line, "\n")
		object, _, about := strings.Cut(line, ": ")
		if !about {
			object = ""
		}
		if now[object] == nil {
			objects = append(objects, object)
		}
		now[object] = append(now[object], line)
	}
	var changes []string
	for _, object := range objects {
		for _, line := range now[object] {
			if !slices.Contains(p[object], line) {
				changes = append(changes, line)
			}
		}
	}
	for _, object := range slices.Sorted(maps.Keys(p)) {
		if now[object] == nil && object != "" {
			changes = append(changes, object+": done")
		}
	}
	clear(p)
	maps.Copy(p, now)
	return changes
}

func logProgress(ctx context.Context, waited time.Duration, change string) {
	tflog.Info(ctx, change, map[string]any{"waited": waited.Round(time.Second).String()})
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
// waiting, and so is a kind that is not served yet.
func isTransient(err error) bool {
	return management.IsConnectionError(err) ||
		errors.Is(err, management.ErrUnknown) ||
		apierrors.IsServerTimeout(err) ||
		apierrors.IsTimeout(err) ||
		apierrors.IsTooManyRequests(err) ||
		apierrors.IsInternalError(err) ||
		apierrors.IsServiceUnavailable(err) ||
		apierrors.IsConflict(err)
}
