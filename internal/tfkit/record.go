// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package tfkit

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"k8s.io/apimachinery/pkg/types"

	"github.com/terraform-capi/terraform-provider-capi/internal/management"
	"github.com/terraform-capi/terraform-provider-capi/internal/session"
)

// recordKey is where the record is in the private state.
const recordKey = "record"

// Record is what proves that an object is the one that the state is about. It is
// kept in the private state, and empty while a resource is being imported.
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
// is none.
func ReadRecord[T any](ctx context.Context, private PrivateReader) (T, diag.Diagnostics) {
	var record T
	content, diags := private.GetKey(ctx, recordKey)
	if diags.HasError() || len(content) == 0 {
		return record, diags
	}
	if err := json.Unmarshal(content, &record); err != nil {
		diags.AddError("Unreadable private state", fmt.Sprintf(
			"What the provider recorded about the resource cannot be read: %s. Remove the resource with terraform state rm, and import it.", err))
	}
	return record, diags
}

// WriteRecord keeps the record.
func WriteRecord[T any](ctx context.Context, private PrivateState, record T) diag.Diagnostics {
	content, err := json.Marshal(record)
	if err != nil {
		return diag.Diagnostics{diag.NewErrorDiagnostic("Record not written", err.Error())}
	}
	return private.SetKey(ctx, recordKey, content)
}

// Identify completes a record of an object that was found or made in the
// management cluster with the given id. What cannot be identified is left out, and
// recorded the next time: the object exists in any case.
func (r *Record) Identify(ctx context.Context, s *session.Session, managementCluster string, uid types.UID) {
	r.UID = uid
	s.Manage(uid)
	if r.Management.UID != "" {
		return
	}
	if identity, err := s.Identify(ctx, managementCluster); err == nil {
		r.Management = identity
	}
}
