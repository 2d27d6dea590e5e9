// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
	"sigs.k8s.io/cluster-api/util/secret"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/terraform-capi/terraform-provider-capi/internal/live"
	"github.com/terraform-capi/terraform-provider-capi/internal/management"
	"github.com/terraform-capi/terraform-provider-capi/internal/session"
	"github.com/terraform-capi/terraform-provider-capi/internal/tfkit"
)

// record is what proves which cluster the state is about. The Cluster object gets
// another UID when clusterctl moves it; what the cluster is known by then is where
// its control plane answers, and who signed its certificates.
type record struct {
	tfkit.Record
	// Endpoint is the control plane's, as HOST:PORT.
	Endpoint string `json:"endpoint,omitempty"`
	// CA is the certificate of the cluster's certificate authority, as PEM.
	CA string `json:"certificateAuthority,omitempty"`
	// Network is the one that the Cluster had when its control plane was first seen
	// to be initialised; nil until then.
	Network *clusterv1.ClusterNetwork `json:"network,omitempty"`
}

func readRecord(ctx context.Context, private tfkit.PrivateReader, state model) (record, diag.Diagnostics) {
	r, diags := tfkit.ReadRecord[record](ctx, private)
	if r.UID == "" {
		r.UID = types.UID(state.UID.ValueString())
	}
	return r, diags
}

var clusterKind = clusterv1.GroupVersion.WithKind(clusterv1.ClusterKind).GroupKind()

// errMoved means that a cluster lives, but not where the state says.
var errMoved = errors.New("the cluster lives")

// note completes the record with what the live object tells.
func (r *record) note(ctx context.Context, s *session.Session, mgmt *management.Cluster, cluster *clusterv1.Cluster) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastLook)
	defer cancel()
	r.Identify(ctx, s, mgmt.ID, cluster.UID)
	if cluster.Spec.ControlPlaneEndpoint.IsValid() {
		r.Endpoint = cluster.Spec.ControlPlaneEndpoint.String()
	}
	if r.Network == nil && live.IsInitialized(cluster) {
		r.Network = &cluster.Spec.ClusterNetwork
	}
	if r.CA == "" && r.Endpoint != "" {
		// Who may not read Secrets does without: then a move is not recognised.
		r.CA, _ = certificateAuthority(ctx, mgmt, cluster)
	}
}

// isOf says whether the record is of this Cluster object. An empty record, as when
// a cluster is being imported, is of any.
func (r *record) isOf(ctx context.Context, mgmt *management.Cluster, cluster *clusterv1.Cluster) bool {
	return r.UID == "" || r.UID == cluster.UID || r.isVery(ctx, mgmt, cluster)
}

// outlived is errMoved instead of management.ErrGone if the cluster lives, although
// its Cluster object is proven to be gone from the management cluster with this id,
// or that one is gone itself. Other errors stay as they are.
func (r *record) outlived(ctx context.Context, managementCluster string, err error) error {
	if !errors.Is(err, management.ErrGone) || !r.answers(ctx) {
		return err
	}
	return fmt.Errorf("%w: its control plane answers at %s, but %s no longer has a Cluster object of it",
		errMoved, r.Endpoint, management.Describe(managementCluster))
}

// isVery says whether a Cluster object of another UID or management cluster stands
// for the cluster of the record.
func (r *record) isVery(ctx context.Context, mgmt *management.Cluster, cluster *clusterv1.Cluster) bool {
	if r.Endpoint == "" || r.CA == "" || cluster.Spec.ControlPlaneEndpoint.String() != r.Endpoint {
		return false
	}
	ca, err := certificateAuthority(ctx, mgmt, cluster)
	return err == nil && ca == r.CA
}

// certificateAuthority is the certificate that a cluster's API server is signed
// with, which is no secret, though Cluster API keeps it in one together with its key.
func certificateAuthority(ctx context.Context, mgmt *management.Cluster, cluster *clusterv1.Cluster) (string, error) {
	stored := &corev1.Secret{}
	key := client.ObjectKey{Namespace: cluster.Namespace, Name: secret.Name(cluster.Name, secret.ClusterCA)}
	if err := mgmt.Get(ctx, key, stored); err != nil {
		return "", err
	}
	return string(stored.Data[secret.TLSCrtDataName]), nil
}

// answerTimeout is what a control plane has to answer. One that is well takes
// milliseconds.
const answerTimeout = 3 * time.Second

// answers says whether a control plane with the recorded certificate authority
// answers where the cluster's did: then the cluster lives, wherever its Cluster
// object is. It cannot be told if this machine has no way there.
func (r *record) answers(ctx context.Context) bool {
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM([]byte(r.CA)) {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	return isSignedBy(ctx, r.Endpoint, roots)
}

// isSignedBy says whether who answers has a certificate of the authority. Under
// which name it is reached does not matter: it is only asked who it is.
func isSignedBy(ctx context.Context, address string, roots *x509.CertPool) bool {
	dialer := tls.Dialer{Config: &tls.Config{
		InsecureSkipVerify: true, // VerifyConnection verifies all but the name.
		VerifyConnection: func(state tls.ConnectionState) error {
			if len(state.PeerCertificates) == 0 {
				return errors.New("no certificate")
			}
			options := x509.VerifyOptions{Roots: roots, Intermediates: x509.NewCertPool()}
			for _, certificate := range state.PeerCertificates[1:] {
				options.Intermediates.AddCert(certificate)
			}
			_, err := state.PeerCertificates[0].Verify(options)
			return err
		},
	}}
	conn, err := dialer.DialContext(ctx, "tcp", address)
	if err != nil {
		return false
	}
	_ = conn.Close()
	return true
}
