// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package management

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// mark is the value of the annotation at the last heartbeat.
func (cr *Creation) mark() string { return cr.nonce + "/" + strconv.Itoa(cr.beats) }

// onMark does what needs the mark of the last heartbeat. If the object has a later
// one of this creation, because the answer to a heartbeat was lost, it does that again.
func (cr *Creation) onMark(ctx context.Context, do func() error) error {
	err := do()
	if !errors.Is(err, ErrTakenOver) {
		return err
	}
	existing := cr.object.DeepCopy()
	if cr.cluster.Get(ctx, client.ObjectKeyFromObject(existing), existing) != nil || existing.GetUID() != cr.object.GetUID() {
		return err
	}
	nonce, beats, _ := strings.Cut(existing.GetAnnotations()[CreationAnnotation], "/")
	n, notANumber := strconv.Atoi(beats)
	if nonce != cr.nonce || notANumber != nil {
		return err
	}
	cr.beats = n
	return do()
}

// ageOf is for how long an object has had its mark, by the clock of the API server,
// which notes when a manager last changed something. A dry run has it note the
// present.
func (c *Cluster) ageOf(ctx context.Context, marked *unstructured.Unstructured) (time.Duration, error) {
	mark := marked.GetAnnotations()[CreationAnnotation]
	now := marked.DeepCopy()
	if err := c.replaceMark(ctx, now, mark, mark+"?", client.DryRunAll); err != nil {
		return 0, err
	}
	return markedAt(now).Sub(markedAt(marked)), nil
}

func markedAt(obj *unstructured.Unstructured) time.Time {
	var at time.Time
	for _, entry := range obj.GetManagedFields() {
		isMarker := entry.Manager == creationManager || entry.Manager == FieldManager
		hasMark := entry.FieldsV1 != nil && strings.Contains(entry.FieldsV1.GetRawString(), CreationAnnotation)
		if isMarker && hasMark && entry.Time != nil {
			at = entry.Time.Time
		}
	}
	return at
}

// Unmark removes the mark of a creation that could not call Finish. An object that
// does not have it any more is left alone.
func (c *Cluster) Unmark(ctx context.Context, object *unstructured.Unstructured, nonce string) error {
	existing := object.DeepCopy()
	if err := c.Get(ctx, client.ObjectKeyFromObject(object), existing); err != nil {
		return client.IgnoreNotFound(err)
	}
	mark := existing.GetAnnotations()[CreationAnnotation]
	if !strings.HasPrefix(mark, nonce+"/") {
		return nil
	}
	return c.replaceMark(ctx, existing, mark, "")
}

// replaceMark gives an object another mark, or none if to is empty. The error is
// ErrTakenOver if the object does not have the mark from.
func (c *Cluster) replaceMark(ctx context.Context, object *unstructured.Unstructured, from, to string, opts ...client.PatchOption) error {
	path := "/metadata/annotations/" + strings.ReplaceAll(CreationAnnotation, "/", "~1")
	operations := []map[string]any{
		{"op": "test", "path": "/metadata/uid", "value": object.GetUID()},
		{"op": "test", "path": path, "value": from},
		{"op": "replace", "path": path, "value": to},
	}
	if to == "" {
		operations[2] = map[string]any{"op": "remove", "path": path}
	}
	patch, err := json.Marshal(operations)
	if err != nil {
		return err
	}
	err = c.Patch(ctx, object, client.RawPatch(types.JSONPatchType, patch), append(opts, client.FieldOwner(creationManager))...)
	switch {
	case apierrors.IsInvalid(err), IsObjectNotFound(err):
		return fmt.Errorf("%w: %s", ErrTakenOver, err)
	case err != nil:
		return fmt.Errorf("cannot mark %s %s as being created: %w", object.GetKind(), client.ObjectKeyFromObject(object), err)
	}
	return nil
}
