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
	if err := c.remark(ctx, object, nonce, ""); !errors.Is(err, ErrTakenOver) {
		return err
	}
	return nil
}

// remark replaces the mark of the creation with this nonce, whichever heartbeat it is
// of: the answer to the last one may have been lost. The error is ErrTakenOver if the
// object does not have it.
func (c *Cluster) remark(ctx context.Context, object *unstructured.Unstructured, nonce, to string) error {
	existing := object.DeepCopy()
	err := c.Get(ctx, client.ObjectKeyFromObject(object), existing)
	if client.IgnoreNotFound(err) != nil {
		return err
	}
	mark := existing.GetAnnotations()[CreationAnnotation]
	if err != nil || !strings.HasPrefix(mark, nonce+"/") {
		return fmt.Errorf("%w: its mark is %q", ErrTakenOver, mark)
	}
	return c.replaceMark(ctx, existing, mark, to)
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
		return fmt.Errorf("%w: %w", ErrTakenOver, err)
	case err != nil:
		return fmt.Errorf("cannot mark %s %s as being created: %w", object.GetKind(), client.ObjectKeyFromObject(object), err)
	}
	return nil
}
