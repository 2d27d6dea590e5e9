// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package kubeconfig

import (
	"fmt"
	"strings"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/terraform-capi/terraform-provider-capi/internal/management"
)

// model is what the resource and the ephemeral resource have in common.
type model struct {
	ClusterID                  types.String `tfsdk:"cluster_id"`
	Endpoint                   types.String `tfsdk:"endpoint"`
	Kubeconfig                 types.String `tfsdk:"kubeconfig"`
	Host                       types.String `tfsdk:"host"`
	ClusterCACertificate       types.String `tfsdk:"cluster_ca_certificate"`
	ClientCertificate          types.String `tfsdk:"client_certificate"`
	ClientKey                  types.String `tfsdk:"client_key"`
	ClientCertificateExpiresAt types.String `tfsdk:"client_certificate_expires_at"`
}

// set takes over credentials; nil makes all of them null.
func (m *model) set(c *credentials) {
	if c == nil {
		c = &credentials{}
	}
	m.Kubeconfig = textOrNull(c.kubeconfig)
	m.Host = textOrNull(c.host)
	m.ClusterCACertificate = textOrNull(c.caCertificate)
	m.ClientCertificate = textOrNull(c.clientCertificate)
	m.ClientKey = textOrNull(c.clientKey)
	m.ClientCertificateExpiresAt = types.StringNull()
	if !c.expiresAt.IsZero() {
		m.ClientCertificateExpiresAt = types.StringValue(c.expiresAt.UTC().Format(time.RFC3339))
	}
}

func textOrNull(text string) types.String {
	if text == "" {
		return types.StringNull()
	}
	return types.StringValue(text)
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
