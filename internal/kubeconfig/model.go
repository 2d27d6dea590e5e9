// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package kubeconfig

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/terraform-capi/terraform-provider-capi/internal/management"
	"github.com/terraform-capi/terraform-provider-capi/internal/tfkit"
)

// model is what the resource, the ephemeral resource and the data source have in common.
type model struct {
	ClusterID            types.String `tfsdk:"cluster_id"`
	Endpoint             types.String `tfsdk:"endpoint"`
	Kubeconfig           types.String `tfsdk:"kubeconfig"`
	Host                 types.String `tfsdk:"host"`
	ClusterCACertificate types.String `tfsdk:"cluster_ca_certificate"`
	ClientCertificate    types.String `tfsdk:"client_certificate"`
	ClientKey            types.String `tfsdk:"client_key"`
	Token                types.String `tfsdk:"token"`
	ExpiresAt            types.String `tfsdk:"expires_at"`
}

// outputs are the attributes that a kubeconfig is taken apart into.
var outputs = []string{"kubeconfig", "host", "cluster_ca_certificate", "client_certificate", "client_key", "token", "expires_at"}

// identityModel says whose credentials are wanted.
type identityModel struct {
	User           types.String         `tfsdk:"user"`
	Groups         types.Set            `tfsdk:"groups"`
	ServiceAccount *serviceAccountModel `tfsdk:"service_account"`
	TTL            types.String         `tfsdk:"ttl"`
}

type serviceAccountModel struct {
	Namespace types.String `tfsdk:"namespace"`
	Name      types.String `tfsdk:"name"`
}

// identity is whose credentials are wanted, and for how long if the model does not say it.
func (m identityModel) identity(ctx context.Context, byDefault time.Duration) (identity, diag.Diagnostics) {
	who := identity{user: m.User.ValueString(), ttl: byDefault}
	diags := m.Groups.ElementsAs(ctx, &who.groups, false)
	if m.ServiceAccount != nil {
		who.account = client.ObjectKey{
			Namespace: cmp.Or(m.ServiceAccount.Namespace.ValueString(), tfkit.DefaultNamespace), Name: m.ServiceAccount.Name.ValueString(),
		}
	}
	if ttl, err := time.ParseDuration(m.TTL.ValueString()); err == nil {
		who.ttl = ttl
	}
	return who, diags
}

// set takes over credentials; nil makes all of them null.
func (m *model) set(c *credentials) {
	if c == nil {
		c = &credentials{}
	}
	m.Kubeconfig = tfkit.TextOrNull(c.kubeconfig)
	m.Host = tfkit.TextOrNull(c.host)
	m.ClusterCACertificate = tfkit.TextOrNull(c.caCertificate)
	m.ClientCertificate = tfkit.TextOrNull(c.clientCertificate)
	m.ClientKey = tfkit.TextOrNull(c.clientKey)
	m.Token = tfkit.TextOrNull(c.token)
	m.ExpiresAt = types.StringNull()
	if !c.expiresAt.IsZero() {
		m.ExpiresAt = types.StringValue(c.expiresAt.UTC().Format(time.RFC3339))
	}
}

// cluster takes the cluster's id apart.
func (m *model) cluster() (managementCluster string, key client.ObjectKey, err error) {
	return parseClusterID(m.ClusterID.ValueString())
}

func parseClusterID(id string) (managementCluster string, key client.ObjectKey, err error) {
	managementCluster, rest := management.SplitID(id)
	namespace, name, ok := strings.Cut(rest, "/")
	if !ok || namespace == "" || name == "" || strings.Contains(name, "/") {
		return "", key, fmt.Errorf("%q is not the id of a capi_cluster, which looks like [MANAGEMENT_CLUSTER_ID/]NAMESPACE/NAME", id)
	}
	return managementCluster, client.ObjectKey{Namespace: namespace, Name: name}, nil
}
