// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package waiter

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/terraform-plugin-log/tflog"
	"github.com/hashicorp/terraform-plugin-log/tflogtest"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

func TestWaitReturnsWhenDone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		looks := 0
		err := Wait(t.Context(), func(context.Context) (bool, string, error) {
			looks++
			return looks == firstPolls+4, "not yet", nil
		})
		if err != nil {
			t.Fatal(err)
		}
		least := (firstPolls-1)*firstInterval + 4*pollInterval
		if waited := time.Since(start); waited < least || waited > least+least/5 {
			t.Errorf("waited %s, want %s and up to a fifth more", waited, least)
		}
	})
}

// What takes half an hour is not asked for twice a second, and what takes a minute is.
func TestWaitBacksOff(t *testing.T) {
	for waited, want := range map[time.Duration]time.Duration{
		0: pollInterval, time.Minute: pollInterval, 10 * time.Minute: 5 * time.Second, time.Hour: slowestInterval,
	} {
		if got := interval(firstPolls, waited); got != want {
			t.Errorf("after %s: %s, want %s", waited, got, want)
		}
	}
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		looks := 0
		err := Wait(ctx, func(context.Context) (bool, string, error) { looks++; return false, "not yet", nil })
		if !errors.Is(err, context.DeadlineExceeded) || looks > 1000 {
			t.Errorf("looked %d times in an hour: %v", looks, err)
		}
	})
}

func TestWaitTimesOutWithWhatIsPending(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second)
		defer cancel()
		pending := "first"
		err := Wait(ctx, func(context.Context) (bool, string, error) {
			was := pending
			pending = "second"
			return false, was, nil
		})
		var timeout *TimeoutError
		if !errors.As(err, &timeout) || !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("error is %v", err)
		}
		if got, want := err.Error(), "timed out after 1m30s: second"; got != want {
			t.Errorf("error is %q, want %q", got, want)
		}
	})
}

func TestWaitIsInterrupted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(10*time.Second, cancel)
		err := Wait(ctx, func(context.Context) (bool, string, error) { return false, "nodes missing", nil })
		var timeout *TimeoutError
		if errors.As(err, &timeout) || !errors.Is(err, context.Canceled) {
			t.Fatalf("error is %v", err)
		}
		if got, want := err.Error(), "interrupted after 10s: nodes missing: context canceled"; got != want {
			t.Errorf("error is %q, want %q", got, want)
		}
	})
}

// A request that the deadline cuts off says less than what was pending before.
func TestWaitTimesOutWithinTheCondition(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		looked := false
		err := Wait(ctx, func(ctx context.Context) (bool, string, error) {
			if !looked {
				looked = true
				return false, "one machine", nil
			}
			<-ctx.Done()
			return false, "", ctx.Err()
		})
		if got, want := err.Error(), "timed out after 1m0s: one machine"; got != want {
			t.Errorf("error is %q, want %q", got, want)
		}
	})
}

// The rate limiter of a client may see the deadline a moment before the context
// does.
func TestWaitTimesOutInTheRateLimiter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		looked := false
		err := Wait(ctx, func(context.Context) (bool, string, error) {
			if !looked {
				looked = true
				return false, "one machine", nil
			}
			return false, "", errors.New("client rate limiter Wait returned an error: rate: Wait(n=1) would exceed context deadline")
		})
		if got, want := err.Error(), "timed out after 1m0s: one machine"; got != want {
			t.Errorf("error is %q, want %q", got, want)
		}
	})
}

func TestWaitAndErrors(t *testing.T) {
	clusters := schema.GroupResource{Group: "cluster.x-k8s.io", Resource: "clusters"}
	for name, test := range map[string]struct {
		err  error
		ends bool
	}{
		"not found":         {apierrors.NewNotFound(clusters, "web"), true},
		"forbidden":         {apierrors.NewForbidden(clusters, "web", nil), true},
		"any other":         {errors.New("broken"), true},
		"connection lost":   {io.ErrUnexpectedEOF, false},
		"webhook not there": {apierrors.NewInternalError(errors.New("failed calling webhook")), false},
		"conflict":          {apierrors.NewConflict(clusters, "web", nil), false},
		"too many requests": {apierrors.NewTooManyRequests("slow down", 1), false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				looks := 0
				err := Wait(t.Context(), func(context.Context) (bool, string, error) {
					looks++
					if looks == 1 {
						return false, "", test.err
					}
					return true, "", nil
				})
				if test.ends && !errors.Is(err, test.err) {
					t.Errorf("error is %v, want %v", err, test.err)
				}
				if !test.ends && err != nil {
					t.Errorf("the wait ended with %v, which goes away by itself", err)
				}
			})
		})
	}
}

// A person who follows the log sees each new state once, and of which object.
func TestWaitLogsWhatChanges(t *testing.T) {
	stages := []struct {
		pending string
		err     error
	}{
		{pending: "0 of 2 machines ready\nCluster web: waits\nMachine a: boots\nMachine b: boots"},
		{pending: "0 of 2 machines ready\nCluster web: waits\nMachine a: boots\nMachine b: joins"},
		{err: io.ErrUnexpectedEOF},
		{err: io.ErrUnexpectedEOF},
		{pending: "1 of 2 machines ready\nMachine a: boots\nMachine a: is old"},
	}
	var output bytes.Buffer
	synctest.Test(t, func(t *testing.T) {
		ctx := tflog.SetField(tflogtest.RootLogger(t.Context(), &output), "cluster", "default/web")
		stage := 0
		err := Wait(ctx, func(context.Context) (bool, string, error) {
			// Looking takes its time.
			<-time.After(400 * time.Millisecond)
			if stage == len(stages) {
				return true, "", nil
			}
			stage++
			return false, stages[stage-1].pending, stages[stage-1].err
		})
		if err != nil {
			t.Fatal(err)
		}
	})
	entries, err := tflogtest.MultilineJSONDecode(&output)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, entry := range entries {
		got = append(got, fmt.Sprintf("%v %v %v: %v", entry["@level"], entry["cluster"], entry["waited"], entry["@message"]))
	}
	want := []string{
		"info default/web 0s: 0 of 2 machines ready",
		"info default/web 0s: Cluster web: waits",
		"info default/web 0s: Machine a: boots",
		"info default/web 0s: Machine b: boots",
		"info default/web 1s: Machine b: joins",
		"info default/web 1s: unexpected EOF",
		"info default/web 2s: 1 of 2 machines ready",
		"info default/web 2s: Machine a: is old",
		"info default/web 2s: Cluster web: done",
		"info default/web 2s: Machine b: done",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("log differs (-want +got):\n%s", diff)
	}
}
