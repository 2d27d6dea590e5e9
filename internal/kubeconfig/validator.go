// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package kubeconfig

import (
	"context"
	"fmt"

	"time"

	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

// isClusterID accepts the ids of capi_cluster.
type isClusterID struct{}

var _ validator.String = isClusterID{}

func (isClusterID) Description(context.Context) string {
	return "the id of a capi_cluster, such as kind://mgmt/default/web"
}

func (v isClusterID) MarkdownDescription(ctx context.Context) string { return v.Description(ctx) }

func (isClusterID) ValidateString(_ context.Context, req validator.StringRequest, resp *validator.StringResponse) {
	if req.ConfigValue.IsNull() || req.ConfigValue.IsUnknown() {
		return
	}
	if _, _, err := parseClusterID(req.ConfigValue.ValueString()); err != nil {
		resp.Diagnostics.AddAttributeError(req.Path, "Invalid value", "The value "+err.Error()+".")
	}
}

// systemMasters is the group whose members are allowed everything, whatever the cluster's roles say.
const systemMasters = "system:masters"

// isRevocableGroup refuses the group whose permissions no role gives, and so none can take.
type isRevocableGroup struct{}

func (isRevocableGroup) Description(context.Context) string { return "not " + systemMasters }

func (v isRevocableGroup) MarkdownDescription(ctx context.Context) string { return v.Description(ctx) }

func (isRevocableGroup) ValidateString(_ context.Context, req validator.StringRequest, resp *validator.StringResponse) {
	if req.ConfigValue.ValueString() == systemMasters {
		resp.Diagnostics.AddAttributeError(req.Path, "Invalid value", "Credentials for group "+systemMasters+" are not issued: "+
			"its members are allowed everything as long as their certificates are valid, and nobody can take that from them. "+
			"Use a group of your own, and bind it to the ClusterRole cluster-admin.")
	}
}

// shortestTTL is what the APIs of Kubernetes ask for: CertificateSigningRequest.spec.expirationSeconds and
// TokenRequest.spec.expirationSeconds are at least 600.
const shortestTTL = 10 * time.Minute

type isLongEnough struct{}

func (isLongEnough) Description(context.Context) string { return "at least " + shortestTTL.String() }

func (v isLongEnough) MarkdownDescription(ctx context.Context) string { return v.Description(ctx) }

func (isLongEnough) ValidateString(_ context.Context, req validator.StringRequest, resp *validator.StringResponse) {
	if ttl, err := time.ParseDuration(req.ConfigValue.ValueString()); err == nil && ttl < shortestTTL {
		resp.Diagnostics.AddAttributeError(req.Path, "Invalid value", fmt.Sprintf("The value %q is too short: Kubernetes issues credentials for 10m or longer.", req.ConfigValue.ValueString()))
	}
}

// needsIdentity refuses a ttl for the administrator's credentials, which Cluster API issues.
type needsIdentity struct{}

func (needsIdentity) Description(context.Context) string {
	return "together with user or service_account"
}

func (v needsIdentity) MarkdownDescription(ctx context.Context) string { return v.Description(ctx) }

func (needsIdentity) ValidateString(ctx context.Context, req validator.StringRequest, resp *validator.StringResponse) {
	if req.ConfigValue.IsNull() {
		return
	}
	var user types.String
	var account types.Object
	resp.Diagnostics.Append(req.Config.GetAttribute(ctx, path.Root("user"), &user)...)
	resp.Diagnostics.Append(req.Config.GetAttribute(ctx, path.Root("service_account"), &account)...)
	if !resp.Diagnostics.HasError() && user.IsNull() && account.IsNull() {
		resp.Diagnostics.AddAttributeError(req.Path, "Missing identity",
			"The administrator's credentials are valid for as long as Cluster API makes them. Set user or service_account, or leave ttl out.")
	}
}
