// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package tfkit

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/terraform-capi/terraform-provider-capi/internal/management"
	"github.com/terraform-capi/terraform-provider-capi/internal/session"
)

// UseNewer is what to do where this version of the provider is too old.
const UseNewer = "Run the newer version: let required_providers allow it, and run terraform init -upgrade. " +
	"terraform version shows which version runs."

// recordKey is where the record is in the private state.
const recordKey = "record"

// Record is what proves that an object is the one that the state is about. It is
// kept in the private state, and empty while a resource is being imported.
//
// A field that a version of the provider does not know makes it refuse the resource: the
// object might be another by it, and the next refresh would drop it. So a field
// whose meaning changes gets another name, and only what a proof needs is recorded.
type Record struct {
	// Management is the management cluster that the object was in.
	Management management.Identity `json:"managementCluster"`
	// UID is the object's.
	UID types.UID `json:"uid,omitempty"`
	// Creation is the nonce of a creation whose mark could not be removed.
	Creation string `json:"creation,omitempty"`
}

// PrivateState is where a resource keeps what Terraform does not show.
type PrivateState interface {
	PrivateReader
	SetKey(ctx context.Context, key string, value []byte) diag.Diagnostics
}

// PrivateReader is a PrivateState during a plan or a deletion.
type PrivateReader interface {
	GetKey(ctx context.Context, key string) ([]byte, diag.Diagnostics)
}

// ReadRecord returns the record, a Record or what embeds one. It is zero if there
// is none. After an error nothing is known of the object, and nothing may be done to it.
func ReadRecord[T any](ctx context.Context, private PrivateReader) (T, diag.Diagnostics) {
	var record T
	content, diags := private.GetKey(ctx, recordKey)
	if diags.HasError() || len(content) == 0 {
		return record, diags
	}
	decoder := json.NewDecoder(bytes.NewReader(content))
	decoder.DisallowUnknownFields()
	err := decoder.Decode(&record)
	if err == nil {
		return record, diags
	}
	var none, known T
	if json.Unmarshal(content, &known) == nil {
		diags.AddError("State of a newer version", fmt.Sprintf(
			"What a newer version of this provider recorded about the resource is not known to this one: %s. The resource is left as it is. %s",
			strings.TrimPrefix(err.Error(), "json: "), UseNewer))
		return none, diags
	}
	diags.AddError("Unreadable private state", fmt.Sprintf(
		"What the provider recorded about the resource cannot be read: %s. Remove the resource with terraform state rm, and import it.", err))
	return none, diags
}

// WriteRecord keeps the record, a Record or what embeds one, of the object with this
// UID, which may be empty: the session is not told of an object that is another resource's.
func WriteRecord(ctx context.Context, s *session.Session, private PrivateState, uid types.UID, record any) diag.Diagnostics {
	content, err := json.Marshal(record)
	if err != nil {
		return diag.Diagnostics{diag.NewErrorDiagnostic("Record not written", err.Error())}
	}
	if uid != "" {
		s.Manage(uid, content)
	}
	return private.SetKey(ctx, recordKey, content)
}

// ManageRecorded notes for the session that a state has the object of the record.
func ManageRecorded(s *session.Session, uid types.UID, record any) {
	if content, err := json.Marshal(record); err == nil && uid != "" && s != nil {
		s.Manage(uid, content)
	}
}

// CarryRecord keeps the record of an object that a plan is about to replace. Of a
// tainted resource Terraform hands neither the state nor the private state to the
// plan, and only what the plan leaves to the deletion. Of others the private state has
// the record: recorded is its UID, and the object with the given one may be that of a
// resource with which this one swaps names.
func CarryRecord(ctx context.Context, s *session.Session, private PrivateState, recorded, uid types.UID) diag.Diagnostics {
	record := s.RecordOf(uid)
	if record == nil || recorded != "" {
		return nil
	}
	return private.SetKey(ctx, recordKey, record)
}

// Absence says what it means that a management cluster does not have the object of
// the record: with the error management.ErrGone it is proven to be gone.
func (r *Record) Absence(ctx context.Context, mgmt *management.Cluster, kind schema.GroupKind, absent error) error {
	if err := mgmt.ProveAbsent(ctx, r.Management, kind, absent); err != nil {
		return err
	}
	return fmt.Errorf("%w: %w", management.ErrGone, absent)
}

// NotRead ends a refresh for which the management cluster could not be connected to,
// or did not have the object. It is forgotten if it is proven to be gone; else the
// last known state is kept, which there is none of while a resource is being imported.
func NotRead(ctx context.Context, resp *resource.ReadResponse, object string, err error, imported bool) {
	switch {
	case errors.Is(err, management.ErrGone), imported && management.IsAbsent(err):
		resp.State.RemoveResource(ctx)
	case errors.Is(err, management.ErrAnother), errors.Is(err, management.ErrRejected), imported:
		resp.Diagnostics.Append(ConnectError(err))
	default:
		resp.Diagnostics.Append(ConnectWarning(object, err))
	}
}

// ReadFailed ends a refresh for which the object of the record, of the given kind, could not be read. One that the management
// cluster does not have is forgotten if that is proven; if nobody answered, the last known state is kept.
func (r *Record) ReadFailed(ctx context.Context, resp *resource.ReadResponse, mgmt *management.Cluster, kind schema.GroupKind, object string, err error, imported bool) {
	if !management.IsAbsent(err) {
		resp.Diagnostics.Append(ReadError(object, err, imported))
		return
	}
	if !imported {
		err = r.Absence(ctx, mgmt, kind, err)
	}
	NotRead(ctx, resp, object, err, imported)
}

// ReadError says that an object could not be read. While it is being imported there is no last known state to keep.
func ReadError(object string, err error, imported bool) diag.Diagnostic {
	if management.IsConnectionError(err) && !imported {
		return ConnectWarning(object, err)
	}
	return RequestError("read "+object, err)
}

// finishTimeout bounds what ends a creation, when the operation's own time may be
// over.
const finishTimeout = 30 * time.Second

// FinishCreation ends a creation by removing its mark, even if the operation was
// interrupted, and notes in the record if that has to be made up for. It says whether
// the object is still this apply's; what is another's by now goes from the state.
func FinishCreation(ctx context.Context, creation *management.Creation, object string, record *Record, resp *resource.CreateResponse) bool {
	finishCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), finishTimeout)
	defer cancel()
	record.Creation = creation.Nonce()
	err := creation.Finish(finishCtx)
	if err == nil {
		record.Creation = ""
	}
	if errors.Is(err, management.ErrTakenOver) {
		resp.Diagnostics.Append(LostCreation(object))
		resp.State.RemoveResource(ctx)
		return false
	}
	return true
}

// Identify completes a record of an object that was found or made in the
// management cluster with the given id. What cannot be identified is left out, and
// recorded the next time: the object exists in any case.
func (r *Record) Identify(ctx context.Context, s *session.Session, managementCluster string, uid types.UID) {
	// Of a provider that is half uninstalled the entry may be gone that has the UID.
	if uid != "" {
		r.UID = uid
	}
	if r.Management.UID != "" {
		return
	}
	if identity, err := s.Identify(ctx, managementCluster); err == nil {
		r.Management = identity
	}
}
