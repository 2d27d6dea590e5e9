// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package session

import (
	"context"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/terraform-capi/terraform-provider-capi/internal/management"
)

// Step is what a resource does with the object that it claims. Terraform takes each
// step once for each resource that it creates.
type Step string

const (
	// Plan is the plan of a creation.
	Plan Step = "plan"
	// Create is the creation.
	Create Step = "create"
)

// claim is a resource type and the id of an object.
type claim struct {
	step             Step
	resourceType, id string
}

// Claim says whether the resource that asks is the first one of the session that
// is to create the object with this id. Terraform does not tell resources apart
// for providers, so a second one is known only by asking as well.
func (s *Session) Claim(step Step, resourceType, id string) bool {
	_, claimed := s.claims.LoadOrStore(claim{step, resourceType, id}, true)
	return !claimed
}

// Manage notes that a state has the object with this UID, and what is recorded of it.
func (s *Session) Manage(uid types.UID, record []byte) { s.managed.Store(uid, record) }

// RecordOf is what Manage was told, nil if no state that was read has the object.
func (s *Session) RecordOf(uid types.UID) []byte {
	value, _ := s.managed.Load(uid)
	record, _ := value.([]byte)
	return record
}

const (
	// othersTimeout bounds the wait for other resources of the configuration to be
	// read. Only a plan that is about to fail waits that long.
	othersTimeout  = 3 * time.Second
	othersInterval = 50 * time.Millisecond
)

// MayCreate says whether a plan may create an object of which there is one. It may
// if that one is about to be replaced: Terraform plans a replacement as a creation,
// without the state, and for a tainted resource also without what the private state
// recorded. It also may if another resource has that one, whose name changes or which
// goes: Terraform reads and plans resources in parallel, so that it may take a moment
// until this is known. The apply decides about objects that are being deleted, or
// whose creation was cut off.
func (s *Session) MayCreate(ctx context.Context, existing client.Object, recorded types.UID) bool {
	_, marked := existing.GetAnnotations()[management.CreationAnnotation]
	if marked || existing.GetUID() == recorded || existing.GetDeletionTimestamp() != nil {
		return true
	}
	err := wait.PollUntilContextTimeout(ctx, othersInterval, othersTimeout, true, func(context.Context) (bool, error) {
		_, managed := s.managed.Load(existing.GetUID())
		return managed, nil
	})
	return err == nil
}
