// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package machine

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/terraform-capi/terraform-provider-capi/controllers/docker/identity"
	"github.com/terraform-capi/terraform-provider-capi/controllers/docker/images"
)

const (
	// sweepInterval is when to try again to remove volumes, also those that an earlier manager could not remove.
	sweepInterval = 10 * time.Minute
	// sweepTimeout bounds one attempt.
	sweepTimeout = 2 * time.Minute
)

// Volumes removes the volumes that machines leave behind: those of images that no machine needs any more, and those of
// machines whose container was removed without them. It does so aside from reconciles, because a volume that the engine
// cannot remove, or does not answer about, is no reason to keep a machine. It logs what it could not remove, and tries
// again later; the command "orphans" lists it, and removes it when there is no manager any more.
type Volumes struct {
	engine images.VolumeRemover
	wake   chan struct{}

	mu sync.Mutex
	// machines are the UIDs of objects whose volumes are to be removed, as the labels have them.
	machines map[string]struct{}
}

// NewVolumes returns what removes volumes of an engine once it is started.
func NewVolumes(engine images.VolumeRemover) *Volumes {
	return &Volumes{engine: engine, wake: make(chan struct{}, 1), machines: map[string]struct{}{}}
}

// release asks for the removal of the volumes that were made for machines with these UIDs, which are gone, and of the
// volumes of images. It does not wait.
func (v *Volumes) release(uids ...string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, uid := range uids {
		v.machines[uid] = struct{}{}
	}
	select {
	case v.wake <- struct{}{}:
	default:
	}
}

// Start implements manager.Runnable.
func (v *Volumes) Start(ctx context.Context) error {
	for {
		if err := v.sweep(ctx); err != nil {
			ctrl.LoggerFrom(ctx).Error(err, "Failed to remove volumes that no machine needs any more", "retryAfter", sweepInterval.String())
		}
		select {
		case <-ctx.Done():
			return nil
		case <-v.wake:
		case <-time.After(sweepInterval):
		}
	}
}

func (v *Volumes) sweep(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, sweepTimeout)
	defer cancel()
	v.mu.Lock()
	uids := slices.Sorted(maps.Keys(v.machines))
	v.mu.Unlock()
	errs := []error{images.RemoveUnusedVolumes(ctx, v.engine)}
	for _, uid := range uids {
		if err := v.engine.RemoveUnusedVolumes(ctx, identity.ObjectUIDLabel+"="+uid); err != nil {
			errs = append(errs, err)
			continue
		}
		v.mu.Lock()
		delete(v.machines, uid)
		v.mu.Unlock()
	}
	return errors.Join(errs...)
}
