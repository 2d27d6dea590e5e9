// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

// Package background holds what goes on beside the reconcile loops: jobs that take longer than a reconcile may,
// and the engine's events. Both end in a request to reconcile an object. Neither is the only record of anything,
// so nothing is lost with the process.
package background

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"

	"github.com/terraform-capi/terraform-provider-capi/internal/container"
)

// queueLength is how many requests may wait before jobs wait for the controller.
const queueLength = 1024

// Jobs runs functions in the background, at most one per object and name at a time.
type Jobs struct {
	ctx    context.Context //nolint:containedctx // The life of the manager, not of a call.
	events chan event.GenericEvent

	mu   sync.Mutex
	jobs map[key]*job
	// failures are the errors of jobs whose last run failed.
	failures map[key]error
}

type key struct {
	uid  types.UID
	name string
}

type job struct {
	cancel   context.CancelFunc
	progress string
	done     bool
	err      error
}

// Status of a job.
type Status struct {
	// Done says that the job has ended; Err is its error then.
	Done bool
	Err  error
	// Progress is what the job reported last.
	Progress string
	// Failure is the error of the previous run, kept while the job runs again.
	Failure error
}

// NewJobs returns jobs that live at most as long as ctx.
func NewJobs(ctx context.Context) *Jobs {
	return &Jobs{ctx: ctx, events: make(chan event.GenericEvent, queueLength), jobs: map[key]*job{}, failures: map[key]error{}}
}

// Events yields an object whenever one of its jobs has ended or reported progress, or Notify asks for it.
func (j *Jobs) Events() chan event.GenericEvent { return j.events }

// Notify asks for the object to be reconciled.
func (j *Jobs) Notify(obj client.Object) {
	select {
	case j.events <- event.GenericEvent{Object: obj}:
	case <-j.ctx.Done():
	}
}

// Run starts the job unless it runs already, and returns how it stands. The end of a job is returned once; after
// that Run starts it anew. The object is reconciled when the job reports progress and when it ends, so callers
// return and come back.
func (j *Jobs) Run(ctx context.Context, obj client.Object, name string, timeout time.Duration, do func(ctx context.Context, report func(string)) error) Status { //nolint:contextcheck // A job outlives the reconcile that starts it.
	j.mu.Lock()
	defer j.mu.Unlock()
	k := key{obj.GetUID(), name}
	if running, ok := j.jobs[k]; ok {
		if !running.done {
			return Status{Progress: running.progress, Failure: j.failures[k]}
		}
		delete(j.jobs, k)
		// A job that only failed because the engine did not answer has nothing to say once it does.
		if j.failures[k] = running.err; running.err == nil || errors.Is(running.err, container.ErrUnavailable) {
			delete(j.failures, k)
		}
		return Status{Done: true, Err: running.err, Progress: running.progress}
	}
	jobCtx, cancel := context.WithTimeout(ctrl.LoggerInto(j.ctx, ctrl.LoggerFrom(ctx)), timeout)
	started := &job{cancel: cancel}
	j.jobs[k] = started
	object := obj.DeepCopyObject().(client.Object) //nolint:forcetypeassert // A copy has the type of the original.
	go func() {
		err := do(jobCtx, func(progress string) {
			j.mu.Lock()
			started.progress = progress
			j.mu.Unlock()
			j.Notify(object)
		})
		cancel()
		j.mu.Lock()
		started.done, started.err = true, err
		current := j.jobs[k] == started
		j.mu.Unlock()
		if current {
			j.Notify(object)
		}
	}()
	return Status{Failure: j.failures[k]}
}

// Cancel cancels the named jobs of an object, or all of them if no name is given, and forgets how they stood.
func (j *Jobs) Cancel(obj client.Object, names ...string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	isMeant := func(k key) bool { return k.uid == obj.GetUID() && (len(names) == 0 || slices.Contains(names, k.name)) }
	for k, running := range j.jobs {
		if isMeant(k) {
			running.cancel()
			delete(j.jobs, k)
		}
	}
	maps.DeleteFunc(j.failures, func(k key, _ error) bool { return isMeant(k) })
}
