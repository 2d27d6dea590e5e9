// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package management

import (
	"context"
	"crypto/rand"
	"errors"
	"time"

	"github.com/hashicorp/terraform-plugin-log/tflog"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// CreationAnnotation marks an object that a process is creating: the object exists,
// but may not be in any state yet. Its value is a nonce of the process and the
// number of the heartbeat, separated by a slash. Whoever finds the mark long after
// its last heartbeat may take the object over: its creation was cut off.
const CreationAnnotation = "terraform-capi.io/creation"

// creationManager owns the annotation after the first heartbeat.
const creationManager = FieldManager + "-creation"

// CreationTiming says how a creation shows that it is under way.
type CreationTiming struct {
	// Heartbeat is the time between two heartbeats.
	Heartbeat time.Duration
	// Lapse is how old the last heartbeat of a creation that was cut off is, by
	// the API server's clock, which knows seconds only.
	Lapse time.Duration
}

// DefaultCreationTiming lets an API server miss two heartbeats.
var DefaultCreationTiming = CreationTiming{Heartbeat: 10 * time.Second, Lapse: 30 * time.Second}

var (
	// ErrExists means that an object that is to be created exists, and that no
	// creation of it was cut off.
	ErrExists = errors.New("it exists already")
	// ErrBeingCreated means that another process is creating the object.
	ErrBeingCreated = errors.New("another apply is creating it")
	// ErrBeingDeleted means that there is an object of that name, which is being
	// deleted.
	ErrBeingDeleted = errors.New("an object of that name is being deleted")
	// ErrTakenOver means that another process has taken a creation for cut off.
	ErrTakenOver = errors.New("another apply has taken over the creation")
)

// Creation is an object that this process creates. It ends with Finish or Stop.
type Creation struct {
	// TookOver says that the object existed, left by a creation that was cut off.
	TookOver bool

	cluster *Cluster
	object  *unstructured.Unstructured
	nonce   string
	beats   int
	stop    func()
	stopped chan struct{}
}

// Begin creates an object that must not exist, marks it, and keeps the mark alive.
// An object that a creation left that was cut off is taken over and made as
// desired. On return obj is what the server has. The error is ErrExists,
// ErrBeingCreated or ErrBeingDeleted if there is an object that is not to be
// touched; others are those of Apply.
func (c *Cluster) Begin(ctx context.Context, obj client.Object) (*Creation, error) {
	desired, err := c.desired(obj)
	if err != nil {
		return nil, err
	}
	creation := &Creation{cluster: c, nonce: rand.Text()}
	for {
		err = creation.applyMarked(ctx, desired)
		if !apierrors.IsConflict(err) {
			break
		}
		if creation.TookOver, err = creation.takeOver(ctx, desired); err != nil {
			break
		}
		if creation.TookOver {
			creation.object = desired.DeepCopy()
			err = c.Apply(ctx, creation.object)
			break
		}
	}
	if err != nil {
		return nil, err
	}
	creation.beat(ctx)
	return creation, convert(creation.object, obj)
}

// ApplyNew is Apply of an object that must not exist: the error is a conflict if it
// does. No object has the resource version 1, and the API server ignores the version
// of objects that it creates.
func (c *Cluster) ApplyNew(ctx context.Context, obj client.Object) error {
	desired, err := c.desired(obj)
	if err != nil {
		return err
	}
	desired.SetResourceVersion("1")
	err = c.Client.Apply(ctx, client.ApplyConfigurationFromUnstructured(desired), client.ForceOwnership, client.FieldOwner(FieldManager))
	if err != nil {
		return applyError(desired, err)
	}
	return convert(desired, obj)
}

// applyMarked creates the object with the mark. The first heartbeat gives the mark
// to a manager of its own: what this creation applies later does not remove it.
func (cr *Creation) applyMarked(ctx context.Context, desired *unstructured.Unstructured) error {
	cr.object = desired.DeepCopy()
	annotations := cr.object.GetAnnotations()
	if annotations == nil {
		annotations = map[string]string{}
	}
	annotations[CreationAnnotation] = cr.mark()
	cr.object.SetAnnotations(annotations)
	if err := cr.cluster.ApplyNew(ctx, cr.object); err != nil {
		return err
	}
	return cr.pulse(ctx)
}

// takeOver marks an object that exists as this creation's, if the creation that
// made it was cut off. It is false without an error if there is none any more.
func (cr *Creation) takeOver(ctx context.Context, desired *unstructured.Unstructured) (bool, error) {
	existing := &unstructured.Unstructured{}
	existing.SetGroupVersionKind(desired.GroupVersionKind())
	for first := ""; ; {
		err := cr.cluster.Get(ctx, client.ObjectKeyFromObject(desired), existing)
		mark := existing.GetAnnotations()[CreationAnnotation]
		switch {
		case apierrors.IsNotFound(err):
			return false, nil
		case err != nil:
			return false, err
		case existing.GetDeletionTimestamp() != nil:
			return false, ErrBeingDeleted
		case mark == "":
			return false, ErrExists
		case first != "" && mark != first:
			return false, ErrBeingCreated
		}
		first = mark
		age, err := cr.cluster.ageOf(ctx, existing)
		if err == nil && age >= cr.cluster.Timing.Lapse {
			cr.object = existing
			err = cr.cluster.replaceMark(ctx, existing, mark, cr.mark())
			if err == nil {
				return true, nil
			}
		}
		switch {
		case errors.Is(err, ErrTakenOver):
			// It has had a heartbeat since it was read.
			return false, ErrBeingCreated
		case err != nil:
			return false, err
		}
		tflog.Info(ctx, "waiting to see whether the creation was cut off", map[string]any{"object": existing.GetName(), "heartbeat": age.String()})
		if err := pause(ctx, cr.cluster.Timing.Heartbeat/4); err != nil {
			return false, err
		}
	}
}

// beat keeps the mark alive until stop is called.
func (cr *Creation) beat(ctx context.Context) {
	ctx = context.WithoutCancel(ctx)
	waiting, stop := context.WithCancel(ctx)
	cr.stop, cr.stopped = stop, make(chan struct{})
	go func() {
		defer close(cr.stopped)
		// A heartbeat that is under way is not cut off: then it would not be known
		// which one the object has.
		for pause(waiting, cr.cluster.Timing.Heartbeat) == nil {
			beating, cancel := context.WithTimeout(ctx, cr.cluster.Timing.Lapse)
			err := cr.pulse(beating)
			cancel()
			if errors.Is(err, ErrTakenOver) {
				return
			}
			if err != nil {
				tflog.Warn(ctx, "cannot show that a creation is under way", map[string]any{"error": err.Error()})
			}
		}
	}()
}

// pulse is one heartbeat.
func (cr *Creation) pulse(ctx context.Context) error {
	cr.beats++
	return cr.cluster.remark(ctx, cr.object, cr.nonce, cr.mark())
}

// Object is what was created, as the server answered.
func (cr *Creation) Object() *unstructured.Unstructured { return cr.object }

// Nonce identifies the mark. Whoever keeps it can make up for Finish with
// Cluster.Unmark.
func (cr *Creation) Nonce() string { return cr.nonce }

// Stop ends the heartbeats and leaves the mark: another creation takes the object
// over when they have lapsed.
func (cr *Creation) Stop() {
	cr.stop()
	<-cr.stopped
}

// Finish removes the mark. It comes last: from then on the object counts as
// somebody's. The error is ErrTakenOver if it is another's by now.
func (cr *Creation) Finish(ctx context.Context) error {
	cr.Stop()
	return cr.cluster.remark(ctx, cr.object, cr.nonce, "")
}

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
