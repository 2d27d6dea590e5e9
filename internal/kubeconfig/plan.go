// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package kubeconfig

import (
	"context"
	"reflect"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/terraform-capi/terraform-provider-capi/internal/tfkit"
)

// How long issued credentials are valid by default: credentials in the state have to last until the next apply, others for one run.
const (
	defaultTTL         = 30 * 24 * time.Hour
	defaultFleetingTTL = 24 * time.Hour
)

// record also has when credentials that were issued are to be replaced.
type record struct {
	tfkit.Record
	// RenewAt is when two thirds of the time have passed for which the credentials are valid; nil for the administrator's.
	RenewAt *time.Time `json:"renewAt,omitempty"`
}

// renewal is when credentials that are issued now and expire then are to be replaced.
func renewal(who identity, now, expiresAt time.Time) *time.Time {
	if who.isAdministrator() || expiresAt.IsZero() {
		return nil
	}
	at := now.Add(expiresAt.Sub(now) * 2 / 3).UTC().Truncate(time.Second)
	return &at
}

// ModifyPlan plans to have credentials issued again before those in the state expire, and where the cluster's authority
// changed.
func (r *Resource) ModifyPlan(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	if req.Plan.Raw.IsNull() || req.State.Raw.IsNull() {
		return
	}
	known, diags := tfkit.ReadRecord[record](ctx, req.Private)
	resp.Diagnostics.Append(diags...)
	var expiresAt types.String
	resp.Diagnostics.Append(req.State.GetAttribute(ctx, path.Root("expires_at"), &expiresAt)...)
	if resp.Diagnostics.HasError() || !known.isDue(expiresAt) {
		return
	}
	for _, name := range outputs {
		resp.Diagnostics.Append(resp.Plan.SetAttribute(ctx, path.Root(name), types.StringUnknown())...)
	}
}

// isDue says whether credentials that were issued have to be issued again.
func (r record) isDue(expiresAt types.String) bool {
	return r.RenewAt != nil && (expiresAt.IsNull() || !time.Now().Before(*r.RenewAt))
}

// keep takes credentials over from the state, if they were issued for the same identity and need not be issued again.
func (m *resourceModel) keep(state *resourceModel, known record) bool {
	same := m.User.Equal(state.User) && m.Groups.Equal(state.Groups) && m.TTL.Equal(state.TTL) && reflect.DeepEqual(m.ServiceAccount, state.ServiceAccount)
	if !same || known.RenewAt == nil || known.isDue(state.ExpiresAt) {
		return false
	}
	m.ClientCertificate, m.ClientKey, m.Token, m.ExpiresAt = state.ClientCertificate, state.ClientKey, state.Token, state.ExpiresAt
	m.ClusterCACertificate = state.ClusterCACertificate
	return true
}

// refreshed are the credentials of the state, as they are to be used now. Without a time of expiry they are worth nothing any
// more: another authority signs the cluster's certificates.
func (m *resourceModel) refreshed(ctx context.Context, kept *stored) (*credentials, error) {
	who, _ := m.identity(ctx, defaultTTL) // The attributes have been validated.
	endpoint := m.Endpoint.ValueString()
	administrator, err := kept.credentials(endpoint)
	if err != nil || who.isAdministrator() {
		return administrator, err
	}
	expiresAt, _ := time.Parse(time.RFC3339, m.ExpiresAt.ValueString())
	if administrator.caCertificate != m.ClusterCACertificate.ValueString() {
		expiresAt = time.Time{}
	}
	return kept.credentialsOf(endpoint, who.String(), &clientcmdapi.AuthInfo{
		ClientCertificateData: []byte(m.ClientCertificate.ValueString()),
		ClientKeyData:         []byte(m.ClientKey.ValueString()),
		Token:                 m.Token.ValueString(),
	}, expiresAt)
}
